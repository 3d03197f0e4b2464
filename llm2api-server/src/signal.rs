//! The operating system's requests to stop.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT, from the moment it is made: a signal that comes before anybody waits counts.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Signals {
    streams: Option<(Signal, Signal)>,
}

#[cfg(unix)]
impl Signals {
    /// Starts to listen.
    pub(crate) fn listen() -> Self {
        let streams =
            signal(SignalKind::terminate()).ok().zip(signal(SignalKind::interrupt()).ok());
        if streams.is_none() {
            tracing::warn!("cannot listen for signals: a signal will end the process at once");
        }
        Self { streams }
    }

    /// Waits for the next one.
    pub(crate) async fn received(&mut self) {
        let Some((terminate, interrupt)) = &mut self.streams else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Starts to listen.
    pub(crate) fn listen() -> Self {
        Self
    }

    /// Waits for the next one.
    pub(crate) async fn received(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
