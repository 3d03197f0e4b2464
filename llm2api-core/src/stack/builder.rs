//! What a client is to be: upstreams, aliases, figures, layers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower::{Layer, Service};

use super::ChatService;
use crate::adapt::files::{Extract, FileRules, NoExtract, RemoteImages};
use crate::auth::{Authorisation, Gate};
use crate::chat::{ChatRequest, ChatStream};
use crate::conversations::{ConversationMode, ConversationRules};
use crate::error::Error;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::pool::PoolRules;
#[cfg(feature = "web-search")]
use crate::search::WebSearch;
use crate::store::{Keyring, MemoryStore, Store};
use crate::upstream::{Upstream, UpstreamConfig};

/// A layer that wraps the whole stack.
pub(super) type AnyLayer = Box<dyn FnOnce(ChatService) -> ChatService + Send>;

/// Puts a [`Client`](crate::Client) together.
///
/// Without any upstream the client serves the built-in demo.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::{Client, UpstreamConfig};
///
/// let client = Client::builder()
///     .with_upstream(UpstreamConfig::new("demo", "first"))
///     .with_alias("gpt-4o", ["first/demo"])
///     .build()
///     .await?;
/// assert_eq!(client.models().await?.len(), 2);
/// # Ok(()) }
/// ```
pub struct ClientBuilder {
    pub(super) configs: Vec<UpstreamConfig>,
    pub(super) custom: Vec<(UpstreamConfig, Arc<dyn Upstream>)>,
    pub(super) aliases: Vec<(String, Vec<String>)>,
    pub(super) limits: Limits,
    pub(super) strict: bool,
    pub(super) file_rules: FileRules,
    pub(super) extractor: Arc<dyn Extract>,
    pub(super) rules: PoolRules,
    pub(super) check_interval: Option<Duration>,
    pub(super) gate: Gate,
    pub(super) authorisation: Option<Authorisation>,
    pub(super) metrics: Metrics,
    pub(super) store: Arc<dyn Store>,
    pub(super) keyring: Option<Keyring>,
    pub(super) conversations: ConversationMode,
    pub(super) conversation_rules: ConversationRules,
    #[cfg(feature = "web-search")]
    pub(super) web_search: Option<WebSearch>,
    pub(super) layers: Vec<AnyLayer>,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            configs: Vec::new(),
            custom: Vec::new(),
            aliases: Vec::new(),
            limits: Limits::default(),
            strict: false,
            file_rules: FileRules::default(),
            extractor: Arc::new(NoExtract),
            rules: PoolRules::default(),
            check_interval: None,
            gate: Gate::open(),
            authorisation: None,
            metrics: Metrics::default(),
            store: Arc::new(MemoryStore::default()),
            keyring: None,
            conversations: ConversationMode::default(),
            conversation_rules: ConversationRules::default(),
            #[cfg(feature = "web-search")]
            web_search: None,
            layers: Vec::new(),
        }
    }
}

impl ClientBuilder {
    /// Adds an upstream of a kind that this crate knows.
    #[must_use]
    pub fn with_upstream(mut self, config: UpstreamConfig) -> Self {
        self.configs.push(config);
        self
    }

    /// Adds an upstream of your own; of `config`, everything but the kind and the URL is used.
    #[must_use]
    pub fn with_custom_upstream(mut self, config: UpstreamConfig, upstream: impl Upstream) -> Self {
        self.custom.push((config, Arc::new(upstream)));
        self
    }

    /// Names a model that others serve: `upstream/model` each, in order of preference.
    #[must_use]
    pub fn with_alias(
        mut self,
        name: impl Into<String>,
        serve: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.aliases.push((name.into(), serve.into_iter().map(Into::into).collect()));
        self
    }

    /// Sets all waits and sizes.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Refuses requests of which an upstream would ignore something; off by default, when the answer
    /// [names](ChatStream::ignored_parameters) what was ignored.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// use llm2api_core::{ChatRequest, Client, Message};
    ///
    /// let client = Client::builder().with_strict_parameters(true).build().await?;
    /// let mut request = ChatRequest::new("demo").with_message(Message::user("Hello"));
    /// request.seed = Some(7);
    /// let error = client.chat(request).await.expect_err("the demo has no seed");
    /// assert_eq!((error.code(), error.param()), ("unsupported_parameter", Some("seed")));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_strict_parameters(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Sets whether images are fetched from addresses, for upstreams that need the bytes; never by
    /// default.
    #[must_use]
    pub fn with_remote_images(mut self, remote_images: RemoteImages) -> Self {
        self.file_rules.remote_images = remote_images;
        self
    }

    /// Sets what reads the text of PDF and DOCX files, for upstreams that take text only; by default
    /// nothing does, and such files are refused.
    #[must_use]
    pub fn with_extractor(mut self, extractor: Arc<dyn Extract>) -> Self {
        self.extractor = extractor;
        self
    }

    /// Sets the figures that the pool goes by.
    #[must_use]
    pub fn with_pool_rules(mut self, rules: PoolRules) -> Self {
        self.rules = rules;
        self
    }

