//! Health checks: small, public, and never a call upstream.

use std::sync::Arc;

use llm2api_core::auth::AuthStatus;
use poem::http::StatusCode;
use poem::{Request, Response};
use serde::Serialize;

use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    /// `degraded` while the store cannot be reached: chats go on, changes of accounts fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorisation: Option<Authorisation>,
}

/// How the authorisation stands, in our words alone: everybody may read this.
#[derive(Serialize)]
struct Authorisation {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The process runs.
pub(super) async fn live(_state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    let (store, authorisation) = (None, None);
    Ok(answer::json(&Health { status: "ok", version: VERSION, store, authorisation }))
}

/// The process may be sent traffic: it runs, may serve, and does not shut down.
///
/// A store that is away does not take a server out of service: what it serves with is in memory.
pub(super) async fn ready(state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    let reachable = state.client.accounts().store_is_reachable();
    let store = Some(if reachable { "ok" } else { "degraded" });
    let known = state.client.authorisation();
    let status = status(&state, known.as_ref());
    let authorisation = known.map(Authorisation::of);
    let mut response = answer::json(&Health { status, version: VERSION, store, authorisation });
    if status != "ok" {
        response.set_status(StatusCode::SERVICE_UNAVAILABLE);
    }
    Ok(response)
}

/// Says in a word whether traffic is served.
pub(super) fn status(state: &State, known: Option<&AuthStatus>) -> &'static str {
    match known {
        _ if state.door.stop.is_draining() => "shutting_down",
        Some(known) if !known.state.serves() => "unauthorised",
        _ => "ok",
    }
}

impl Authorisation {
    fn of(status: AuthStatus) -> Self {
        Self { state: status.state.as_str(), message: status.message }
    }
}
