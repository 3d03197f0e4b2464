//! Sees to it that no conversation of ours is left behind, however a turn ends.

use crate::clock::unix_seconds;
use crate::credential::Credential;
use crate::upstream::{Cleanup, Run, SharedOutbox, Target};

/// Hands the clean-up of one conversation to the outbox when dropped.
#[derive(Debug)]
pub(super) struct TurnGuard {
    outbox: SharedOutbox,
    cleanup: Option<Box<Cleanup>>,
}

impl TurnGuard {
    /// Begins before a conversation is asked for; `marks` is how it is known again.
    pub(super) fn new(outbox: SharedOutbox, credential: Credential, marks: String) -> Self {
        let cleanup = Cleanup::new(credential, Target::Unheard(marks));
        Self { outbox, cleanup: Some(Box::new(cleanup)) }
    }

    /// Writes down what there is to clean up, before it is needed.
    pub(super) async fn keep(&self) {
        if let Some(cleanup) = &self.cleanup {
            self.outbox.keep(cleanup).await;
        }
    }

    /// Writes down as well that a run may follow, which is not asked for yet.
    pub(super) async fn keep_with_run(&self, generation: &str) {
        if let Some(cleanup) = &self.cleanup {
            let mut cleanup = cleanup.clone();
            cleanup.run = Run::Unsure(generation.to_owned());
            self.outbox.keep(&cleanup).await;
        }
    }

    /// The conversation was refused: there is none.
    pub(super) fn refused(&mut self) {
        self.change(|cleanup| cleanup.target = Target::Nothing);
    }

    /// The conversation belongs to this session.
    pub(super) fn belongs_to(&mut self, session: Credential) {
        self.change(|cleanup| cleanup.credential = session);
    }

    /// The conversation has this id.
    pub(super) fn heard(&mut self, id: &str) {
        self.change(|cleanup| cleanup.target = Target::Named(id.to_owned()));
    }

    /// A run is asked for: from here on there may be one.
    pub(super) fn may_run(&mut self, generation: &str) {
        self.change(|cleanup| cleanup.run = Run::Unsure(generation.to_owned()));
    }

    /// The run is known to be under way: it has to be stopped if nobody waits for it.
    pub(super) fn runs(&mut self) {
        self.change(|cleanup| {
            if let Run::Unsure(generation) = &mut cleanup.run {
                cleanup.run = Run::Active(std::mem::take(generation));
            }
        });
    }

    /// Nobody can tell any more whether the run is under way.
    pub(super) fn is_lost(&mut self) {
        self.change(|cleanup| {
            if let Run::Active(generation) = &mut cleanup.run {
                cleanup.run = Run::Unsure(std::mem::take(generation));
            }
        });
    }

    /// The run is over, or never began. Stopping it now would kill the next one.
    pub(super) fn ran(&mut self) {
        self.change(|cleanup| cleanup.run = Run::Over);
    }

    /// Returns the title that marks the conversation as ours.
    pub(super) fn title(&self) -> String {
        title(self.cleanup.as_ref().map_or("", |cleanup| &cleanup.id))
    }

    fn change(&mut self, change: impl FnOnce(&mut Cleanup)) {
        if let Some(cleanup) = &mut self.cleanup {
            change(cleanup);
        }
    }
}

/// The title of a conversation of ours, by the id of its clean-up.
pub(super) fn title(cleanup: &str) -> String {
    format!("llm2api {}", cleanup.get(..8).unwrap_or(cleanup))
}

impl Drop for TurnGuard {
    fn drop(&mut self) {
        if let Some(mut cleanup) = self.cleanup.take() {
            cleanup.ended = unix_seconds();
            self.outbox.push(*cleanup);
        }
    }
}
