//! What a client is made of: what lasts as long as it does, and what a reload exchanges.

use std::sync::{Arc, PoisonError, RwLock};

use super::ChatService;
use super::builder::{AnyLayer, ClientBuilder};
use super::built::{Built, by_name};
use super::draft::{Draft, Manner};
use crate::accounts::{Accounts, Parts as AccountParts};
use crate::auth::{Gate, Monitor};
use crate::catalog::Catalog;
use crate::client::Client;
use crate::conversations::{Keeper, Tending};
use crate::error::Result;
use crate::keys::ClientKeys;
use crate::layers::RetryLayer;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::outbox::CleanUps;
use crate::pool::Pool;
use crate::quota::Quotas;
use crate::stats::{Ledger, Statistics};
use crate::store::{Keyring, Vault};
use crate::tasks::{Tasks, Work};
use crate::upstream::{Directory, Upstreams};

/// What every stack of a client is made with.
pub(crate) struct Lasting {
    pub(super) gate: Gate,
    pub(crate) monitor: Monitor,
    pub(super) retry: RetryLayer,
    pub(super) directory: Directory,
    pub(super) keeper: Keeper,
    pub(crate) metrics: Metrics,
    pub(crate) pool: Pool,
    pub(crate) catalog: Arc<Catalog>,
}

/// Everything behind a client but its background work.
pub(crate) struct Engine {
    pub(crate) lasting: Lasting,
    pub(crate) accounts: Accounts,
    pub(crate) keys: ClientKeys,
    pub(crate) quotas: Quotas,
    pub(crate) statistics: Statistics,
    /// What was built last; whoever reloads holds it, one at a time.
    built: tokio::sync::Mutex<Vec<Built>>,
    course: RwLock<Arc<Course>>,
}

/// What a call goes by from its beginning to its end.
pub(crate) struct Course {
    pub(crate) service: ChatService,
    pub(crate) limits: Limits,
}

impl Course {
    fn new(lasting: &Lasting, manner: Manner, upstreams: Upstreams, layers: Vec<AnyLayer>) -> Self {
        let limits = manner.limits.clone();
        let stack = lasting.stack(manner, upstreams);
        let service = layers.into_iter().fold(stack, |inner, layer| layer(inner));
        Self { service, limits }
    }
}

impl Engine {
    /// Returns what calls that begin now go by.
    pub(crate) fn course(&self) -> Arc<Course> {
        self.course.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts the clean-ups in hand.
    pub(crate) fn outbox_pending(&self) -> usize {
        self.lasting.keeper.outbox().pending()
    }

    /// Goes by other settings: first what may fail, then all the rest at once.
    pub(crate) async fn reload(&self, builder: ClientBuilder) -> Result<()> {
        let mut built = self.built.lock().await;
        let draft = Draft::new(builder, &self.lasting.keeper, &built)?;
        let monitor = &self.lasting.monitor;
        let authorised = monitor.prepare(draft.authorisation, draft.plan.check_interval).await?;
        let prepared = self.accounts.prepare(draft.plan, draft.credentials).await?;
        // From here on nothing fails, and nothing waits: no caller can leave half-way.
        let upstreams = by_name(&draft.built);
        self.lasting.pool.set_rules(draft.rules, draft.manner.limits.queue_timeout);
        self.lasting.keeper.set_terms(draft.conversations.0, draft.conversations.1);
        // Before any credential of theirs can be used.
        self.lasting.directory.replace(upstreams.clone());
        let course = Course::new(&self.lasting, draft.manner, upstreams, draft.layers);
        self.accounts.follow(prepared, || {
            // After new upstreams have come, and before old ones go: calls always find one of them.
            self.lasting.catalog.replace(draft.edition);
            *self.course.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(course);
        });
        monitor.follow(authorised);
        *built = draft.built;
        Ok(())
    }
}

impl ClientBuilder {
    /// Builds the client and starts its background work.
    ///
    /// An [authorisation](Self::with_authorisation) is checked first. Where nobody can say whether
    /// the code is good, the client is built, and serves once somebody has.
    ///
    /// # Errors
    /// [`ErrorKind::AuthInvalid`](crate::ErrorKind::AuthInvalid) where the authorisation code is not
    /// good, under the code `auth_code_expired` where it was once;
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for a wrong upstream, URL or
    /// alias, or outside a tokio runtime;
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) with code `invalid_cookie`
    /// for a credential that does not fit.
    pub async fn build(mut self) -> Result<Client> {
        let keyring = self.keyring.take().unwrap_or_else(Keyring::random);
        let vault = Vault::open(self.store.clone(), keyring).await?;
        let monitor = Monitor::new(self.store.clone(), vault.clone());
        let keys = ClientKeys::open(self.store.clone()).await?;
        let (outbox, desk) = CleanUps::new(vault.clone());
        let keeper = Keeper::new(vault.clone(), outbox);
        let (gate, metrics) = (self.gate.clone(), self.metrics.clone());
        let quotas = Quotas::new(self.store.clone());
        let mut draft = Draft::new(self, &keeper, &[])?;
        // Before anything else is done: who may not serve leaves no trace.
        let authorised = monitor.begin(draft.authorisation.take(), draft.plan.check_interval);
        Box::pin(authorised).await?;
        let pool = Pool::new(draft.rules, draft.manner.limits.queue_timeout);
        pool.count_into(metrics.clone());
        keeper.set_terms(draft.conversations.0, draft.conversations.1);
        let ledger = Ledger::new(metrics.clone(), vault.clone());
        let statistics = Statistics::new(ledger.clone());
        let parts = AccountParts {
            pool: pool.clone(),
            vault,
            conversations: keeper.clone(),
            metrics: metrics.clone(),
            ledger,
        };
        let accounts = Accounts::open(parts, draft.plan.clone()).await?;
        let prepared = accounts.prepare(draft.plan, draft.credentials).await?;
        accounts.follow(prepared, || ());
        let upstreams = by_name(&draft.built);
        let directory = Directory::new(upstreams.clone());
        let catalog = Arc::new(Catalog::new(draft.edition, pool.clone()));
        let tending = Tending::new(keeper.clone());
        let work = Work {
            desk,
            conversations: tending,
            upstreams: directory.clone(),
            accounts: accounts.clone(),
            keys: keys.clone(),
            catalog: catalog.clone(),
            quotas: quotas.clone(),
            monitor: monitor.clone(),
            statistics: statistics.clone(),
        };
        let tasks = Tasks::start(work)?;
        let retry = RetryLayer::new();
        let lasting = Lasting { gate, monitor, retry, directory, keeper, metrics, pool, catalog };
        let course = Course::new(&lasting, draft.manner, upstreams, draft.layers);
        let (built, course) = (tokio::sync::Mutex::new(draft.built), RwLock::new(Arc::new(course)));
        let engine = Engine { lasting, accounts, keys, quotas, statistics, built, course };
        Ok(Client::new(engine, tasks))
    }
}