    /// Sets how often all accounts, and the authorisation code, are checked; never by default.
    #[must_use]
    pub fn with_check_interval(mut self, interval: Duration) -> Self {
        self.check_interval = Some(interval).filter(|interval| !interval.is_zero());
        self
    }

    /// Sets a gate of yours that calls pass, beside that of
    /// [`with_authorisation`](Self::with_authorisation); open by default.
    #[must_use]
    pub fn with_gate(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// Sets what the client is authorised by: it is checked when the client is built, when it
    /// expires, and every check interval. Without it nothing is checked.
    ///
    /// While the code is not good, calls end with [`ErrorKind::AuthInvalid`], or with
    /// [`ErrorKind::AuthUnverified`] where nobody could say so yet; those under way go on.
    ///
    /// [`ErrorKind::AuthInvalid`]: crate::ErrorKind::AuthInvalid
    /// [`ErrorKind::AuthUnverified`]: crate::ErrorKind::AuthUnverified
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// use llm2api_core::auth::{AuthCode, Authorisation, PrivateKey};
    /// use llm2api_core::{Client, ErrorKind};
    ///
    /// let key = PrivateKey::random()?.public_key();
    /// let forged = Authorisation::new(AuthCode::new("forged")?).with_public_key(key);
    /// let error = Client::builder().with_authorisation(forged).build().await.expect_err("refused");
    /// assert_eq!(error.kind(), ErrorKind::AuthInvalid);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_authorisation(mut self, authorisation: Authorisation) -> Self {
        self.authorisation = Some(authorisation);
        self
    }

    /// Sets where calls are counted; counters of its own by default.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Sets where accounts are kept, and the keys that seal their secrets there; in memory by
    /// default.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// use std::sync::Arc;
    /// use llm2api_core::Client;
    /// use llm2api_core::store::{Keyring, MemoryStore};
    ///
    /// let store = Arc::new(MemoryStore::default());
    /// let keyring = Keyring::random(); // a lasting store wants `Keyring::file` or `Keyring::parse`
    /// let client = Client::builder().with_store(store, keyring).build().await?;
    /// # drop(client);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_store(mut self, store: Arc<dyn Store>, keyring: Keyring) -> Self {
        (self.store, self.keyring) = (store, Some(keyring));
        self
    }

    /// Sets what becomes of a chat-ui conversation after its turn; kept by default.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// use llm2api_core::{Client, ConversationMode};
    ///
    /// let client = Client::builder().with_conversations(ConversationMode::Fresh).build().await?;
    /// # drop(client);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_conversations(mut self, mode: ConversationMode) -> Self {
        self.conversations = mode;
        self
    }

    /// Sets how many conversations are kept, and for how long.
    #[must_use]
    pub fn with_conversation_rules(mut self, rules: ConversationRules) -> Self {
        self.conversation_rules = rules;
        self
    }

    /// Sets how the web is searched for calls that ask for it; by default nobody searches, and such a
    /// request is left to upstreams that can.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// use std::num::NonZeroU32;
    /// use async_trait::async_trait;
    /// use llm2api_core::search::{Query, Search, Source, WebSearch};
    /// use llm2api_core::{ChatRequest, Client, Message, Result};
    ///
    /// #[derive(Debug)]
    /// struct OneBook; // or `WebSearch::searxng("http://127.0.0.1:8888")?`
    ///
    /// #[async_trait]
    /// impl Search for OneBook {
    ///     async fn page(&self, _query: &Query, _page: NonZeroU32) -> Result<Vec<Source>> {
    ///         Ok(Source::new("https://example.org/", "The book", "All of it").into_iter().collect())
    ///     }
    /// }
    ///
    /// let client = Client::builder().with_web_search(WebSearch::new(OneBook)).build().await?;
    /// let request = ChatRequest::new("demo").with_message(Message::user("What is known?"));
    /// let answer = client.chat(request.with_web_search()).await?.collect().await?;
    /// assert!(answer.text().starts_with("<search>\n\n1. [The book](https://example.org/)\n"));
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "web-search")]
    #[must_use]
    pub fn with_web_search(mut self, web_search: WebSearch) -> Self {
        self.web_search = Some(web_search);
        self
    }

    /// Puts a layer of yours around the whole stack; later ones go outside earlier ones.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// use llm2api_core::{ChatRequest, Client, Message};
    /// use tower::util::MapRequestLayer;
    ///
    /// let shout = MapRequestLayer::new(|request: ChatRequest| {
    ///     request.with_message(Message::user("LOUDER"))
    /// });
    /// let client = Client::builder().layer(shout).build().await?;
    /// let answer = client.ask("demo", "hello").await?;
    /// assert!(answer.contains("LOUDER"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<ChatService> + Send + 'static,
        L::Service: Service<ChatRequest, Response = ChatStream, Error = Error>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<ChatRequest>>::Future: Send + 'static,
    {
        self.layers.push(Box::new(move |inner| ChatService::new(layer.layer(inner))));
        self
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("configs", &self.configs)
            .field("aliases", &self.aliases)
            .field("limits", &self.limits)
            .field("strict", &self.strict)
            .field("layers", &self.layers.len())
            .finish_non_exhaustive()
    }
}
