//! Reading a JSON request body within its limits.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use poem::Request;
use poem::http::header;
use tokio::time::timeout;

use crate::config::ClientLimits;
use crate::openai::error::Failure;

/// No more than this is set aside on a client's word.
const TRUSTED: usize = 1 << 20;

/// Reads the whole body; what is too large, stalls or is no JSON is not read to its end.
pub(in crate::routes) async fn read(
    request: &mut Request,
    limits: &ClientLimits,
) -> Result<Bytes, Failure> {
    read_at_most(limits.body_limit, request, limits).await
}

/// Reads a body that has a smaller limit of its own.
pub(in crate::routes) async fn read_at_most(
    limit: usize,
    request: &mut Request,
    limits: &ClientLimits,
) -> Result<Bytes, Failure> {
    check_type(request)?;
    let limit = limit.min(limits.body_limit);
    let announced = announced(request);
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(Failure::body_too_large(limit));
    }
    let mut pieces = pin!(request.take_body().into_bytes_stream());
    let mut body = BytesMut::new();
    while let Some(piece) = timeout(limits.body_timeout, pieces.next()).await.transpose() {
        let piece = piece.map_err(|_| Failure::body_stalled())?;
        let piece = piece.map_err(|_| Failure::body_broken())?;
        if body.is_empty() && announced == Some(piece.len() as u64) {
            return Ok(piece);
        }
        if body.len() + piece.len() > limit {
            return Err(Failure::body_too_large(limit));
        }
        if body.is_empty() {
            let room = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
            body.reserve(room.min(TRUSTED));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// A type that is given must be JSON. Where a session is enough to be let in, the type must be
/// given, and that is checked before.
fn check_type(request: &Request) -> Result<(), Failure> {
    if request.headers().get(header::CONTENT_ENCODING).is_some_and(|value| value != "identity") {
        return Err(Failure::compressed());
    }
    let Some(given) = request.headers().get(header::CONTENT_TYPE) else { return Ok(()) };
    let given = given.to_str().unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let json = essence.eq_ignore_ascii_case("application/json");
    if json || is_json_suffix(essence) { Ok(()) } else { Err(Failure::not_json()) }
}

fn is_json_suffix(essence: &str) -> bool {
    let start = essence.len().saturating_sub(5);
    essence.get(start..).is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"))
}

fn announced(request: &Request) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
