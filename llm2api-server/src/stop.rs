//! The steps to the end: begin nothing new, close the door, cut what still runs.

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Tells every part of the server that the end has come; clones share it.
///
/// # Example
/// ```
/// let stop = llm2api_server::Stop::new();
/// assert!(!stop.is_draining());
/// stop.drain();
/// assert!(stop.is_draining());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stop {
    draining: CancellationToken,
    closing: CancellationToken,
    cut: CancellationToken,
}

impl Stop {
    /// Makes one that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the end: new requests are refused and health checks say so, what runs goes on.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Ends what still runs, visibly: streams get an error event, other requests a 503.
    pub fn cut(&self) {
        self.draining.cancel();
        self.closing.cancel();
        self.cut.cancel();
    }

    /// Says whether the end has begun.
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Closes every connection on which nothing runs, and each other one after its answer.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }

    /// Waits until the end begins.
    pub(crate) async fn draining(&self) {
        self.draining.cancelled().await;
    }

    /// Waits until the end begins, for whoever needs an answer of his own.
    pub(crate) fn drained(&self) -> WaitForCancellationFutureOwned {
        self.draining.clone().cancelled_owned()
    }

    /// Waits until connections have to close.
    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Waits until what runs has to end.
    pub(crate) fn cut_off(&self) -> WaitForCancellationFutureOwned {
        self.cut.clone().cancelled_owned()
    }
}
