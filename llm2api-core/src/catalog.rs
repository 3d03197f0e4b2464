//! Which upstream serves which model.

use std::collections::HashMap;
use std::sync::Arc;
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
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) name: Arc<str>,
    pub(crate) upstream: Arc<dyn Upstream>,
    pub(crate) any_model: bool,
    models: Cached<Arc<[Model]>>,
}

impl Listed {
    pub(crate) fn new(name: &str, upstream: Arc<dyn Upstream>, any_model: bool) -> Self {
        Self { name: name.into(), upstream, any_model, models: Cached::new(LIFE, PAUSE) }
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
pub(crate) struct Catalog {
    upstreams: Vec<Listed>,
    aliases: HashMap<String, Vec<Route>>,
    pool: Pool,
}

impl Catalog {
    /// Makes a catalogue; each alias names `upstream/model` in order of preference.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for an alias of an unknown upstream.
    pub(crate) fn new(
        upstreams: Vec<Listed>,
        aliases: Vec<(String, Vec<String>)>,
        pool: Pool,
    ) -> Result<Self> {
        let mut catalog = Self { upstreams, aliases: HashMap::new(), pool };
        for (name, serve) in aliases {
            let targets = serve.iter().map(|target| catalog.target(&name, target));
            let targets = targets.collect::<Result<Vec<_>>>()?;
            catalog.aliases.insert(name, targets);
        }
        Ok(catalog)
    }

    /// Lists the models of all upstreams and the aliases. An upstream that cannot be asked is left
    /// out, unless none can.
    pub(crate) async fn models(&self) -> Result<Vec<Model>> {
        let lists = self.upstreams.iter().map(|listed| listed.models(&self.pool));
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
    async fn listing(&self, model: &str) -> Result<Vec<Route>> {
        let lists = self.upstreams.iter().map(|listed| listed.models(&self.pool));
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
        if let Some(routes) = self.aliases.get(model) {
            return Ok(routes.clone());
        }
        if let Some(route) = self.prefixed(model) {
            return Ok(vec![route]);
        }
        // The only upstream is asked itself: that costs no listing.
        if let [only] = &*self.upstreams {
            return Ok(vec![only.route(model)]);
        }
        let routes = self.listing(model).await?;
        if routes.is_empty() {
            let message = format!("no upstream lists the model `{model:.200}`: see GET /v1/models");
            return Err(
                Error::new(ErrorKind::ModelNotFound, "find model", message).with_param("model")
            );
        }
        Ok(routes)
    }
}
