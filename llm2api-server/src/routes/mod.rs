//! The route table: the only list of paths.

mod body;
mod chat;
mod cors;
mod health;
mod models;
mod resource;
mod root;

use std::sync::Arc;

use poem::Route;

use crate::state::State;
use resource::{client_get, client_post, public_get};

/// Makes the endpoint of every path.
#[rustfmt::skip]
pub(crate) fn routes(state: &Arc<State>) -> Route {
    let client = |path: &str| format!("{}{path}", state.api_path);
    Route::new()
        .at(client("/v1/chat/completions"), client_post(state, chat::create))
        .at(client("/v1/models"), client_get(state, models::list))
        .at(client("/v1/models/*id"), client_get(state, models::show))
        .at("/livez", public_get(state, health::live))
        .at("/readyz", public_get(state, health::ready))
        .at("/health", public_get(state, health::ready))
        .at("/healthz", public_get(state, health::live))
        .at("/health/liveliness", public_get(state, health::live))
        .at("/health/readiness", public_get(state, health::ready))
        .at("/", public_get(state, root::show))
}
