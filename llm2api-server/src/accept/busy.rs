//! Whether a connection waits for a request or works on one.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use hyper::body::{Body, Frame, SizeHint};

/// Counts the turns of one connection: even while it waits for a request, odd while it works.
///
/// Shared by the service, which knows when work begins and ends, and the socket, which has to tell
/// an idle client from a slow one. hyper's own head timer cannot: it runs in both cases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    turn: AtomicU64,
    linger: AtomicBool,
    stalled: AtomicBool,
    reader: AtomicWaker,
}

impl Turns {
    /// Begins to work; the work ends when the guard goes.
    pub(super) fn begin(&self) -> Busy {
        // There is no next request before the last one's body has been read.
        self.shared.linger.store(false, Ordering::Relaxed);
        self.shared.turn.fetch_add(1, Ordering::Relaxed);
        Busy { turns: self.clone() }
    }

    /// Returns the number of the turn.
    pub(super) fn now(&self) -> u64 {
        self.shared.turn.load(Ordering::Relaxed)
    }

    /// Returns the number of the turn if a request is being worked on.
    pub(super) fn working(&self) -> Option<u64> {
        Some(self.now()).filter(|turn| turn % 2 == 1)
    }

    /// Notes who reads, so that the end of the work can be told.
    ///
    /// hyper does not read again after an answer while an earlier read still waits, and nobody
    /// would set the idle deadline.
    pub(super) fn watch(&self, cx: &Context<'_>) {
        self.shared.reader.register(cx.waker());
    }

    /// Notes that the client may still be sending what nobody will read.
    pub(super) fn expect_leftovers(&self) {
        self.shared.linger.store(true, Ordering::Relaxed);
    }

    /// Notes that an idle client sends nothing that would have to be read away.
    pub(super) fn settle(&self) {
        if self.working().is_none() {
            self.shared.linger.store(false, Ordering::Relaxed);
        }
    }

    /// Notes that the client has not read for too long.
    pub(super) fn stall(&self) {
        self.shared.stalled.store(true, Ordering::Relaxed);
    }

    /// Says whether the client was given up because it did not read.
    pub(crate) fn has_stalled(&self) -> bool {
        self.shared.stalled.load(Ordering::Relaxed)
    }

    /// Says whether there may be something left to read away.
    pub(super) fn has_leftovers(&self) -> bool {
        self.shared.linger.load(Ordering::Relaxed)
    }
}

/// Held while a request is worked on, until its whole answer has been handed over.
#[derive(Debug)]
pub(super) struct Busy {
    turns: Turns,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.turns.shared.turn.fetch_add(1, Ordering::Relaxed);
        self.turns.shared.reader.wake();
    }
}

/// A body that keeps its connection busy.
pub(super) struct BusyBody<B> {
    pub(super) inner: B,
    pub(super) _busy: Busy,
}

impl<B: Body + Unpin> Body for BusyBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
