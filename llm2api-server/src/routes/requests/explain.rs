//! `GET /v1/explain/{id}`.

use std::sync::Arc;

use poem::{Request, Response};

use super::names::Names;
use super::wire::Explained;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

/// Tells why a request went as it did: each attempt, and how its credential was chosen.
pub(in crate::routes) async fn explain(
    state: Arc<State>,
    request: Request,
) -> Result<Response, Failure> {
    let id: String = request.path_params().map_err(|_| Failure::no_such_request())?;
    let entry = state.journal.find(&id).ok_or_else(Failure::no_such_request)?;
    Ok(answer::json(&Explained::new(&entry, &Names::of(&state.client))))
}
