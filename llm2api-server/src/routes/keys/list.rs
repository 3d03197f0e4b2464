//! `GET /keys`.

use std::sync::Arc;

use futures::future::join_all;
use poem::{Request, Response};

use super::wire::{Entry, Page};
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::routes::paging::Paging;
use crate::state::State;

/// Lists the keys, oldest first, also those that are revoked or expired.
pub(in crate::routes) async fn list(
    state: Arc<State>,
    request: Request,
) -> Result<Response, Failure> {
    let paging = Paging::of(&request)?;
    let all = state.client.keys().list();
    let data = paging.cut(&all, |key| &key.id, Failure::no_such_key_page)?;
    let quotas = state.client.quotas();
    let data = join_all(data.iter().map(|key| Entry::of(key, &quotas))).await;
    Ok(answer::json(&Page { data, total: all.len() }))
}
