//! Paths without chat, and the key.

use std::sync::Arc;

use super::reply::{error, model, models};
use crate::http::{Reply, Request};
use crate::state::State;

/// Answers a request that is no chat completion.
pub(crate) fn plain(state: &Arc<State>, request: &Request) -> Reply {
    if let Err(refused) = take_key(state, request) {
        return refused;
    }
    let options = state.options();
    match request.path.strip_prefix("/v1/models") {
        Some("" | "/") => Reply::json(200, &models(&options)),
        Some(rest) => match options.model(rest.trim_start_matches('/')) {
            Some(spec) => Reply::json(200, &model(&spec.id)),
            None => unknown_model(rest.trim_start_matches('/')),
        },
        None => {
            let message = format!("Unknown request URL: {} {}", request.method(), request.path);
            error(404, "invalid_request_error", Some("unknown_url"), &message)
        }
    }
}

/// The key of the request, or the refusal of a wrong one.
pub(crate) fn take_key(state: &State, request: &Request) -> Result<String, Reply> {
    let key = request.bearer().or(request.cookie("token")).unwrap_or_default().to_owned();
    if state.options().takes_key(&key) {
        return Ok(key);
    }
    let message = if key.is_empty() {
        "You didn't provide an API key.".to_owned()
    } else {
        format!("Incorrect API key provided: {}***.", key.chars().take(3).collect::<String>())
    };
    Err(error(401, "invalid_request_error", Some("invalid_api_key"), &message))
}

/// The refusal of a model that is not on offer.
pub(super) fn unknown_model(model: &str) -> Reply {
    let message = format!("The model `{model}` does not exist or you do not have access to it.");
    error(404, "invalid_request_error", Some("model_not_found"), &message)
}
