//! `GET /cookies`.

use std::sync::Arc;

use poem::{Request, Response};

use super::wire::Page;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::routes::paging::Paging;
use crate::state::State;

/// Lists the accounts, oldest first: all of them, or `limit` that come behind the one named `after`.
pub(in crate::routes) async fn list(
    state: Arc<State>,
    request: Request,
) -> Result<Response, Failure> {
    let paging = Paging::of(&request)?;
    let all = state.client.accounts().list();
    let data = paging.cut(&all, |status| status.id.as_str(), Failure::no_such_page)?;
    Ok(answer::json(&Page { data, total: all.len() }))
}
