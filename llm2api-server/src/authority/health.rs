//! Health checks: small and public.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::{Request, Response};
use serde::Serialize;

use super::office::Office;
use crate::openai::answer;
use crate::openai::error::Failure;

/// An id that no code has.
const NOBODY: &str = "0000000000000000";
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'static str>,
}

/// The process runs.
pub(super) async fn live(_office: Arc<Office>, _request: Request) -> Result<Response, Failure> {
    Ok(answer::json(&Health { status: "ok", version: VERSION, store: None }))
}

/// The process can answer: it does not shut down, and its store can be asked.
pub(super) async fn ready(office: Arc<Office>, _request: Request) -> Result<Response, Failure> {
    let reachable = office.authority.find(NOBODY).await.is_ok();
    let store = Some(if reachable { "ok" } else { "unreachable" });
    let status = match (office.door.stop.is_draining(), reachable) {
        (true, _) => "shutting_down",
        (false, true) => "ok",
        (false, false) => "unavailable",
    };
    let mut response = answer::json(&Health { status, version: VERSION, store });
    if status != "ok" {
        response.set_status(StatusCode::SERVICE_UNAVAILABLE);
    }
    Ok(response)
}
