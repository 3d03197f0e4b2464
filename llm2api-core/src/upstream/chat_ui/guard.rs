//! Sees to it that no conversation of ours is left behind, however a turn ends.

use std::time::Duration;

use crate::clock::unix_seconds;
use crate::credential::Credential;
use crate::upstream::{
    BranchKey, Cleanup, FoundBranch, NewBranch, Run, SharedConversations, SharedOutbox, Target,
};

/// How long a conversation rests in which a run may have to be stopped. A stop that finds nothing to
/// stop kills what begins there within five seconds, and it may take some to be sent.
pub(super) const REST: Duration = Duration::from_secs(10);

/// Hands the clean-up of one turn to the outbox when dropped: its conversation is removed, but for
/// one that was kept before, which is free for others then.
#[derive(Debug)]
pub(super) struct TurnGuard {
    outbox: SharedOutbox,
    conversations: SharedConversations,
    cleanup: Option<Box<Cleanup>>,
    found: Option<FoundBranch>,
}

impl TurnGuard {
    /// Begins before a conversation is asked for; `marks` is how it is known again.
    pub(super) fn new(
        outbox: SharedOutbox,
        conversations: SharedConversations,
        credential: Credential,
        marks: String,
    ) -> Self {
        let cleanup = Some(Box::new(Cleanup::new(credential, Target::Unheard(marks))));
        Self { outbox, conversations, cleanup, found: None }
    }

    /// Begins a turn in a conversation that was kept, and stays.
    pub(super) fn found(
        outbox: SharedOutbox,
        conversations: SharedConversations,
        credential: Credential,
        found: FoundBranch,
    ) -> Self {
        let target = Target::Kept(found.conversation.clone());
        let cleanup = Some(Box::new(Cleanup::new(credential, target)));
        Self { outbox, conversations, cleanup, found: Some(found) }
    }

    /// Returns the id under which the conversation was kept before, where it was.
    pub(super) fn kept(&self) -> Option<&str> {
        self.found.as_ref().map(|found| found.id.as_str())
    }

    /// Takes the turn over, and leaves a guard of nothing behind.
    pub(super) fn take(&mut self) -> Self {
        let Self { outbox, conversations, cleanup, found } = self;
        Self {
            outbox: outbox.clone(),
            conversations: conversations.clone(),
            cleanup: cleanup.take(),
            found: found.take(),
        }
    }

    /// Keeps the conversation for those who go on from this turn, which is whole.
    pub(super) async fn remember(&mut self, key: BranchKey, message: String, thread: Option<u64>) {
        let Some(cleanup) = self.cleanup.as_deref().cloned() else { return };
        let cleanup = Cleanup { run: Run::Over, ..cleanup };
        let (cleanup, hold) = match &self.found {
            None => (cleanup, None),
            Some(FoundBranch { id, conversation, hold, .. }) => {
                let target = Target::Named(conversation.clone());
                (Cleanup { id: id.clone(), target, ..cleanup }, Some(hold.clone()))
            }
        };
        let new = hold.is_none();
        if self.conversations.remember(NewBranch { cleanup, key, message, thread, hold }).await {
            self.found = None;
            if new {
                // What is kept has taken the place of the clean-up.
                self.cleanup = None;
            }
        }
    }

    /// Gives up a conversation that was kept and is of no use any more.
    pub(super) async fn give_up(&mut self) {
        if let Some(found) = self.found.take() {
            self.conversations.give_up(found).await;
        }
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
        if let Some(found) = self.found.take() {
            let run = self.cleanup.as_ref().map(|cleanup| &cleanup.run);
            let rest = if run == Some(&Run::Over) { Duration::ZERO } else { REST };
            self.conversations.release(found, rest);
        }
        if let Some(mut cleanup) = self.cleanup.take() {
            cleanup.ended = unix_seconds();
            self.outbox.push(*cleanup);
        }
    }
}
