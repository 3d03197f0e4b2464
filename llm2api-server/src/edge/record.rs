//! What one request leaves in the log: one line, when its answer has gone out or was given up.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use llm2api_core::Client;
use llm2api_core::chat::TraceContext;
use llm2api_core::chat::trail::Trail;
use llm2api_core::keys::FoundKey;
use llm2api_core::quota::QuotaStanding;
use tokio::time::Instant;
use tracing::debug;

use super::ended::Ended;
use super::tokens::Tokens;
use crate::accept::Turns;
use crate::clock::unix_millis;
use crate::journal::{Entry, Journal};
use crate::openai::error::Failure;
use crate::telemetry::Tracer;

/// Nobody reads model names longer than this, and a client must not fill the log.
const LONGEST_MODEL: usize = 128;

/// Notes about one request. Clones share the notes; the last one to go writes the line.
///
/// The line carries ids, sizes and codes, never content and never a secret.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    id: String,
    method: String,
    start: Instant,
    at_ms: u64,
    route: OnceLock<Arc<str>>,
    caller: OnceLock<FoundKey>,
    standing: OnceLock<QuotaStanding>,
    model: OnceLock<String>,
    status: OnceLock<u16>,
    failure: OnceLock<Failure>,
    tokens: OnceLock<Tokens>,
    /// The model that was asked for, which may be any text of the client's.
    wish: OnceLock<String>,
    /// The engine was asked, and notes here what becomes of that.
    asked: OnceLock<(Client, Trail)>,
    streams: OnceLock<()>,
    /// How long the client took to send its body.
    body: OnceLock<Duration>,
    first_content: OnceLock<Duration>,
    overhead: OnceLock<Duration>,
    complete: OnceLock<()>,
    connection: Option<Turns>,
    /// Where it stands in a trace.
    place: OnceLock<TraceContext>,
    tracer: OnceLock<Tracer>,
    /// Where it is to be written down.
    journal: Option<Journal>,
    kept: OnceLock<()>,
    /// Whoever calls was let in where not everybody is.
    admitted: OnceLock<()>,
}

