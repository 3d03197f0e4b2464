//! Which upstream serves which model.

mod listed;
mod union;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use futures::future::join_all;
use tokio::sync::{Notify, watch};

pub(crate) use self::listed::Listed;
use self::union::{Offer, Union, alias, joined, with_parameters};
use crate::chat::Model;
use crate::error::{Error, ErrorKind, Result};
use crate::pool::{Pool, Route, Routes};

/// All upstreams, and the aliases of their models.
#[derive(Debug)]
pub(crate) struct Edition {
    upstreams: Vec<Listed>,
    aliases: BTreeMap<String, Vec<Route>>,
    /// Whether the web is searched for calls that ask for it, whatever their upstream.
    searches: bool,
}

/// The edition that holds now. Calls that wait for a place find the next one here as well.
#[derive(Debug)]
pub(crate) struct Catalog {
    edition: RwLock<Arc<Edition>>,
    asker: Asker,
}

/// Asks upstreams for their models.
#[derive(Debug)]
struct Asker {
    pool: Pool,
    /// Told where an upstream takes longer than a caller waits.
    late: Notify,
}

impl Catalog {
    pub(crate) fn new(edition: Edition, pool: Pool) -> Self {
        let asker = Asker { pool, late: Notify::new() };
        Self { edition: RwLock::new(Arc::new(edition)), asker }
    }

    /// Puts another edition in the place of this one.
    pub(crate) fn replace(&self, edition: Edition) {
        *self.edition.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(edition);
    }

    /// Lists the models of all upstreams and the aliases. An upstream that cannot be asked and has
    /// never listed any is left out, unless none has.
    pub(crate) async fn models(&self) -> Result<Vec<Model>> {
        self.edition().models(&self.asker).await
    }

    /// Returns one model, under any name that a request may use, with what becomes of each field.
    pub(crate) async fn model(&self, id: &str) -> Result<Model> {
        self.edition().model(id, &self.asker).await
    }

