//! Reading a JSON request body within its limits.

use std::fmt;
use std::ops::Deref;
use std::pin::pin;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use poem::Request;
use poem::http::header;
use tokio::time::{Instant, timeout};

use super::depth;
use crate::budget::{Budget, Charge};
use crate::door::Door;
use crate::edge::Record;
use crate::openai::error::Failure;

/// No more than this is set aside on a client's word.
const TRUSTED: usize = 1 << 20;

/// A body that was read, and what it takes of the budget of all bodies.
pub(crate) struct Held {
    bytes: Bytes,
    charge: Charge,
}

impl Held {
    /// Lets the bytes go and goes on to count them: what was made of them is held on.
    pub(crate) fn into_charge(self) -> Charge {
        self.charge
    }
}

impl Deref for Held {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Some bodies are secrets.
        f.debug_struct("Held").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// Reads a client's whole body; what is too large, stalls or is no JSON is not read to its end.
pub(crate) async fn read(request: &mut Request, door: &Door) -> Result<Held, Failure> {
    read_within(usize::MAX, &door.bodies, request, door).await
}

/// Reads a body as [`read`] does, within a smaller limit of its own.
pub(crate) async fn read_at_most(
    limit: usize,
    request: &mut Request,
    door: &Door,
) -> Result<Held, Failure> {
    read_within(limit, &door.bodies, request, door).await
}

/// Reads a body that is for the operator's paths, and may have a smaller limit of its own. Clients
/// that use up their budget must not keep the operator out.
pub(crate) async fn read_for_operator(
    limit: usize,
    request: &mut Request,
    door: &Door,
) -> Result<Held, Failure> {
    read_within(limit, &door.operator_bodies, request, door).await
}

async fn read_within(
    limit: usize,
    budget: &Budget,
    request: &mut Request,
    door: &Door,
) -> Result<Held, Failure> {
    check_type(request)?;
    let (limits, began) = (door.limits(), Instant::now());
    let held = collect(limit.min(limits.body_limit), budget.charge(), request, door).await?;
    if let Some(record) = request.data::<Record>() {
        record.body_took(began.elapsed());
    }
    let levels = limits.json_depth;
    if depth::exceeds(&held, levels) { Err(Failure::too_deep(levels)) } else { Ok(held) }
}

/// Puts the pieces together. Each is charged as it comes: an announced length is no byte yet.
async fn collect(
    limit: usize,
    mut charge: Charge,
    request: &mut Request,
    door: &Door,
) -> Result<Held, Failure> {
    let announced = announced(request);
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(Failure::body_too_large(limit));
    }
    let patience = door.limits().body_timeout;
    let mut pieces = pin!(request.take_body().into_bytes_stream());
    let mut body = BytesMut::new();
    while let Some(piece) = timeout(patience, pieces.next()).await.transpose() {
        let piece = piece.map_err(|_| Failure::body_stalled())?;
        let piece = piece.map_err(|_| Failure::body_broken())?;
        if body.len() + piece.len() > limit {
            return Err(Failure::body_too_large(limit));
        }
        if !charge.take(piece.len()) {
            return Err(Failure::bodies_exhausted());
        }
        if body.is_empty() && announced == Some(piece.len() as u64) {
            return Ok(Held { bytes: piece, charge });
        }
        if body.is_empty() {
            let room = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
            body.reserve(room.min(TRUSTED));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Held { bytes: body.freeze(), charge })
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
