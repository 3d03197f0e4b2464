//! `GET /requests`.

use std::sync::Arc;

use poem::{Request, Response};
use serde::{Deserialize, Serialize};

use super::names::Names;
use super::wire::Entry;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

const USUAL: usize = 100;
/// The journal keeps no more.
const MOST: usize = 1000;

#[derive(Deserialize)]
struct Query {
    limit: Option<usize>,
}

#[derive(Serialize)]
struct List {
    data: Vec<Entry>,
}

/// Lists the last requests of this server, the newest first.
pub(in crate::routes) async fn list(
    state: Arc<State>,
    request: Request,
) -> Result<Response, Failure> {
    let wrong = || Failure::invalid_value("limit", "write a whole number from 1 to 1000");
    let Query { limit } = request.params().map_err(|_| wrong())?;
    let limit = limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(wrong());
    }
    let names = Names::of(&state.client);
    let entries = state.journal.last(limit);
    let data = entries.iter().map(|entry| Entry::new(entry, &names)).collect();
    Ok(answer::json(&List { data }))
}
