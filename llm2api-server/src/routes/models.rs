//! `GET /v1/models` and `GET /v1/models/{id}`.

use std::sync::Arc;

use llm2api_core::Model;
use poem::{Request, Response};
use serde::Serialize;

use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Model>,
}

/// Lists the models of all upstreams, and the aliases.
pub(super) async fn list(state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    let data = state.client.models().await?;
    Ok(answer::json(&List { object: "list", data }))
}

/// Shows one model, with what becomes of each parameter there; its id may contain slashes.
pub(super) async fn show(state: Arc<State>, request: Request) -> Result<Response, Failure> {
    let id = request.raw_path_param("id").unwrap_or_default();
    Ok(answer::json(&state.client.model(id).await?))
}
