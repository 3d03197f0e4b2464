//! The page on which a holder looks his code up, compiled in.

use std::sync::Arc;

use poem::{Request, Response};

use super::office::Office;
use crate::openai::error::Failure;
use crate::routes::asset;

/// `GET /`: what the code is worth that is typed in.
pub(super) async fn show(_office: Arc<Office>, _request: Request) -> Result<Response, Failure> {
    Ok(asset("text/html; charset=utf-8", include_str!("../ui/authority.html")))
}

/// Its looks.
pub(super) async fn style(_office: Arc<Office>, _request: Request) -> Result<Response, Failure> {
    Ok(asset("text/css; charset=utf-8", include_str!("../ui/style.css")))
}

/// What it does.
pub(super) async fn script(_office: Arc<Office>, _request: Request) -> Result<Response, Failure> {
    Ok(asset("text/javascript; charset=utf-8", include_str!("../ui/authority.js")))
}
