//! `POST /key/{create,revoke,rotate,update}`. Once one of them answers, what it did is kept.

use std::sync::Arc;

use poem::{Request, Response};
use serde::de::DeserializeOwned;

use super::request::{Create, Pick, Rotate, Update};
use super::wire::{Entry, IssuedEntry};
use crate::admin::peer;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::routes::body;
use crate::routes::cookies::parse;
use crate::state::State;

type Answer = Result<Response, Failure>;

/// Makes a key, and tells it this once.
pub(in crate::routes) async fn create(state: Arc<State>, mut request: Request) -> Answer {
    let (create, actor) = read::<Create>(&state, &mut request).await?;
    let issued = state.client.keys().create(create.into_new()?, &actor).await?;
    Ok(answer::json(&IssuedEntry::of(&issued, &state.client.quotas()).await))
}

/// Takes a key back, for good.
pub(in crate::routes) async fn revoke(state: Arc<State>, mut request: Request) -> Answer {
    let (Pick { id }, actor) = read(&state, &mut request).await?;
    let revoked = state.client.keys().revoke(&id, &actor).await?;
    Ok(answer::json(&Entry::of(&revoked, &state.client.quotas()).await))
}

/// Gives a key another secret, and tells it this once.
pub(in crate::routes) async fn rotate(state: Arc<State>, mut request: Request) -> Answer {
    let (rotate, actor) = read::<Rotate>(&state, &mut request).await?;
    let issued = state.client.keys().rotate(&rotate.id, rotate.grace()?, &actor).await?;
    Ok(answer::json(&IssuedEntry::of(&issued, &state.client.quotas()).await))
}

/// Changes what a key is called, and what it may.
pub(in crate::routes) async fn update(state: Arc<State>, mut request: Request) -> Answer {
    let (update, actor) = read::<Update>(&state, &mut request).await?;
    let id = update.id.clone();
    let changed = state.client.keys().update(&id, update.change()?, &actor).await?;
    Ok(answer::json(&Entry::of(&changed, &state.client.quotas()).await))
}

/// Reads a body, and the address that goes into the log of changes.
async fn read<T: DeserializeOwned>(
    state: &State,
    request: &mut Request,
) -> Result<(T, String), Failure> {
    let actor = peer(request).to_string();
    let body = body::read_for_operator(usize::MAX, request, &state.door).await?;
    Ok((parse(&body)?, actor))
}
