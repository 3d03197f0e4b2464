//! `GET /`: the dashboard for browsers, and for all others what this is.

use std::sync::Arc;

use poem::http::HeaderMap;
use poem::http::header::{self, HeaderValue};
use poem::{Request, Response};
use serde::Serialize;

use super::{pages, shield};
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

/// Shows browsers the dashboard, and names to all others the program, the path that clients use, and
/// where the documentation is.
pub(super) async fn show(state: Arc<State>, request: Request) -> Result<Response, Failure> {
    let mut response = match wants_page(request.headers()) {
        true => page(&state, request.headers())?,
        false => about(&state),
    };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

/// Browsers name HTML when they go to an address; nobody else does, and `*/*` is no such name.
fn wants_page(headers: &HeaderMap) -> bool {
    let mut accepted =
        headers.get_all(header::ACCEPT).iter().filter_map(|kinds| kinds.to_str().ok());
    accepted.any(|kinds| kinds.to_ascii_lowercase().contains("text/html"))
}

/// The path is everybody's, so that what is due to a page of the operator's is done here.
fn page(state: &State, headers: &HeaderMap) -> Result<Response, Failure> {
    state.door.admin.check_host(headers)?;
    let mut response = pages::dashboard();
    shield::close(&mut response);
    Ok(response)
}

fn about(state: &State) -> Response {
    answer::json(&About {
        name: "llm2api",
        version: env!("CARGO_PKG_VERSION"),
        base_url: format!("{}/v1", state.api_path),
        documentation: env!("CARGO_PKG_REPOSITORY"),
    })
}
