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
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The process runs.
pub(super) async fn live(_state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    Ok(answer::json(&Health { status: "ok", version: VERSION }))
}

/// The process may be sent traffic: it runs and does not shut down.
pub(super) async fn ready(state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    if !state.stop.is_draining() {
        return Ok(answer::json(&Health { status: "ok", version: VERSION }));
    }
    let mut response = answer::json(&Health { status: "shutting_down", version: VERSION });
    response.set_status(StatusCode::SERVICE_UNAVAILABLE);
    Ok(response)
}
