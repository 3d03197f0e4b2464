//! `GET /auth/codes`.

use std::sync::Arc;

use llm2api_core::auth::IssuedCode;
use poem::{Request, Response};
use serde::Deserialize;

use super::office::Office;
use super::wire::{Entry, Listed};
use crate::clock::unix_seconds;
use crate::openai::answer;
use crate::openai::error::Failure;

#[derive(Deserialize)]
struct Query {
    limit: Option<usize>,
    after: Option<String>,
}

/// Lists the codes, oldest first: all of them, or `limit` that come behind the one named `after`.
pub(super) async fn list(office: Arc<Office>, request: Request) -> Result<Response, Failure> {
    let wrong = || Failure::invalid_value("limit", "write a whole number of at least 1");
    let query: Query = request.params().map_err(|_| wrong())?;
    if query.limit == Some(0) {
        return Err(wrong());
    }
    let (all, now) = (office.authority.list().await?, unix_seconds());
    let data = page(&all, &query)?.iter().map(|code| Entry::new(code, now)).collect();
    Ok(answer::json(&Listed { data, total: all.len() }))
}

fn page<'a>(all: &'a [IssuedCode], query: &Query) -> Result<&'a [IssuedCode], Failure> {
    let start = match &query.after {
        None => 0,
        Some(id) => {
            let place = all.iter().position(|code| code.claims.id == *id);
            place.ok_or_else(|| Failure::no_such_code("after"))? + 1
        }
    };
    let rest = &all[start..];
    Ok(&rest[..query.limit.unwrap_or(rest.len()).min(rest.len())])
}