    /// Names the models that are known without asking: the aliases, and what was listed.
    pub(crate) fn known(&self) -> Vec<String> {
        let edition = self.edition();
        let mut names: Vec<_> = edition.aliases.keys().cloned().collect();
        for models in edition.upstreams.iter().filter_map(Listed::known) {
            names.extend(models.iter().map(|model| model.id.clone()));
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Says whether a name is an alias, or was listed, as far as is known without asking.
    pub(crate) fn is_known(&self, name: &str) -> bool {
        let edition = self.edition();
        let lists = |listed: &Listed| {
            let id = name.strip_prefix(&**listed.name()).and_then(|rest| rest.strip_prefix('/'));
            let models = listed.known().unwrap_or_default();
            models.iter().any(|model| model.id == name || Some(&*model.id) == id)
        };
        edition.aliases.contains_key(name) || edition.upstreams.iter().any(lists)
    }

    /// Asks the upstreams that callers did not wait for.
    pub(crate) async fn work(&self, mut stopped: watch::Receiver<()>) {
        loop {
            tokio::select! {
                _ = stopped.changed() => return,
                () = self.asker.late.notified() => {}
            }
            let edition = self.edition();
            let lists = edition.upstreams.iter().map(|listed| listed.catch_up(&self.asker.pool));
            tokio::select! {
                _ = stopped.changed() => return,
                _ = join_all(lists) => {}
            }
        }
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
        let mut edition = Self { upstreams, aliases: BTreeMap::new(), searches: false };
        for (name, serve) in aliases {
            let targets = serve.iter().map(|target| edition.target(&name, target));
            let targets = targets.collect::<Result<Vec<_>>>()?;
            edition.aliases.insert(name, targets);
        }
        Ok(edition)
    }

    /// Says whether the web is searched for calls that ask for it; by default it is not.
    pub(crate) fn with_search(mut self, searches: bool) -> Self {
        self.searches = searches;
        self
    }

    async fn models(&self, asker: &Asker) -> Result<Vec<Model>> {
        let union = self.union(asker).await;
        let aliases = self.aliases.iter();
        let mut models: Vec<_> = aliases
            .map(|(name, routes)| alias(name, routes, &self.served(routes, &union)))
            .collect();
        // A model of the same name cannot be reached.
        models.extend(union.models().filter(|model| !self.aliases.contains_key(&model.id)));
        models.sort_by(|one, other| one.id.cmp(&other.id));
        union.failure.filter(|_| models.is_empty()).map_or(Ok(models), Err)
    }

    /// Goes by the same order as [`Catalog::routes`].
    async fn model(&self, id: &str, asker: &Asker) -> Result<Model> {
        let union = self.union(asker).await;
        if let Some(routes) = self.aliases.get(id) {
            let offers = self.served(routes, &union);
            return Ok(with_parameters(alias(id, routes, &offers), &offers, self.searches));
        }
        let offers = match self.prefixed(id) {
            Some(route) => match union.at(&route) {
                Some(offer) => vec![offer.clone()],
                None => self.unlisted(&route.model, Some(&route.upstream)),
            },
            None if union.offers(id).is_empty() => self.unlisted(id, None),
            None => union.offers(id).to_vec(),
        };
        match (joined(id, &offers), union.failure) {
            (Some(model), _) => Ok(with_parameters(model, &offers, self.searches)),
            (None, Some(error)) => Err(error),
            (None, None) => Err(unknown(id)),
        }
    }

    async fn union(&self, asker: &Asker) -> Union {
        Union::new(&self.upstreams, self.lists(asker).await)
    }

    async fn lists(&self, asker: &Asker) -> Vec<Result<Arc<[Model]>>> {
        let lists = self.upstreams.iter().map(|listed| listed.models(&asker.pool, &asker.late));
        join_all(lists).await
    }

    /// What an alias stands for, as far as it is known.
    fn served(&self, routes: &[Route], union: &Union) -> Vec<Offer> {
        let offer = |route: &Route| {
            let listed = || self.upstreams.iter().find(|listed| *listed.name() == route.upstream);
            union.at(route).cloned().or_else(|| Some(Offer::unlisted(listed()?, &route.model)))
        };
        routes.iter().filter_map(offer).collect()
    }

    /// A model that nobody lists, at the upstreams that take any; at the one of a name, if given.
    fn unlisted(&self, model: &str, upstream: Option<&str>) -> Vec<Offer> {
        let any = self.upstreams.iter().filter(|listed| listed.takes_any_model());
        let named = any.filter(|listed| upstream.is_none_or(|name| **listed.name() == *name));
        named.map(|listed| Offer::unlisted(listed, model)).collect()
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
        let listed = self.upstreams.iter().find(|listed| **listed.name() == *name)?;
        (!model.is_empty()).then(|| listed.route(model))
    }

    /// Asks all upstreams which of them list the model; fails where none does and one could not be
    /// asked, since that one may.
    async fn listing(&self, model: &str, asker: &Asker) -> Result<Vec<Route>> {
        let mut routes = Vec::new();
        let mut failure = None;
        for (listed, list) in self.upstreams.iter().zip(self.lists(asker).await) {
            match list {
                Ok(list) if list.iter().any(|entry| entry.id == model) => {
                    routes.push(listed.route(model));
                }
                Ok(_) => {}
                Err(error) => failure = Some(error),
            }
        }
        if routes.is_empty() {
            let any = self.upstreams.iter().filter(|listed| listed.takes_any_model());
            routes.extend(any.map(|listed| listed.route(model)));
        }
        match (routes.is_empty(), failure) {
            (true, Some(error)) => Err(error),
            (true, None) => Err(unknown(model)),
            (false, _) => Ok(routes),
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
        edition.listing(model, &self.asker).await
    }
}

fn unknown(model: &str) -> Error {
    let message = format!("no upstream lists the model `{model:.200}`: see GET /v1/models");
    Error::new(ErrorKind::ModelNotFound, "find model", message).with_param("model")
}

#[cfg(test)]
mod tests;