impl Record {
    /// Starts the notes and the clock; `connection` knows how it ends, where it breaks off.
    pub(crate) fn new(
        id: impl Into<String>,
        method: &str,
        connection: Option<Turns>,
        journal: Option<Journal>,
    ) -> Self {
        let shared = Shared {
            id: id.into(),
            method: method.to_owned(),
            start: Instant::now(),
            at_ms: unix_millis(),
            route: OnceLock::new(),
            caller: OnceLock::new(),
            standing: OnceLock::new(),
            model: OnceLock::new(),
            status: OnceLock::new(),
            failure: OnceLock::new(),
            tokens: OnceLock::new(),
            wish: OnceLock::new(),
            asked: OnceLock::new(),
            streams: OnceLock::new(),
            body: OnceLock::new(),
            first_content: OnceLock::new(),
            overhead: OnceLock::new(),
            complete: OnceLock::new(),
            connection,
            place: OnceLock::new(),
            tracer: OnceLock::new(),
            journal,
            kept: OnceLock::new(),
            admitted: OnceLock::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Notes where the request stands in a trace, and whom to tell how it ended.
    pub(crate) fn trace(&self, place: TraceContext, tracer: Tracer) {
        let _ = self.shared.place.set(place);
        let _ = self.shared.tracer.set(tracer);
    }

    /// Returns where the request stands in a trace: in one of its own, where nobody has said.
    pub(crate) fn place(&self) -> &TraceContext {
        self.shared.place.get_or_init(TraceContext::random)
    }

    /// Starts the notes of a request that nobody has sent.
    #[cfg(test)]
    pub(crate) fn of(id: &str) -> Self {
        Self::new(id, "POST", None, None)
    }

    /// Returns the request's id.
    pub(crate) fn id(&self) -> &str {
        &self.shared.id
    }

    /// Notes the row of the route table; only routes are logged, paths are the client's text.
    pub(crate) fn route(&self, route: Arc<str>) {
        let _ = self.shared.route.set(route);
    }

    /// Returns the row of the route table.
    pub(super) fn taken_route(&self) -> Option<Arc<str>> {
        self.shared.route.get().cloned()
    }

    /// Notes whose key was sent.
    pub(crate) fn set_caller(&self, key: FoundKey) {
        let _ = self.shared.caller.set(key);
    }

    /// Returns the key that was sent, if it is one of the store.
    pub(crate) fn caller(&self) -> Option<&FoundKey> {
        self.shared.caller.get()
    }

    /// Notes what the caller's key has left.
    pub(crate) fn set_standing(&self, standing: QuotaStanding) {
        let _ = self.shared.standing.set(standing);
    }

    /// Returns what the caller's key has left, where it was asked.
    pub(crate) fn standing(&self) -> Option<&QuotaStanding> {
        self.shared.standing.get()
    }

    /// Notes the model that was asked for.
    pub(crate) fn model(&self, model: &str) {
        let _ = self.shared.model.set(model.chars().take(LONGEST_MODEL).collect());
    }

    /// Notes the model that a client asks for, for the operator's eyes only: it may be no model at
    /// all, but a text that the log must not take.
    pub(crate) fn wish(&self, model: &str) {
        let _ = self.shared.wish.set(model.chars().take(LONGEST_MODEL).collect());
    }

    /// Notes the status that is about to be sent, and what the gateway itself took up to here: all
    /// that neither the client's body nor upstreams have taken.
    pub(crate) fn answered(&self, status: u16) {
        let _ = self.shared.status.set(status);
        let Some((client, trail)) = self.shared.asked.get() else { return };
        let body = self.shared.body.get().copied().unwrap_or_default();
        let others = body + trail.waits();
        let overhead = self.shared.start.elapsed().saturating_sub(others);
        if self.shared.overhead.set(overhead).is_ok() {
            client.metrics().overhead(overhead);
        }
    }

    /// Notes that whoever calls was let in where not everybody is.
    pub(crate) fn admit(&self) {
        let _ = self.shared.admitted.set(());
    }

    /// Notes that the request is a client's, which the journal keeps.
    pub(crate) fn keep(&self) {
        let _ = self.shared.kept.set(());
    }

    /// Notes that the engine is asked, and returns where it is to note what becomes of that.
    pub(crate) fn ask(&self, client: &Client, streams: bool) -> Trail {
        self.keep();
        if streams {
            let _ = self.shared.streams.set(());
        }
        self.shared.asked.get_or_init(|| (client.clone(), Trail::new())).1.clone()
    }

    /// Notes how long the client took to send its body.
    pub(crate) fn body_took(&self, took: Duration) {
        let _ = self.shared.body.set(took);
    }

    /// Notes that the answer has its first content.
    pub(super) fn first_content(&self) {
        let _ = self.shared.first_content.set(self.shared.start.elapsed());
    }

    /// Notes what went wrong; the first fault counts.
    pub(crate) fn fail(&self, failure: Failure) {
        let _ = self.shared.failure.set(failure);
    }

    /// Notes what a chat took, for its line only; the first figures count.
    pub(super) fn tokens(&self, tokens: Tokens) {
        let _ = self.shared.tokens.set(tokens);
    }

    /// Returns what the chat took.
    #[cfg(test)]
    pub(super) fn taken(&self) -> Option<Tokens> {
        self.shared.tokens.get().copied()
    }

    /// Notes that the whole answer was handed over.
    pub(crate) fn complete(&self) {
        let _ = self.shared.complete.set(());
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let code = match (self.failure.get(), self.complete.get()) {
            (Some(failure), _) => Some(failure.code()),
            (None, Some(())) => None,
            (None, None) if self.stalled() => Some("client_stalled"),
            (None, None) => Some("client_left"),
        };
        let entry = self.entry(code);
        let quiet = code.is_none() && self.route.get().is_some_and(|route| is_quiet(route));
        if quiet {
            let route = self.route.get().map(AsRef::<str>::as_ref);
            debug!(request_id = self.id, route, status = self.status.get(), "answered a probe");
        } else {
            self.tell(&entry);
        }
        if let (Some(journal), Some(())) = (&self.journal, self.kept.get()) {
            journal.add(entry);
        }
    }
}

impl Shared {
    fn stalled(&self) -> bool {
        self.connection.as_ref().is_some_and(Turns::has_stalled)
    }

    /// Writes the line, and leaves the spans for the collector of traces.
    fn tell(&self, entry: &Entry) {
        let place = self.place.get_or_init(TraceContext::random);
        let ended = Ended::new(entry, place, self.asked.get().map(|(client, _)| client));
        ended.write();
        if let Some(tracer) = self.tracer.get() {
            tracer.end(&ended, self.admitted.get().is_some());
        }
    }

    /// Puts together what is known of the request.
    fn entry(&self, code: Option<&str>) -> Entry {
        Entry {
            id: self.id.clone(),
            at_ms: self.at_ms,
            method: self.method.clone(),
            route: self.route.get().cloned(),
            status: self.status.get().copied(),
            model: self.wish.get().or(self.model.get()).cloned(),
            model_is_known: self.model.get().is_some(),
            key: self.caller.get().map(|key| key.id.clone()),
            streams: self.streams.get().is_some(),
            duration: self.start.elapsed(),
            first_content: self.first_content.get().copied(),
            overhead: self.overhead.get().copied(),
            tokens: self.tokens.get().copied(),
            code: code.map(str::to_owned),
            error: self.failure.get().and_then(Failure::for_operator).map(ToString::to_string),
            asked_after: self.asked.get().map_or(Duration::ZERO, |(_, trail)| {
                trail.began().saturating_duration_since(self.start)
            }),
            trail: self.asked.get().map(|(_, trail)| trail.clone()),
        }
    }
}

fn is_quiet(route: &str) -> bool {
    matches!(route, "/livez" | "/readyz" | "/healthz" | "/metrics" | "/events" | "/requests")
        || ["/health", "/ui/", "/stats"].iter().any(|start| route.starts_with(start))
}
