//! `GET /`: says what this is.

use std::sync::Arc;

use poem::{Request, Response};
use serde::Serialize;

use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

#[derive(Serialize)]
struct About {
    name: &'static str,
    version: &'static str,
    base_url: String,
    documentation: &'static str,
}

/// Names the program, the path that clients use, and where the documentation is.
pub(super) async fn show(state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    Ok(answer::json(&About {
        name: "llm2api",
        version: env!("CARGO_PKG_VERSION"),
        base_url: format!("{}/v1", state.api_path),
        documentation: env!("CARGO_PKG_REPOSITORY"),
    }))
}
