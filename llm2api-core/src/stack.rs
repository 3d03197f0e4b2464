//! The whole stack: the only place that knows everything, and where the order of layers is written.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceBuilder};

use crate::accounts::{Accounts, Parts as AccountParts, Site};
use crate::auth::Gate;
use crate::catalog::{Catalog, Listed};
use crate::chat::{ChatRequest, ChatStream, Ending};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::{
    AdaptLayer, AuthCheckLayer, ChatFuture, FirstChunkLayer, MetricsLayer, PoolLayer, RetryLayer,
};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::outbox::{CleanUps, Upstreams};
use crate::pool::{Attempt, Pool, PoolRules};
use crate::store::{Keyring, MemoryStore, Store, Vault};
use crate::tasks::Tasks;
use crate::upstream::{self, SharedOutbox, Upstream, UpstreamConfig};

/// The stack with its types erased: what a layer of yours wraps, and what a client calls.
pub type ChatService = BoxCloneSyncService<ChatRequest, ChatStream, Error>;

type AnyLayer = Box<dyn FnOnce(ChatService) -> ChatService + Send>;

/// Puts a [`Client`] together.
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
    configs: Vec<UpstreamConfig>,
    custom: Vec<(UpstreamConfig, Arc<dyn Upstream>)>,
    aliases: Vec<(String, Vec<String>)>,
    limits: Limits,
    rules: PoolRules,
    check_interval: Option<Duration>,
    gate: Gate,
    metrics: Metrics,
    store: Arc<dyn Store>,
    keyring: Option<Keyring>,
    layers: Vec<AnyLayer>,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            configs: Vec::new(),
            custom: Vec::new(),
            aliases: Vec::new(),
            limits: Limits::default(),
            rules: PoolRules::default(),
            check_interval: None,
            gate: Gate::open(),
            metrics: Metrics::default(),
            store: Arc::new(MemoryStore::default()),
            keyring: None,
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

    /// Sets the figures that the pool goes by.
    #[must_use]
    pub fn with_pool_rules(mut self, rules: PoolRules) -> Self {
        self.rules = rules;
        self
    }

    /// Sets how often all accounts are checked; never by default.
    #[must_use]
    pub fn with_check_interval(mut self, interval: Duration) -> Self {
        self.check_interval = Some(interval).filter(|interval| !interval.is_zero());
        self
    }

    /// Sets the gate that calls pass; open by default.
    #[must_use]
    pub fn with_gate(mut self, gate: Gate) -> Self {
        self.gate = gate;
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

    /// Builds the client and starts its background work.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for a wrong upstream, URL or alias, or outside a tokio runtime;
    /// [`ErrorKind::InvalidRequest`] with code `invalid_cookie` for a credential that does not fit.
    pub async fn build(mut self) -> Result<Client> {
        if self.configs.is_empty() && self.custom.is_empty() {
            self.configs.push(UpstreamConfig::new("demo", "demo"));
        }
        let keyring = self.keyring.take().unwrap_or_else(Keyring::random);
        let vault = Vault::open(self.store.clone(), keyring).await?;
        let (outbox, desk) = CleanUps::new(vault.clone());
        let built = self.build_upstreams(&(Arc::new(outbox) as SharedOutbox))?;
        let pool = Pool::new(self.rules.clone(), self.limits.queue_timeout);
        let accounts = self.open_accounts(vault, &built, &pool).await?;
        let upstreams: Upstreams = Arc::new(
            built.iter().map(|(config, up)| (config.name.as_str().into(), up.clone())).collect(),
        );
        let listed = built
            .into_iter()
            .map(|(config, upstream)| Listed::new(&config.name, upstream, config.any_model));
        let catalog = Catalog::new(listed.collect(), self.aliases, pool.clone())?;
        let catalog = Arc::new(catalog);
        let tasks = Tasks::start(desk, upstreams.clone(), accounts.clone())?;
        let parts = Parts {
            limits: self.limits,
            gate: self.gate,
            metrics: self.metrics,
            pool,
            accounts,
            catalog,
            upstreams,
        };
        let service = self.layers.into_iter().fold(parts.stack(), |inner, layer| layer(inner));
        Ok(Client::new(service, parts, tasks))
    }

    /// Builds every upstream; names must differ.
    fn build_upstreams(
        &mut self,
        outbox: &SharedOutbox,
    ) -> Result<Vec<(UpstreamConfig, Arc<dyn Upstream>)>> {
        let mut built = std::mem::take(&mut self.custom);
        for config in self.configs.drain(..) {
            let upstream = upstream::build(&config, &self.limits, outbox)?;
            built.push((config, upstream));
        }
        for (at, (config, _)) in built.iter().enumerate() {
            if built[..at].iter().any(|(earlier, _)| earlier.name == config.name) {
                let message = format!("two upstreams are called `{}`: rename one", config.name);
                return Err(Error::new(ErrorKind::Configuration, "build client", message));
            }
        }
        Ok(built)
    }

    /// Opens the store, and adds the credentials of all configurations to what it has.
    async fn open_accounts(
        &mut self,
        vault: Vault,
        built: &[(UpstreamConfig, Arc<dyn Upstream>)],
        pool: &Pool,
    ) -> Result<Accounts> {
        let site = |(config, upstream): &(UpstreamConfig, Arc<dyn Upstream>)| {
            if upstream.capability().limits_by_address {
                pool.limits_by_address(&config.name);
            }
            let limit = self.limits.max_concurrency_per_credential;
            let site = Site {
                upstream: upstream.clone(),
                max_concurrency: config.max_concurrency.unwrap_or(limit),
                per_minute: config.requests_per_minute.unwrap_or(self.rules.requests_per_minute),
            };
            (Arc::from(config.name.as_str()), site)
        };
        let accounts = Accounts::open(AccountParts {
            pool: pool.clone(),
            vault,
            metrics: self.metrics.clone(),
            sites: built.iter().map(site).collect(),
            check_timeout: self.limits.first_content_timeout,
            check_interval: self.check_interval,
            longest_rest: self.rules.retry_after_max,
        })
        .await?;
        for (config, _) in built {
            accounts.seed(config.read_credentials()?).await?;
        }
        Ok(accounts)
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("configs", &self.configs)
            .field("aliases", &self.aliases)
            .field("limits", &self.limits)
            .field("layers", &self.layers.len())
            .finish_non_exhaustive()
    }
}

