//! `GET /v1/models` and `GET /v1/models/{id}`, and the same below `/web`.

use std::sync::Arc;

use llm2api_core::Model;
use poem::{Request, Response};
use serde::Serialize;

use crate::edge::Record;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Model>,
}

/// Lists the models of all upstreams, and the aliases: those that the caller's key may ask for.
pub(super) async fn list(state: Arc<State>, request: Request) -> Result<Response, Failure> {
    let mut data = state.client.models().await?;
    data.retain(|model| may_ask(&request, &model.id));
    Ok(answer::json(&List { object: "list", data }))
}

/// Shows one model, with what becomes of each parameter there; its id may contain slashes.
pub(super) async fn show(state: Arc<State>, request: Request) -> Result<Response, Failure> {
    let id = request.raw_path_param("id").unwrap_or_default();
    if !may_ask(&request, id) {
        return Err(Failure::model_not_allowed());
    }
    Ok(answer::json(&state.client.model(id).await?))
}

fn may_ask(request: &Request, model: &str) -> bool {
    let caller = request.data::<Record>().and_then(Record::caller);
    caller.is_none_or(|key| key.allows(model))
}
