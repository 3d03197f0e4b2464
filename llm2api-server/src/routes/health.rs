//! Health checks: small, public, and never a call upstream.

use std::sync::Arc;

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
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The process runs.
pub(super) async fn live(_state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    Ok(answer::json(&Health { status: "ok", version: VERSION, store: None }))
}

/// The process may be sent traffic: it runs and does not shut down.
///
/// A store that is away does not take a server out of service: what it serves with is in memory.
pub(super) async fn ready(state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    let reachable = state.client.accounts().store_is_reachable();
    let store = Some(if reachable { "ok" } else { "degraded" });
    if !state.door.stop.is_draining() {
        return Ok(answer::json(&Health { status: "ok", version: VERSION, store }));
    }
    let status = "shutting_down";
    let mut response = answer::json(&Health { status, version: VERSION, store });
    response.set_status(StatusCode::SERVICE_UNAVAILABLE);
    Ok(response)
}
