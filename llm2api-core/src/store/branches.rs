//! Conversations at upstreams that later requests go on with, as a store sees them.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use super::{OutboxEntry, Sealed};
use crate::credential::CredentialId;
use crate::error::Result;

/// Branches of one conversation that are kept: the next one begins another conversation.
pub const MOST_BRANCHES: usize = 1000;

/// A conversation at an upstream that is kept for its next turn.
///
/// What is sealed in it is its clean-up: [collected](Branches::collect), it becomes an entry of the
/// outbox as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptConversation {
    /// Its id, which is that of its clean-up.
    pub id: String,
    /// The credential whose account has it.
    pub owner: CredentialId,
    /// Its id at the upstream.
    pub conversation: String,
    /// How it is removed, and with whose secret, sealed.
    pub sealed: Sealed,
}

/// A message of a conversation that a request may go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// A keyed hash of all that was said up to that message.
    pub key: String,
    /// The message's id at the upstream.
    pub message: String,
    /// By what the choice of a credential knows the thread, if it does.
    pub thread: Option<String>,
}

/// The right to be the only one at work in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hold {
    /// The branch that it was taken for, which may lead elsewhere by now.
    pub branch: String,
    /// The id of the conversation's clean-up; none as long as only the store knows it.
    pub id: Option<String>,
    /// What nobody else has.
    pub token: String,
}

/// What came of asking for a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Held {
    /// It is held from now on: the conversation's id here and at the upstream, and the message.
    Yes {
        /// The id of its clean-up.
        id: String,
        /// The conversation's id at the upstream.
        conversation: String,
        /// The message's id there.
        message: String,
    },
    /// Somebody else is at work there, or was of late: the id of its clean-up.
    Busy(String),
    /// No such branch is known.
    Unknown,
}

/// Which conversations are collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collection {
    /// Only those of this credential.
    pub owner: Option<CredentialId>,
    /// Only those that were not used for so long.
    pub unused_for: Duration,
    /// So many of those that were used last are passed over.
    pub spare: usize,
    /// Not more than so many; 0 for all.
    pub at_most: usize,
    /// Those too that are held, or rest.
    pub held_too: bool,
}

/// Keeps which conversations later requests go on with.
///
/// A conversation is named by an entry of the outbox or by a row here, never by neither: each step
/// from one to the other is made whole or not at all.
#[async_trait]
pub trait Branches: Debug + Send + Sync {
    /// Keeps a branch, in the place of one with its key, and ends the hold.
    ///
    /// Without a hold the conversation is a new one, and takes the place of the outbox's entry with
    /// its id. With one it must be here and held so. Says no, and changes nothing, where that is not
    /// so, or where it has [`MOST_BRANCHES`].
    async fn remember(
        &self,
        kept: &KeptConversation,
        branch: &Branch,
        hold: Option<&Hold>,
    ) -> Result<bool>;

    /// Asks for the conversation of a branch, until released or until `lease` is over.
    async fn hold(&self, hold: &Hold, lease: Duration) -> Result<Held>;

    /// Holds on for another `lease` to what is still held so.
    async fn renew_holds(&self, holds: &[Hold], lease: Duration) -> Result<()>;

    /// Ends a hold, if it is one; nobody gets another before `rest` is over.
    async fn release(&self, hold: &Hold, rest: Duration) -> Result<()>;

    /// Moves a conversation that is held so into the outbox of this process; returns its entry.
    async fn give_up(&self, hold: &Hold) -> Result<Vec<OutboxEntry>>;

    /// Moves conversations into the outbox of this process, those that were not used for longest
    /// first, and returns their entries.
    async fn collect(&self, which: &Collection) -> Result<Vec<OutboxEntry>>;

    /// Returns the credential that answered a thread last, if its conversation is kept.
    async fn owner_of(&self, thread: &str) -> Result<Option<CredentialId>>;

    /// Returns all conversations, in no order.
    async fn conversations(&self) -> Result<Vec<KeptConversation>>;
}
