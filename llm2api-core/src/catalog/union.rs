//! The models of all upstreams as one list, with who serves each and what it can do.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Listed;
use crate::adapt::{Profile, Treatment};
use crate::chat::{Model, ModelCapabilities, ModelDetails, Support};
use crate::error::{Error, Result};
use crate::pool::Route;

/// A model at one upstream.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    upstream: Arc<str>,
    profile: Profile,
    model: Model,
}

/// What all upstreams list that could be asked.
#[derive(Debug, Default)]
pub(super) struct Union {
    /// By id, in the order of the upstreams.
    offers: BTreeMap<String, Vec<Offer>>,
    /// Why one could not be asked.
    pub(super) failure: Option<Error>,
}

impl Offer {
    /// A model of which nothing is known but that the upstream takes it.
    pub(super) fn unlisted(listed: &Listed, model: &str) -> Self {
        let (upstream, profile) = (listed.name().clone(), listed.profile());
        let model = Model::new(model, &**listed.name());
        Self { upstream, profile, model }
    }

    fn capabilities(&self) -> ModelCapabilities {
        let support = |field| match self.profile.treatment(field) {
            Treatment::Honoured => Some(Support::Native),
            Treatment::Emulated => Some(Support::Emulated),
            _ => None,
        };
        ModelCapabilities {
            vision: self.model.vision,
            tools: support("tools"),
            reasoning: self.model.reasoning,
            structured_output: support("response_format"),
        }
    }

    /// What becomes of each field; images are refused where the model is blind, and no upstream sees
    /// the wish for a search where the client does it.
    fn parameters(&self, searches: bool) -> Map<String, Value> {
        let blind = self.model.vision == Some(false);
        let row = |(field, treatment): (&str, Treatment)| {
            let treatment = match field {
                "messages.image_url" if blind => Treatment::Rejected,
                "web_search_options" if searches => Treatment::Emulated,
                _ => treatment,
            };
            (field.to_owned(), treatment.as_str().into())
        };
        self.profile.table().map(row).collect()
    }
}

impl Union {
    pub(super) fn new(upstreams: &[Listed], lists: Vec<Result<Arc<[Model]>>>) -> Self {
        let mut union = Self::default();
        for (listed, list) in upstreams.iter().zip(lists) {
            match list {
                Ok(list) => list.iter().for_each(|model| union.add(listed, model)),
                Err(error) => union.failure = Some(error),
            }
        }
        union
    }

    /// A list may name a model twice.
    fn add(&mut self, listed: &Listed, model: &Model) {
        let offers = self.offers.entry(model.id.clone()).or_default();
        if offers.last().is_none_or(|last| last.upstream != *listed.name()) {
            let (upstream, profile) = (listed.name().clone(), listed.profile());
            offers.push(Offer { upstream, profile, model: model.clone() });
        }
    }

    /// Returns who lists a model.
    pub(super) fn offers(&self, id: &str) -> &[Offer] {
        self.offers.get(id).map_or(&[], Vec::as_slice)
    }

    /// Returns the model of a route, if its upstream lists it.
    pub(super) fn at(&self, route: &Route) -> Option<&Offer> {
        self.offers(&route.model).iter().find(|offer| offer.upstream == route.upstream)
    }

    /// Lists each model once.
    pub(super) fn models(&self) -> impl Iterator<Item = Model> {
        self.offers.iter().filter_map(|(id, offers)| joined(id, offers))
    }
}

/// Makes one entry of what several upstreams offer; none where nobody does.
pub(super) fn joined(id: &str, offers: &[Offer]) -> Option<Model> {
    let first = offers.first()?;
    let each = offers.iter().map(Offer::capabilities);
    let details = ModelDetails {
        upstreams: offers.iter().map(|offer| offer.upstream.to_string()).collect(),
        capabilities: each.reduce(common).unwrap_or_default(),
        ..ModelDetails::default()
    };
    Some(Model { id: id.to_owned(), details: Some(details), ..first.model.clone() })
}

/// Makes the entry of an alias, which can do what its first target can.
pub(super) fn alias(name: &str, routes: &[Route], offers: &[Offer]) -> Model {
    let target = |route: &Route| format!("{}/{}", route.upstream, route.model);
    let details = ModelDetails {
        serve: routes.iter().map(target).collect(),
        capabilities: offers.first().map(Offer::capabilities).unwrap_or_default(),
        ..ModelDetails::default()
    };
    Model { details: Some(details), ..Model::new(name, "llm2api") }
}

/// Adds what becomes of each field; by upstream where there may be several.
pub(super) fn with_parameters(mut model: Model, offers: &[Offer], searches: bool) -> Model {
    if let Some(details) = &mut model.details {
        details.parameters = match offers {
            [only] if details.serve.is_empty() => Some(only.parameters(searches)),
            several => {
                let each = several.iter().rev();
                let each =
                    each.map(|one| (one.upstream.to_string(), one.parameters(searches).into()));
                Some(each.collect())
            }
        };
    }
    model
}

/// Keeps what holds on both sides.
fn common(one: ModelCapabilities, other: ModelCapabilities) -> ModelCapabilities {
    // Of those who see to something, nobody is the least, and we are less than the upstream.
    ModelCapabilities {
        vision: one.vision.filter(|_| one.vision == other.vision),
        tools: one.tools.min(other.tools),
        reasoning: one.reasoning.filter(|_| one.reasoning == other.reasoning),
        structured_output: one.structured_output.min(other.structured_output),
    }
}
