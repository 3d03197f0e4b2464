//! Which upstream serves which model.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::chat::Model;
use crate::error::{Error, ErrorKind, Result};
use crate::pool::{Pool, Route, Routes};
use crate::single_flight::Cached;
use crate::upstream::Upstream;
use async_trait::async_trait;

/// How long a list of models is believed.
const LIFE: Duration = Duration::from_secs(60);
/// How long an upstream that did not answer is left alone, so that callers do not queue behind it.
const PAUSE: Duration = Duration::from_secs(5);

/// An upstream with its place in the catalogue.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    name: Arc<str>,
    upstream: Arc<dyn Upstream>,
    any_model: bool,
    /// Shared with the catalogue before, where it had the same upstream.
    models: Arc<Cached<Arc<[Model]>>>,
}

impl Listed {
    pub(crate) fn new(name: &str, upstream: Arc<dyn Upstream>, any_model: bool) -> Self {
        let models = Arc::new(Cached::new(LIFE, PAUSE));
        Self { name: name.into(), upstream, any_model, models }
    }

    /// Lists the same upstream again; what it has said of its models is still known.
    pub(crate) fn again(&self, any_model: bool) -> Self {
        Self { any_model, ..self.clone() }
    }

    pub(crate) fn upstream(&self) -> &Arc<dyn Upstream> {
        &self.upstream
    }

    fn route(&self, model: &str) -> Route {
        Route { upstream: self.name.clone(), model: model.into() }
    }

    /// Returns the models, asking once a minute.
    async fn models(&self, pool: &Pool) -> Result<Arc<[Model]>> {
        let ask = async || {
            let credential = pool.any_of(&self.name);
            self.upstream.models(credential.as_ref()).await.map(Arc::from)
        };
        self.models.get(ask).await.map_err(|error| error.with_context("upstream", &self.name))
    }
}

/// All upstreams, and the aliases of their models.
#[derive(Debug)]
pub(crate) struct Edition {
    upstreams: Vec<Listed>,
    aliases: HashMap<String, Vec<Route>>,
}

/// The edition that holds now. Calls that wait for a place find the next one here as well.
#[derive(Debug)]
pub(crate) struct Catalog {
    edition: RwLock<Arc<Edition>>,
    pool: Pool,
}

impl Catalog {
    pub(crate) fn new(edition: Edition, pool: Pool) -> Self {
        Self { edition: RwLock::new(Arc::new(edition)), pool }
    }

    /// Puts another edition in the place of this one.
    pub(crate) fn replace(&self, edition: Edition) {
        *self.edition.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(edition);
    }

    /// Lists the models of all upstreams and the aliases. An upstream that cannot be asked is left
    /// out, unless none can.
    pub(crate) async fn models(&self) -> Result<Vec<Model>> {
        self.edition().models(&self.pool).await
    }

    fn edition(&self) -> Arc<Edition> {
        self.edition.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Edition {
    /// Makes an edition; each alias names `upstream/model` in order of preference.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for an alias of an unknown upstream.
    pub(crate) fn new(upstreams: Vec<Listed>, aliases: Vec<(String, Vec<String>)>) -> Result<Self> {
        let mut edition = Self { upstreams, aliases: HashMap::new() };
        for (name, serve) in aliases {
            let targets = serve.iter().map(|target| edition.target(&name, target));
            let targets = targets.collect::<Result<Vec<_>>>()?;
            edition.aliases.insert(name, targets);
        }
        Ok(edition)
    }

    async fn models(&self, pool: &Pool) -> Result<Vec<Model>> {
        let lists = self.upstreams.iter().map(|listed| listed.models(pool));
        let lists = futures::future::join_all(lists).await;
        let aliases = self.aliases.keys().map(|name| Model::new(name, "llm2api"));
        let mut models: Vec<Model> = aliases.collect();
        let mut failure = None;
        for list in lists {
            match list {
                Ok(list) => models.extend(list.iter().cloned()),
                Err(error) => failure = Some(error),
            }
        }
        models.sort_by(|one, other| one.id.cmp(&other.id));
        models.dedup_by(|one, other| one.id == other.id);
        failure.filter(|_| models.is_empty()).map_or(Ok(models), Err)
    }

    fn target(&self, alias: &str, target: &str) -> Result<Route> {
        self.prefixed(target).ok_or_else(|| {
            let message =
                format!("model `{alias}` names `{target}`, which begins with no upstream's name");
            Error::new(ErrorKind::Configuration, "read aliases", message)
        })
    }

    /// Reads `upstream/model`.
    fn prefixed(&self, model: &str) -> Option<Route> {
        let (name, model) = model.split_once('/')?;
        let listed = self.upstreams.iter().find(|listed| *listed.name == *name)?;
        (!model.is_empty()).then(|| listed.route(model))
    }

    /// Asks all upstreams which of them list the model; fails where none does and one could not be
    /// asked, since that one may.
    async fn listing(&self, model: &str, pool: &Pool) -> Result<Vec<Route>> {
        let lists = self.upstreams.iter().map(|listed| listed.models(pool));
        let lists = futures::future::join_all(lists).await;
        let mut routes = Vec::new();
        let mut failure = None;
        for (listed, list) in self.upstreams.iter().zip(lists) {
            match list {
                Ok(list) if list.iter().any(|entry| entry.id == model) => {
                    routes.push(listed.route(model));
                }
                Ok(_) => {}
                Err(error) => failure = Some(error),
            }
        }
        if routes.is_empty() {
            let any = self.upstreams.iter().filter(|listed| listed.any_model);
            routes.extend(any.map(|listed| listed.route(model)));
        }
        match (routes.is_empty(), failure) {
            (true, Some(error)) => Err(error),
            _ => Ok(routes),
        }
    }
}

#[async_trait]
impl Routes for Catalog {
    async fn routes(&self, model: &str) -> Result<Vec<Route>> {
        let edition = self.edition();
        if let Some(routes) = edition.aliases.get(model) {
            return Ok(routes.clone());
        }
        if let Some(route) = edition.prefixed(model) {
            return Ok(vec![route]);
        }
        // The only upstream is asked itself: that costs no listing.
        if let [only] = &*edition.upstreams {
            return Ok(vec![only.route(model)]);
        }
        let routes = edition.listing(model, &self.pool).await?;
        if routes.is_empty() {
            let message = format!("no upstream lists the model `{model:.200}`: see GET /v1/models");
            return Err(
                Error::new(ErrorKind::ModelNotFound, "find model", message).with_param("model")
            );
        }
        Ok(routes)
    }
}
