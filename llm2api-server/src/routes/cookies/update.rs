//! `POST /cookie/update`.

use std::sync::Arc;

use llm2api_core::accounts::{AccountChange, Target};
use llm2api_core::credential::CredentialId;
use poem::{Request, Response};
use serde::Deserialize;

use super::request::{SecretText, label, parse, weight};
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::routes::body;
use crate::state::State;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    id: String,
    label: Option<String>,
    weight: Option<u32>,
    cookie: Option<SecretText>,
}

/// Renames, weighs, or gives the account another secret, which is checked first.
pub(in crate::routes) async fn update(
    state: Arc<State>,
    mut request: Request,
) -> Result<Response, Failure> {
    let body = body::read_for_operator(usize::MAX, &mut request, &state.door).await?;
    let update: Update = parse(&body)?;
    if update.label.is_none() && update.weight.is_none() && update.cookie.is_none() {
        let wrong = "name what is to change: `label`, `weight` or `cookie`";
        return Err(Failure::invalid_value("label", wrong));
    }
    let mut change = AccountChange::default();
    change.label = update.label.map(label).transpose()?;
    change.weight = update.weight.map(weight).transpose()?;
    change.secret = update.cookie.map(|SecretText(secret)| secret);
    let accounts = state.client.accounts();
    let id = accounts.find(&Target::Id(CredentialId::from_text(update.id)))?;
    Ok(answer::json(&accounts.update(&id, change).await?))
}
