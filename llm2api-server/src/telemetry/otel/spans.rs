//! From a request that has ended to its spans: one for the request, and one for each attempt.
//!
//! Names follow OpenTelemetry's semantic conventions for HTTP and for generative AI; what these do
//! not know begins with `llm2api.`. Ids, sizes and codes are told, never content and never a secret.

use std::time::{Duration, SystemTime};

use llm2api_core::chat::TraceContext;
use llm2api_core::chat::trail::{Step, StepEnd};
use opentelemetry::trace::{
    Event, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use crate::edge::Ended;
use crate::journal::Entry;

/// Methods that may stand in a span; any other word is the client's text.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];

/// Makes the spans of a request, its own first.
pub(super) fn spans(request: &Ended<'_>) -> Vec<SpanData> {
    let (now, scope) = (SystemTime::now(), scope());
    let asked = request.entry.trail.as_ref();
    let asked = asked.map_or(now, |trail| before(now, trail.began().elapsed()));
    let attempts =
        request.steps.iter().filter_map(|step| attempt(request, step, asked, now, &scope));
    std::iter::once(whole(request, now, &scope)).chain(attempts).collect()
}

/// A point of time so long before another.
fn before(now: SystemTime, time: Duration) -> SystemTime {
    now.checked_sub(time).unwrap_or(now)
}

/// The span of the request.
fn whole(request: &Ended<'_>, now: SystemTime, scope: &InstrumentationScope) -> SpanData {
    let entry = request.entry;
    let method = METHODS.into_iter().find(|method| *method == entry.method.as_str());
    let route = entry.route.as_deref();
    let name = [Some(method.unwrap_or("HTTP")), route].into_iter().flatten().collect::<Vec<_>>();
    let mut attributes = Attributes::default();
    attributes.set("http.request.method", Some(method.unwrap_or("_OTHER")));
    attributes.set("url.scheme", Some("http"));
    attributes.text("http.route", route);
    // What fits a pattern is the client's text; else the path is the route.
    attributes.text("url.path", route.filter(|route| !route.contains('*')));
    attributes.set("http.response.status_code", entry.status.map(i64::from));
    attributes.text("error.type", entry.code);
    attributes.text("llm2api.request.id", Some(&entry.id));
    attributes.text("llm2api.key.id", entry.key.as_deref());
    attributes.chat(request);
    let times = (before(now, entry.duration), now);
    SpanData {
        status: status_of(entry),
        attributes: attributes.0,
        ..span(request.place, name.join(" "), SpanKind::Server, times, scope)
    }
}

/// A request has failed where it was our fault, or where its answer broke off. Who leaves, and who
/// is refused, is no fault of ours.
fn status_of(entry: &Entry) -> Status {
    let refused = entry.status.is_some_and(|status| (400..500).contains(&status));
    match entry.code {
        Some(code) if !refused && code != "client_left" => Status::error(code.to_owned()),
        _ => Status::Unset,
    }
}

/// The span of an attempt; none where the call was in no trace.
fn attempt(
    request: &Ended<'_>,
    step: &Step,
    asked: SystemTime,
    now: SystemTime,
    scope: &InstrumentationScope,
) -> Option<SpanData> {
    let place = step.trace.as_ref()?;
    let ended = step.ended.map_or(now, |ended| asked + ended);
    let mut attributes = Attributes::default();
    attributes.set("gen_ai.operation.name", Some("chat"));
    attributes.text("gen_ai.provider.name", Some(&step.upstream));
    // The model of an attempt may be the client's text as well.
    let model = request.model().map(|_| &*step.model);
    attributes.text("gen_ai.request.model", model);
    attributes.text("llm2api.upstream.name", Some(&step.upstream));
    attributes.text("llm2api.credential.id", Some(&step.credential));
    attributes.set("llm2api.credential.label", Some(request.account(step)));
    attributes.set("llm2api.attempt.aside", Some(step.aside));
    let mut status = Status::Unset;
    attributes.set("llm2api.attempt.result", Some(step.end.as_str()));
    if let StepEnd::Failed(failure) = &step.end {
        attributes.text("error.type", Some(&failure.code));
        attributes.set("http.response.status_code", failure.status.map(i64::from));
        status = Status::error(failure.code.clone());
    }
    let name = model.map_or_else(|| "chat".to_owned(), |model| format!("chat {model}"));
    let mut events = SpanEvents::default();
    let first = step.first_content.map(|first| asked + first);
    let first = first.map(|first| Event::new("first_content", first, Vec::new(), 0));
    events.events.extend(first);
    let span = span(place, name, SpanKind::Client, (asked + step.at, ended), scope);
    Some(SpanData { status, events, attributes: attributes.0, ..span })
}

/// A span that says nothing yet but where it stands, and when it was.
fn span(
    place: &TraceContext,
    name: String,
    kind: SpanKind,
    (start_time, end_time): (SystemTime, SystemTime),
    scope: &InstrumentationScope,
) -> SpanData {
    let flags = TraceFlags::default().with_sampled(place.is_sampled());
    let state: TraceState = place.state().and_then(|state| state.parse().ok()).unwrap_or_default();
    let trace = TraceId::from_bytes(place.trace_id());
    let own = SpanId::from_bytes(place.span_id());
    SpanData {
        span_context: SpanContext::new(trace, own, flags, false, state),
        parent_span_id: place.parent_id().map_or(SpanId::INVALID, SpanId::from_bytes),
        parent_span_is_remote: kind == SpanKind::Server && place.parent_id().is_some(),
        span_kind: kind,
        name: name.into(),
        start_time,
        end_time,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope.clone(),
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("llm2api").with_version(env!("CARGO_PKG_VERSION")).build()
}

/// A span that says nothing.
#[cfg(test)]
pub(super) fn empty(place: &TraceContext) -> SpanData {
    let now = SystemTime::now();
    span(place, String::new(), SpanKind::Internal, (now, now), &scope())
}

/// Attributes under construction; what is not known is left out.
#[derive(Default)]
struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn set(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        self.0.extend(value.map(|value| KeyValue::new(name, value)));
    }

    fn text(&mut self, name: &'static str, text: Option<&str>) {
        self.set(name, text.map(str::to_owned));
    }

    /// Says what a chat was about, where the request was one.
    fn chat(&mut self, request: &Ended<'_>) {
        let Some(last) = request.attempts().next_back() else { return };
        self.set("gen_ai.operation.name", Some("chat"));
        self.text("gen_ai.provider.name", Some(&last.upstream));
        self.text("gen_ai.request.model", request.model());
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let tokens = request.entry.tokens;
        self.set("gen_ai.usage.input_tokens", tokens.map(|tokens| count(tokens.prompt)));
        self.set("gen_ai.usage.output_tokens", tokens.map(|tokens| count(tokens.completion)));
        self.set("llm2api.usage.estimated", tokens.map(|tokens| tokens.estimated));
        self.set("llm2api.attempts", Some(count(request.attempts().count() as u64)));
    }
}
