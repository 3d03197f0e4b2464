//! `GET /cookies`.

use std::sync::Arc;

use llm2api_core::accounts::AccountStatus;
use poem::{Request, Response};
use serde::Deserialize;

use super::wire::Page;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

#[derive(Deserialize)]
struct Query {
    limit: Option<usize>,
    after: Option<String>,
}

/// Lists the accounts, oldest first: all of them, or `limit` that come behind the one named `after`.
pub(in crate::routes) async fn list(
    state: Arc<State>,
    request: Request,
) -> Result<Response, Failure> {
    let wrong = || Failure::invalid_value("limit", "write a whole number of at least 1");
    let query: Query = request.params().map_err(|_| wrong())?;
    if query.limit == Some(0) {
        return Err(wrong());
    }
    let all = state.client.accounts().list();
    let data = page(&all, &query)?;
    Ok(answer::json(&Page { data, total: all.len() }))
}

fn page<'a>(all: &'a [AccountStatus], query: &Query) -> Result<&'a [AccountStatus], Failure> {
    let start = match &query.after {
        None => 0,
        Some(id) => {
            let place = all.iter().position(|status| status.id.as_str() == id);
            place.ok_or_else(|| Failure::no_such_page("after"))? + 1
        }
    };
    let rest = &all[start..];
    Ok(&rest[..query.limit.unwrap_or(rest.len()).min(rest.len())])
}
