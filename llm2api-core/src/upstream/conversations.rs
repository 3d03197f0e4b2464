//! Conversations that an upstream keeps, and that later requests go on with.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use super::outbox::Cleanup;
use crate::credential::Credential;

/// Names all that was said in a conversation up to a message, and to whom: a hash of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BranchKey(pub [u8; 32]);

/// The right to be the only one at work in a conversation, until
/// [released](Conversations::release).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ConversationHold {
    /// The branch that it was taken for.
    pub branch: BranchKey,
    /// What nobody else has.
    pub token: String,
}

impl ConversationHold {
    /// Names a hold.
    pub fn new(branch: BranchKey, token: impl Into<String>) -> Self {
        Self { branch, token: token.into() }
    }
}

/// A branch that was found, and whose conversation is held.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundBranch {
    /// The id of the conversation's clean-up.
    pub id: String,
    /// The conversation's id at the upstream.
    pub conversation: String,
    /// The id of the message there that a request goes on from.
    pub message: String,
    /// The hold.
    pub hold: ConversationHold,
}

impl FoundBranch {
    /// Names a conversation, by its clean-up and at the upstream, and a message in it.
    pub fn new(
        id: impl Into<String>,
        conversation: impl Into<String>,
        message: impl Into<String>,
        hold: ConversationHold,
    ) -> Self {
        let (id, conversation, message) = (id.into(), conversation.into(), message.into());
        Self { id, conversation, message, hold }
    }
}

/// A turn that is whole, after which a conversation is to be kept.
#[derive(Clone, Debug)]
pub struct NewBranch {
    /// How the conversation will be removed: its id, whose it is, what it is called there.
    pub cleanup: Cleanup,
    /// Names what was said, the answer included.
    pub key: BranchKey,
    /// The answer's id at the upstream.
    pub message: String,
    /// By what the choice of a credential knows the thread.
    pub thread: Option<u64>,
    /// The hold on a conversation that was kept before; none for a new one.
    pub hold: Option<ConversationHold>,
}

/// Says that a branch is about to be kept; dropped once it is, or will not be.
#[must_use]
#[derive(Debug)]
pub struct Expected {
    _guard: Box<dyn Debug + Send + Sync>,
}

impl Expected {
    /// Lives as long as `guard` does.
    pub fn new(guard: impl Debug + Send + Sync + 'static) -> Self {
        Self { _guard: Box::new(guard) }
    }
}

/// Keeps, for the next turn, where a conversation has come to.
///
/// # Example
/// ```
/// use llm2api_core::upstream::{BranchKey, Conversations, NoConversations};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let conversations = NoConversations;
/// assert!(!conversations.reuses());
/// assert!(conversations.take(BranchKey([0; 32])).await.is_none());
/// # }
/// ```
#[async_trait]
pub trait Conversations: Debug + Send + Sync + 'static {
    /// Says whether conversations are kept at all; else each request gets one of its own.
    fn reuses(&self) -> bool;

    /// Finds a branch and takes its conversation, for one turn; none where it is not known, or
    /// somebody else is at work there. Waits a moment for one that is [expected](Self::expect), and
    /// for a conversation in which only that is still to be done.
    async fn take(&self, branch: BranchKey) -> Option<FoundBranch>;

    /// Says that a branch is about to be kept, in a new conversation or in one that is held: `id` is
    /// that of its clean-up.
    fn expect(&self, branch: BranchKey, id: Option<&str>) -> Expected;

    /// Keeps a branch, in the place of the clean-up that the outbox has, and ends the hold; says
    /// whether it is kept.
    async fn remember(&self, branch: NewBranch) -> bool;

    /// Ends a hold without a new branch; nobody gets another before `rest` is over. Called from
    /// `Drop`: it neither blocks nor spawns.
    fn release(&self, branch: FoundBranch, rest: Duration);

    /// Forgets a conversation that is held and is of no use any more, and has it removed.
    async fn give_up(&self, branch: FoundBranch);

    /// Forgets some conversations of a credential, those that were not used for longest, and returns
    /// how they are removed: whoever asks does it, and hands each to the outbox afterwards.
    async fn make_room(&self, credential: &Credential) -> Vec<Cleanup>;
}

/// Keeps nothing: each request gets a conversation of its own.
#[derive(Debug, Default)]
pub struct NoConversations;

#[async_trait]
impl Conversations for NoConversations {
    fn reuses(&self) -> bool {
        false
    }

    async fn take(&self, _: BranchKey) -> Option<FoundBranch> {
        None
    }

    fn expect(&self, _: BranchKey, _: Option<&str>) -> Expected {
        Expected::new(())
    }

    async fn remember(&self, _: NewBranch) -> bool {
        false
    }

    fn release(&self, _: FoundBranch, _: Duration) {}

    async fn give_up(&self, _: FoundBranch) {}

    async fn make_room(&self, _: &Credential) -> Vec<Cleanup> {
        Vec::new()
    }
}