/// What the stack is made of.
pub(crate) struct Parts {
    pub(crate) limits: Limits,
    gate: Gate,
    pub(crate) metrics: Metrics,
    pub(crate) pool: Pool,
    pub(crate) accounts: Accounts,
    pub(crate) catalog: Arc<Catalog>,
    upstreams: Upstreams,
}

impl Parts {
    /// Stacks the layers, outermost first.
    fn stack(&self) -> ChatService {
        let upstreams = self.upstreams.clone();
        let counts = move |name: &str| {
            upstreams.get(name).is_some_and(|upstream| upstream.capability().usage)
        };
        let stack = ServiceBuilder::new()
            // Outermost: one count a call, however many attempts it takes.
            .layer(MetricsLayer::new(self.metrics.clone()))
            // Before anything is spent on the call; a refusal is not retried.
            .layer(AuthCheckLayer::new(self.gate.clone()))
            // Around the pool, so that every attempt gets a credential of its own.
            .layer(RetryLayer::new())
            // From here on a request has a credential: services take attempts.
            .layer(PoolLayer::new(self.pool.clone(), self.catalog.clone()))
            // Inside retry: what fails before the first content has not been seen by anyone.
            .layer(FirstChunkLayer::new(self.limits.first_content_timeout))
            // Around the one upstream that was chosen: only here is it known what that one lacks.
            .layer(AdaptLayer::new(counts))
            .service(Dispatch { upstreams: self.upstreams.clone() });
        ChatService::new(stack)
    }
}

/// The leaf: hands an attempt to the upstream that its lease names.
#[derive(Clone, Debug)]
struct Dispatch {
    upstreams: Upstreams,
}

// ===== impl Dispatch =====

impl Service<Attempt> for Dispatch {
    type Response = ChatStream;
    type Error = Error;
    type Future = ChatFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt) -> ChatFuture {
        let upstream = self.upstreams.get(attempt.lease.upstream()).cloned();
        Box::pin(async move {
            let Attempt { request, mut lease, .. } = attempt;
            let upstream = upstream.ok_or_else(no_upstream)?;
            match upstream.chat(request, lease.credential()).await {
                Ok(stream) => Ok(stream.with_watch(lease)),
                Err(error) => {
                    let error = error.with_context("upstream", lease.upstream());
                    lease.settle(Ending::Failed(&error));
                    Err(error)
                }
            }
        })
    }
}

fn no_upstream() -> Error {
    Error::new(ErrorKind::Internal, "chat", "the lease names an upstream that is not there")
}
