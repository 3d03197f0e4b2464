//! What an upstream has to see to after a call, whatever becomes of the caller and of this process.

use std::collections::HashSet;
use std::fmt::Debug;

use async_trait::async_trait;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::unix_seconds;
use crate::credential::Credential;

/// What is left to do at an upstream when a call is over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cleanup {
    /// Its id in the outbox.
    pub id: String,
    /// Whose session the call used.
    pub credential: Credential,
    /// When the call began, in seconds since 1970.
    pub begun: u64,
    /// When the call was over, in seconds since 1970: from then on nothing new was asked for.
    pub ended: u64,
    /// How often this was tried in vain.
    pub tries: u32,
    /// What to remove.
    pub target: Target,
    /// What to stop before.
    pub run: Run,
}

/// What a [`Cleanup`] removes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Target {
    /// Nothing: it was never made.
    Nothing,
    /// What was asked for and may have been made, though nobody heard its id: how the upstream
    /// knows it again, in words of its own.
    Unheard(String),
    /// What has this id: for chat-ui a conversation.
    Named(String),
    /// Nothing: what has this id stays, and only a run there may have to be stopped.
    Kept(String),
}

/// Whether something is under way that a [`Cleanup`] has to stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Run {
    /// Nothing is.
    Over,
    /// The run with this id may be: the upstream has to be asked first.
    Unsure(String),
    /// The run with this id is, as far as is known.
    Active(String),
}

impl Cleanup {
    /// Starts one with nothing to stop.
    pub fn new(credential: Credential, target: Target) -> Self {
        let id = Uuid::new_v4().simple().to_string();
        let begun = unix_seconds();
        Self { id, credential, begun, ended: begun, tries: 0, target, run: Run::Over }
    }

    /// Says that there is nothing to do.
    pub fn is_nothing(&self) -> bool {
        matches!(self.target, Target::Nothing | Target::Kept(_)) && self.run == Run::Over
    }
}

/// What calls at an upstream have made, and may be making.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Claims {
    /// What is named by a clean-up.
    pub named: HashSet<String>,
    /// Whether calls that may live have asked for something, and not heard its id yet.
    pub asking: bool,
}

/// Takes what must be cleaned up, before it comes into being, and does it in the end.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use llm2api_core::Credential;
/// use llm2api_core::upstream::{Cleanup, NoOutbox, Outbox, Target};
///
/// async fn call(outbox: &dyn Outbox, credential: Credential) {
///     let mut cleanup = Cleanup::new(credential, Target::Unheard("made for one call".into()));
///     outbox.keep(&cleanup).await; // before it is asked for
///     cleanup.target = Target::Named("66f".into());
///     outbox.keep(&cleanup).await; // before it is used
///     outbox.push(cleanup); // once nobody needs it, from `Drop` at the latest
/// }
/// call(&NoOutbox, Credential::anonymous("mine")).await;
/// # }
/// ```
#[async_trait]
pub trait Outbox: Debug + Send + Sync + 'static {
    /// Keeps a clean-up where it outlives this process, in the place of one with its id.
    ///
    /// Returns when it is kept, or when that has taken too long: a call does not fail because of it.
    async fn keep(&self, cleanup: &Cleanup);

    /// Has a clean-up done, and forgotten when it is done. Called from `Drop`: it neither blocks nor
    /// spawns.
    fn push(&self, cleanup: Cleanup);

    /// Says what calls at the credential's upstream have made, and may be making.
    async fn claims(&self, credential: &Credential) -> Claims;

    /// Has `work` done to its end, though the caller may leave before.
    async fn finish(&self, work: BoxFuture<'static, ()>);

    /// Has `work` done to its end and returns at once; what keeps nothing drops it. Called where
    /// nothing can be awaited: it neither blocks nor spawns.
    fn begin(&self, work: BoxFuture<'static, ()>);
}

/// An outbox that keeps nothing, for an upstream used by itself: its work ends with its caller.
#[derive(Debug, Default)]
pub struct NoOutbox;

#[async_trait]
impl Outbox for NoOutbox {
    async fn keep(&self, _: &Cleanup) {}

    fn push(&self, _: Cleanup) {}

    async fn claims(&self, _: &Credential) -> Claims {
        Claims { named: HashSet::new(), asking: true }
    }

    async fn finish(&self, work: BoxFuture<'static, ()>) {
        work.await;
    }

    fn begin(&self, _: BoxFuture<'static, ()>) {}
}
