//! `POST /cookie/{check,enable,disable,clear,remove}`.

use std::sync::Arc;

use llm2api_core::credential::CredentialId;
use poem::{Request, Response};
use serde::Serialize;

use super::request::{Pick, parse};
use super::wire::CheckedList;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::routes::body;
use crate::state::State;

type Answer = Result<Response, Failure>;

#[derive(Serialize)]
struct Gone<'a> {
    id: &'a str,
    removed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

const COMES_BACK: &str = "the settings name this account too (COOKIES, or `credentials` of the \
                          file): take it out there, or it comes back at the next start";

/// Asks the upstream whether an account works, or whether all do.
pub(in crate::routes) async fn check(state: Arc<State>, mut request: Request) -> Answer {
    let accounts = state.client.accounts();
    match pick(&state, &mut request).await? {
        Some(id) => Ok(answer::json(&accounts.check(&id).await?)),
        None => Ok(answer::json(&CheckedList { data: accounts.check_all().await })),
    }
}

/// Lets an account be used again.
pub(in crate::routes) async fn enable(state: Arc<State>, mut request: Request) -> Answer {
    let id = one(&state, &mut request).await?;
    Ok(answer::json(&state.client.accounts().enable(&id).await?))
}

/// Takes an account out of use.
pub(in crate::routes) async fn disable(state: Arc<State>, mut request: Request) -> Answer {
    let id = one(&state, &mut request).await?;
    Ok(answer::json(&state.client.accounts().disable(&id).await?))
}

/// Ends an account's rest.
pub(in crate::routes) async fn clear(state: Arc<State>, mut request: Request) -> Answer {
    let id = one(&state, &mut request).await?;
    Ok(answer::json(&state.client.accounts().clear(&id).await?))
}

/// Forgets an account.
pub(in crate::routes) async fn remove(state: Arc<State>, mut request: Request) -> Answer {
    let id = one(&state, &mut request).await?;
    let accounts = state.client.accounts();
    let note = accounts.is_seed(&id).then_some(COMES_BACK);
    accounts.remove(&id).await?;
    Ok(answer::json(&Gone { id: id.as_str(), removed: true, note }))
}

async fn one(state: &State, request: &mut Request) -> Result<CredentialId, Failure> {
    let picked = pick(state, request).await?;
    picked.ok_or_else(|| Failure::invalid_value("id", "name the account by `id` or by `cookie`"))
}

async fn pick(state: &State, request: &mut Request) -> Result<Option<CredentialId>, Failure> {
    let body = body::read_for_operator(usize::MAX, request, &state.door).await?;
    let target = parse::<Pick>(&body)?.target()?;
    let found = target.map(|target| state.client.accounts().find(&target));
    Ok(found.transpose()?)
}
