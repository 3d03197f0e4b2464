//! The operating system's requests: to stop, and to read the settings again.

use std::pin::pin;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::stop::Stop;

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

impl Signals {
    /// Runs `serving` to its end: a first signal lets it drain, a second cuts what still runs.
    pub(crate) async fn obeyed<T>(mut self, stop: &Stop, serving: impl Future<Output = T>) -> T {
        let mut serving = pin!(serving);
        tokio::select! {
            ended = &mut serving => return ended,
            () = self.received() => stop.drain(),
        }
        tokio::select! {
            ended = &mut serving => ended,
            () = self.received() => {
                stop.cut();
                serving.await
            }
        }
    }
}

/// SIGHUP, from the moment it is made: it ends the process no more. Several that come before anybody
/// looks count as one.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Hangups {
    stream: Option<Signal>,
}

#[cfg(unix)]
impl Hangups {
    /// Starts to listen.
    pub(crate) fn listen() -> Self {
        let stream = signal(SignalKind::hangup()).ok();
        if stream.is_none() {
            tracing::warn!("cannot listen for SIGHUP: it will end the process at once");
        }
        Self { stream }
    }

    /// Waits for the next one.
    pub(crate) async fn received(&mut self) {
        match &mut self.stream {
            Some(stream) => drop(stream.recv().await),
            None => std::future::pending().await,
        }
    }
}

/// There is no such signal here.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    /// Listens to nothing.
    pub(crate) fn listen() -> Self {
        Self
    }

    /// Waits for ever.
    pub(crate) async fn received(&mut self) {
        std::future::pending().await
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
