//! `GET /metrics`: the figures, for a Prometheus server.

use std::sync::Arc;

use poem::http::header::{self, HeaderValue};
use poem::{Body, Request, Response};

use crate::exposition::{self, Form};
use crate::openai::error::Failure;
use crate::state::State;

/// Writes all figures for whoever can reach the server.
pub(super) async fn show_openly(state: Arc<State>, request: Request) -> Result<Response, Failure> {
    state.door.admin.check_watcher(&request)?;
    show(state, request).await
}

/// Writes all figures, in the form that the reader asks for.
pub(super) async fn show(state: Arc<State>, request: Request) -> Result<Response, Failure> {
    let form = Form::accepted(request.headers());
    let mut response = Response::from(Body::from_string(exposition::write(&state, form)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, form.content_type());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}
