//! Answers that went well.

use llm2api_core::{ChatStream, Completion};
use poem::http::header::{self, HeaderName, HeaderValue};
use poem::{Body, Response};
use serde::Serialize;

use crate::sse::{Encode, Events};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Lists what the answer does not go by.
const IGNORED: HeaderName = HeaderName::from_static("x-llm2api-ignored-params");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");

/// Answers with the JSON of `value`.
pub(crate) fn json(value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value)
        .expect("a Vec takes every byte, and all maps we answer with have string keys");
    with_json(body)
}

/// Answers with a whole completion; one that came from an upstream passes as it came.
pub(crate) fn completion(completion: &Completion) -> Response {
    let mut body = Vec::with_capacity(1024);
    completion.write_json(&mut body);
    with_json(body)
}

/// Answers with a stream, one write a chunk.
pub(crate) fn stream<E: Encode>(events: Events<E>) -> Response {
    let mut response = Response::from(Body::from_bytes_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, EVENTS);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx and its kin would hold events back to fill their buffers.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Names the parameters that an answer does not go by; none where it goes by all.
///
/// The engine lets plain words pass alone, since some names are the client's own.
///
/// `left_out` names one that a dialect has not handed to the engine.
pub(crate) fn ignored(answer: &ChatStream, left_out: Option<&str>) -> Option<HeaderValue> {
    let names = answer.ignored_parameters().iter().map(String::as_str);
    let more = left_out.filter(|name| answer.ignored_parameters().iter().all(|one| one != name));
    let names: Vec<_> = names.chain(more).collect();
    let listed = HeaderValue::from_str(&names.join(", ")).ok();
    listed.filter(|_| !names.is_empty())
}

/// Adds the header that names what was [ignored].
pub(crate) fn with_ignored(mut response: Response, ignored: Option<HeaderValue>) -> Response {
    if let Some(names) = ignored {
        response.headers_mut().insert(IGNORED, names);
    }
    response
}

/// Answers with JSON that is written already.
pub(crate) fn with_json(body: Vec<u8>) -> Response {
    let mut response = Response::from(body);
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}
