//! What answers: one folder an upstream, each with the same files.
//!
//! An upstream is written against one trait, [`Upstream`], and never sees the pool, the store or a
//! layer. What it has to remember beyond a call it hands to the [`Outbox`] and to [`Conversations`].

#[cfg(feature = "chat-ui")]
pub mod chat_ui;
mod conversations;
#[cfg(any(feature = "chat-ui", feature = "openai"))]
mod decode;
pub mod demo;
mod directory;
#[cfg(feature = "openai")]
pub mod openai;
mod outbox;
#[cfg(any(feature = "chat-ui", feature = "openai"))]
mod quote;
mod registry;
#[cfg(any(feature = "chat-ui", feature = "openai"))]
mod trace;
#[cfg(any(feature = "chat-ui", feature = "openai"))]
#[cfg_attr(
    not(all(feature = "chat-ui", feature = "openai")),
    expect(dead_code, reason = "each upstream uses a part of it")
)]
mod url;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

pub use conversations::{
    BranchKey, ConversationHold, Conversations, Expected, FoundBranch, NewBranch, NoConversations,
};
pub(crate) use directory::{Directory, Upstreams};
pub use outbox::{Claims, Cleanup, NoOutbox, Outbox, Run, Target};
pub use registry::{UpstreamConfig, build};

use crate::adapt::Profile;
use crate::chat::{ChatRequest, ChatStream, Model};
use crate::credential::{Credential, Material};
use crate::error::Result;

/// A service that answers chats.
///
/// # Example
/// ```
/// use async_trait::async_trait;
/// use llm2api_core::upstream::{Account, Capability, Upstream};
/// use llm2api_core::{
///     ChatItem, ChatRequest, ChatStream, Chunk, ChunkBody, ChunkChoice, Credential, FinishReason,
///     Model, Result,
/// };
///
/// #[derive(Debug)]
/// struct Parrot;
///
/// #[async_trait]
/// impl Upstream for Parrot {
///     fn capability(&self) -> Capability {
///         Capability::default()
///     }
///
///     async fn chat(&self, request: ChatRequest, _: &Credential) -> Result<ChatStream> {
///         let said = request.messages.last().map(|message| message.text()).unwrap_or_default();
///         let end = ChunkBody::new("1", "parrot", ChunkChoice::from(FinishReason::Stop));
///         let chunks = [ChunkBody::text("1", "parrot", said), end];
///         let items = chunks.map(|body| Ok(ChatItem::Chunk(Chunk::from(body))));
///         Ok(ChatStream::new(futures::stream::iter(items)))
///     }
///
///     async fn models(&self, _: Option<&Credential>) -> Result<Vec<Model>> {
///         Ok(vec![Model::new("parrot", "zoo")])
///     }
///
///     async fn check(&self, _: &Credential) -> Result<Account> {
///         Ok(Account::default())
///     }
/// }
/// ```
#[async_trait]
pub trait Upstream: Debug + Send + Sync + 'static {
    /// Returns what this upstream does by itself.
    fn capability(&self) -> Capability;

    /// Asks for an answer.
    ///
    /// The stream must end with an error unless the upstream said that the answer is whole.
    /// Dropping the future or the stream must free the upstream.
    async fn chat(&self, request: ChatRequest, credential: &Credential) -> Result<ChatStream>;

    /// Lists the models.
    async fn models(&self, credential: Option<&Credential>) -> Result<Vec<Model>>;

    /// Asks whether the credential is good, without using a model.
    ///
    /// # Errors
    /// [`ErrorKind::CredentialRejected`](crate::ErrorKind::CredentialRejected) only where the
    /// upstream said so; any other kind says nothing about the credential.
    async fn check(&self, credential: &Credential) -> Result<Account>;

    /// Writes a secret in the one form that this upstream knows it by, so that the same secret is
    /// never taken for two; returns it as it is by default.
    fn normalise(&self, material: Material) -> Material {
        material
    }

    /// Makes an idle session last longer, where the upstream ends those that nobody uses; does
    /// nothing by default.
    async fn extend(&self, _credential: &Credential) -> Result<()> {
        Ok(())
    }

    /// Lets go of what it has kept for calls that did not come, such as connections; called twice
    /// a minute; does nothing by default.
    fn rest(&self) {}

    /// Says whether it keeps [`Conversations`] for later requests; not by default.
    fn reuses_conversations(&self) -> bool {
        false
    }

    /// Does what an [`Outbox`] was asked to do; does nothing by default.
    ///
    /// After an error it is called again with the same `cleanup`: what is done is taken out of it.
    async fn clean_up(&self, _cleanup: &mut Cleanup) -> Result<()> {
        Ok(())
    }
}

/// What an upstream does by itself, so that nobody has to do it for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capability {
    /// It counts tokens.
    pub usage: bool,
    /// What it makes of the fields of a request.
    pub profile: Profile,
    /// It limits the calls of an address as well as those of an account.
    pub limits_by_address: bool,
}

impl Capability {
    /// Says that the upstream speaks the whole OpenAI API.
    pub fn openai() -> Self {
        Self { usage: true, profile: Profile::OpenAi, limits_by_address: false }
    }
}

/// Whom a credential belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The account's id at the upstream, the same for two cookies of one account.
    pub id: Option<String>,
    /// The account's name, for people.
    pub name: Option<String>,
    /// False where the server has no login, so that nothing can be proven.
    pub proven: bool,
}

impl Account {
    /// Makes an account that the upstream has named.
    pub fn proven(id: Option<String>, name: Option<String>) -> Self {
        Self { id, name, proven: true }
    }
}

/// An outbox shared by upstreams.
pub type SharedOutbox = Arc<dyn Outbox>;

/// What is kept of conversations, shared by upstreams.
pub type SharedConversations = Arc<dyn Conversations>;
