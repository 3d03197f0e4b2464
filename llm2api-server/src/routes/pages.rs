//! The operator's pages, compiled in.

use std::sync::Arc;

use poem::http::header::{self, HeaderValue};
use poem::{Request, Response};

use crate::openai::error::Failure;
use crate::state::State;

/// `GET /cookie`: for adding accounts.
pub(super) async fn cookie(_state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    Ok(asset("text/html; charset=utf-8", include_str!("../ui/cookie.html")))
}

/// Its looks.
pub(super) async fn cookie_style(
    _state: Arc<State>,
    _request: Request,
) -> Result<Response, Failure> {
    Ok(asset("text/css; charset=utf-8", include_str!("../ui/cookie.css")))
}

/// What it does.
pub(super) async fn cookie_script(
    _state: Arc<State>,
    _request: Request,
) -> Result<Response, Failure> {
    Ok(asset("text/javascript; charset=utf-8", include_str!("../ui/cookie.js")))
}

/// Answers with a file that is compiled in.
pub(crate) fn asset(kind: &'static str, text: &'static str) -> Response {
    let mut response = Response::from(text);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
