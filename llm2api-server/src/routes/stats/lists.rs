//! `GET /stats/models` and `GET /stats/keys`.

use std::collections::BTreeMap;
use std::sync::Arc;

use llm2api_core::TallySnapshot;
use llm2api_core::chat::ModelDetails;
use llm2api_core::stats::Kind;
use poem::{Request, Response};

use super::wire::{Figures, KeyFigures, List, ModelFigures};
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

/// Says what each model has done: those that are listed, then those that were, or are by nobody.
pub(in crate::routes) async fn models(
    state: Arc<State>,
    _request: Request,
) -> Result<Response, Failure> {
    let mut counted = counted(&state, Kind::Model).await;
    // Where no upstream can be asked, the figures are there all the same.
    let listed = state.client.models().await.unwrap_or_default();
    let mut data: Vec<_> = listed
        .into_iter()
        .map(|model| ModelFigures {
            figures: counted.remove(&model.id).map(|tally| (&tally).into()).unwrap_or_default(),
            upstreams: model.details.map(upstreams).unwrap_or_default(),
            id: model.id,
        })
        .collect();
    let rest = |(id, tally): (_, TallySnapshot)| ModelFigures {
        id,
        upstreams: Vec::new(),
        figures: Figures::from(&tally),
    };
    data.extend(counted.into_iter().map(rest));
    Ok(answer::json(&List { data }))
}

/// Returns who serves a model; an alias is served by those of its targets.
fn upstreams(details: ModelDetails) -> Vec<String> {
    if details.serve.is_empty() {
        return details.upstreams;
    }
    let upstream = |target: &String| Some(target.split_once('/')?.0.to_owned());
    let mut upstreams: Vec<_> = details.serve.iter().filter_map(upstream).collect();
    upstreams.dedup();
    upstreams
}

/// Says what each client key was used for: those there are, then others that were counted.
pub(in crate::routes) async fn keys(
    state: Arc<State>,
    _request: Request,
) -> Result<Response, Failure> {
    let mut counted = counted(&state, Kind::Key).await;
    let mut data: Vec<_> = state
        .client
        .keys()
        .list()
        .into_iter()
        .map(|key| KeyFigures {
            figures: counted.remove(&key.id).map(|tally| (&tally).into()).unwrap_or_default(),
            name: key.label,
            id: key.id,
        })
        .collect();
    let rest = |(id, tally): (_, TallySnapshot)| KeyFigures {
        id,
        name: None,
        figures: Figures::from(&tally),
    };
    data.extend(counted.into_iter().map(rest));
    Ok(answer::json(&List { data }))
}

async fn counted(state: &State, kind: Kind) -> BTreeMap<String, TallySnapshot> {
    state.client.statistics().totals(kind).await.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_has_the_upstreams_of_its_targets() {
        let mut details = ModelDetails::default();
        details.upstreams = vec!["own".to_owned()];
        assert_eq!(upstreams(details.clone()), ["own"]);
        details.serve = ["a/meta/llama", "a/other", "b/llama"].map(str::to_owned).into();
        assert_eq!(upstreams(details), ["a", "b"]);
    }
}
