//! Sees to it that no conversation of ours is left behind, however a turn ends.

use crate::credential::Credential;
use crate::upstream::{Cleanup, SharedOutbox};

/// Hands the clean-up of one conversation to the outbox when dropped.
#[derive(Debug)]
pub(super) struct TurnGuard {
    outbox: SharedOutbox,
    cleanup: Option<Cleanup>,
}

impl TurnGuard {
    pub(super) fn new(outbox: SharedOutbox, credential: Credential, conversation: String) -> Self {
        let cleanup = Cleanup { credential, target: conversation, stop: None };
        Self { outbox, cleanup: Some(cleanup) }
    }

    /// A run is about to start: from here on it has to be stopped if nobody waits for it.
    pub(super) fn runs(&mut self, generation: &str) {
        if let Some(cleanup) = &mut self.cleanup {
            cleanup.stop = Some(generation.to_owned());
        }
    }

    /// The run is over. Stopping it now would kill the next one in that conversation.
    pub(super) fn ran(&mut self) {
        if let Some(cleanup) = &mut self.cleanup {
            cleanup.stop = None;
        }
    }
}

impl Drop for TurnGuard {
    fn drop(&mut self) {
        if let Some(cleanup) = self.cleanup.take() {
            self.outbox.push(cleanup);
        }
    }
}
