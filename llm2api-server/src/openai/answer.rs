//! Answers that went well.

use std::io;

use bytes::Bytes;
use futures::Stream;
use llm2api_core::chat::SearchNote;
use llm2api_core::{ChatStream, Completion};
use poem::http::header::{self, HeaderName, HeaderValue};
use poem::{Body, Response};
use serde::Serialize;

use crate::sse::{Encode, Events};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Lists what the answer does not go by.
const IGNORED: HeaderName = HeaderName::from_static("x-llm2api-ignored-params");
/// Says what a web search for the answer has led to.
const SEARCH: HeaderName = HeaderName::from_static("x-llm2api-search");
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
pub(crate) fn stream<E: Encode>(stream: Events<E>) -> Response {
    events(stream)
}

/// Answers with server-sent events as they come.
pub(crate) fn events(events: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Response {
    let mut response = Response::from(Body::from_bytes_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, EVENTS);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx and its kin would hold events back to fill their buffers.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// What the head of an answer says about it.
pub(crate) struct Remarks {
    ignored: Option<HeaderValue>,
    search: Option<HeaderValue>,
}

impl Remarks {
    /// Reads what there is to say about `answer`.
    ///
    /// `left_out` names a parameter that a dialect has not handed to the engine.
    pub(crate) fn of(answer: &ChatStream, left_out: Option<&str>) -> Self {
        let search = answer.search_note().and_then(searched);
        Self { ignored: ignored(answer.ignored_parameters(), left_out), search }
    }

    /// Puts it into the head of `response`.
    pub(crate) fn on(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.extend(self.ignored.map(|names| (IGNORED, names)));
        headers.extend(self.search.map(|note| (SEARCH, note)));
        response
    }
}

/// Names the parameters that an answer does not go by; none where it goes by all.
///
/// The engine lets plain words pass alone, since some names are the client's own.
fn ignored(parameters: &[String], left_out: Option<&str>) -> Option<HeaderValue> {
    let names = parameters.iter().map(String::as_str);
    let more = left_out.filter(|name| parameters.iter().all(|one| one != name));
    let names: Vec<_> = names.chain(more).collect();
    let listed = HeaderValue::from_str(&names.join(", ")).ok();
    listed.filter(|_| !names.is_empty())
}

/// Says what a search has led to, without the words that were searched for.
fn searched(note: &SearchNote) -> Option<HeaderValue> {
    let text = match note {
        SearchNote::Completed { results, .. } => format!("completed; results={results}"),
        SearchNote::Failed { code, .. } => format!("failed; code={code}"),
        _ => return None,
    };
    HeaderValue::from_str(&text).ok()
}

/// Answers with JSON that is written already.
pub(crate) fn with_json(body: Vec<u8>) -> Response {
    let mut response = Response::from(body);
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}
