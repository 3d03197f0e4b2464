//! One upstream's list of models, kept for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::adapt::Profile;
use crate::chat::Model;
use crate::error::{Error, ErrorKind, Result};
use crate::pool::{Pool, Route};
use crate::single_flight::Cached;
use crate::upstream::Upstream;

/// How long a list of models is believed.
const LIFE: Duration = Duration::from_secs(60);
/// How long an upstream that did not answer is left alone, so that callers do not queue behind it.
const PAUSE: Duration = Duration::from_secs(5);
/// How long a caller waits for a newer list than the one that is known.
const GRACE: Duration = Duration::from_millis(500);

/// An upstream with its place in the catalogue.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    name: Arc<str>,
    upstream: Arc<dyn Upstream>,
    any_model: bool,
    /// Shared with the catalogue before, where it had the same upstream.
    list: Arc<List>,
}

#[derive(Debug)]
struct List {
    models: Cached<Arc<[Model]>>,
    /// Whether it is for the task to ask, since that takes longer than a caller waits.
    is_late: AtomicBool,
    /// Whether the log says that it cannot be had.
    is_missed: AtomicBool,
}

impl Listed {
    pub(crate) fn new(name: &str, upstream: Arc<dyn Upstream>, any_model: bool) -> Self {
        let [is_late, is_missed] = [(); 2].map(|()| AtomicBool::new(false));
        let list = List { models: Cached::new(LIFE, PAUSE), is_late, is_missed };
        Self { name: name.into(), upstream, any_model, list: Arc::new(list) }
    }

    /// Lists the same upstream again; what it has said of its models is still known.
    pub(crate) fn again(&self, any_model: bool) -> Self {
        Self { any_model, ..self.clone() }
    }

    pub(crate) fn upstream(&self) -> &Arc<dyn Upstream> {
        &self.upstream
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn takes_any_model(&self) -> bool {
        self.any_model
    }

    pub(super) fn profile(&self) -> Profile {
        self.upstream.capability().profile
    }

    pub(super) fn route(&self, model: &str) -> Route {
        Route { upstream: self.name.clone(), model: model.into() }
    }

    /// Returns the models, asking once a minute. Where a list is known nobody waits long for a newer
    /// one, and nobody is refused: `late` is told, and the task is to [catch up](Self::catch_up).
    pub(super) async fn models(&self, pool: &Pool, late: &Notify) -> Result<Arc<[Model]>> {
        let known = self.list.models.known();
        // The first callers wait: it may be slow and have what they want.
        if known.is_none() && !self.list.is_missed.load(Ordering::Relaxed) {
            return self.ask(pool).await;
        }
        if !self.list.is_late.load(Ordering::Relaxed) {
            if let Ok(models) = timeout(GRACE, self.ask(pool)).await {
                return models;
            }
            self.list.is_late.store(true, Ordering::Relaxed);
            late.notify_one();
        }
        known.ok_or_else(|| self.unlisted())
    }

    /// Returns what was listed last, however long ago.
    pub(super) fn known(&self) -> Option<Arc<[Model]>> {
        self.list.models.known()
    }

    fn unlisted(&self) -> Error {
        let message = "the upstream does not list its models: try again, or say `upstream/model`";
        Error::new(ErrorKind::Timeout, "list models", message).with_context("upstream", &self.name)
    }

    /// Asks on behalf of those who did not wait, if any.
    pub(super) async fn catch_up(&self, pool: &Pool) {
        if self.list.is_late.load(Ordering::Relaxed) {
            // The log says why where it fails.
            let _ = self.ask(pool).await;
            self.list.is_late.store(false, Ordering::Relaxed);
        }
    }

    /// Returns the models, and waits as long as that takes where they are not fresh.
    async fn ask(&self, pool: &Pool) -> Result<Arc<[Model]>> {
        let ask = async || {
            let credential = pool.any_of(&self.name);
            self.upstream.models(credential.as_ref()).await.map(Arc::from)
        };
        let models = self.list.models.get(ask).await;
        self.log();
        models.map_err(|error| error.with_context("upstream", &self.name))
    }

    /// Says once that the list cannot be had, and once that it can again.
    fn log(&self) {
        let failure = self.list.models.failure();
        if self.list.is_missed.swap(failure.is_some(), Ordering::Relaxed) == failure.is_some() {
            return;
        }
        match failure {
            Some(code) => tracing::warn!(upstream = %self.name, code,
                "an upstream does not list its models: what is known of them holds meanwhile"),
            None => tracing::info!(upstream = %self.name, "an upstream lists its models again"),
        }
    }
}
