//! `POST /cookie/add`.

use std::sync::Arc;

use poem::{Request, Response};

use super::request::{NewCookie, parse};
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::routes::body;
use crate::state::State;

/// Checks an account with its upstream and keeps it; once this answers, it is kept.
pub(in crate::routes) async fn add(
    state: Arc<State>,
    mut request: Request,
) -> Result<Response, Failure> {
    let body = body::read_for_operator(usize::MAX, &mut request, &state.door).await?;
    let account = parse::<NewCookie>(&body)?.into_account()?;
    Ok(answer::json(&state.client.accounts().add(account).await?))
}
