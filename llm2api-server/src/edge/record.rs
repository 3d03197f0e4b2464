//! What one request leaves in the log: one line, when its answer has gone out or was given up.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use llm2api_core::Client;
use llm2api_core::chat::TraceContext;
use llm2api_core::chat::trail::Trail;
use llm2api_core::keys::FoundKey;
use llm2api_core::quota::QuotaStanding;
use poem::http::Method;
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
    method: Method,
    start: Instant,
    at_ms: u64,
    route: OnceLock<Arc<str>>,
    caller: OnceLock<FoundKey>,
    /// The engine was asked, and notes here what becomes of that.
    asked: OnceLock<(Client, Trail)>,
    connection: Option<Turns>,
    /// Where it stands in a trace, and whom to tell how it ended.
    trace: OnceLock<(TraceContext, Tracer)>,
    /// Where it is to be written down.
    journal: Option<Journal>,
    notes: Mutex<Notes>,
}

/// What is noted on the way and told at the end. Of what is noted once, the first word counts.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says a thing of its own")]
struct Notes {
    status: Option<u16>,
    failure: Option<Failure>,
    standing: Option<QuotaStanding>,
    /// The model that was asked for, which may be any text of the client's.
    model: Option<String>,
    /// It is a model's name.
    model_is_known: bool,
    tokens: Option<Tokens>,
    streams: bool,
    /// How long the client took to send its body.
    body: Option<Duration>,
    first_content: Option<Duration>,
    overhead: Option<Duration>,
    complete: bool,
    kept: bool,
    /// Whoever calls was let in where not everybody is.
    admitted: bool,
}

impl Record {
    /// Starts the notes and the clock; `connection` knows how it ends, where it breaks off.
    pub(crate) fn new(
        id: impl Into<String>,
        method: Method,
        connection: Option<Turns>,
        journal: Option<Journal>,
    ) -> Self {
        let shared = Shared {
            id: id.into(),
            method,
            start: Instant::now(),
            at_ms: unix_millis(),
            route: OnceLock::new(),
            caller: OnceLock::new(),
            asked: OnceLock::new(),
            connection,
            trace: OnceLock::new(),
            journal,
            notes: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Notes where the request stands in a trace, and whom to tell how it ended.
    pub(crate) fn trace(&self, place: TraceContext, tracer: Tracer) {
        let _ = self.shared.trace.set((place, tracer));
    }

    /// Returns where the request stands in a trace: in one of its own, where nobody has said.
    pub(crate) fn place(&self) -> &TraceContext {
        &self.shared.traced().0
    }

    /// Starts the notes of a request that nobody has sent.
    #[cfg(test)]
    pub(crate) fn of(id: &str) -> Self {
        Self::new(id, Method::POST, None, None)
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
        self.notes().standing.get_or_insert(standing);
    }

    /// Returns what the caller's key has left, where it was asked.
    pub(crate) fn standing(&self) -> Option<QuotaStanding> {
        self.notes().standing
    }

    /// Notes the model that a client asks for, for the operator's eyes only: it may be no model at
    /// all, but a text that the log must not take.
    pub(crate) fn wish(&self, model: &str) {
        let end = model.char_indices().nth(LONGEST_MODEL).map_or(model.len(), |(at, _)| at);
        self.notes().model.get_or_insert_with(|| model[..end].to_owned());
    }

    /// Notes that what was wished for is a model.
    pub(crate) fn know_model(&self) {
        self.notes().model_is_known = true;
    }

    /// Notes the status that is about to be sent, and what the gateway itself took up to here: all
    /// that neither the client's body nor upstreams have taken.
    pub(crate) fn answered(&self, status: u16) {
        let body = {
            let mut notes = self.notes();
            notes.status.get_or_insert(status);
            notes.body.unwrap_or_default()
        };
        let Some((client, trail)) = self.shared.asked.get() else { return };
        let overhead = self.shared.start.elapsed().saturating_sub(body + trail.waits());
        let mut notes = self.notes();
        if notes.overhead.is_none() {
            notes.overhead = Some(overhead);
            client.metrics().overhead(overhead);
        }
    }

    /// Notes that whoever calls was let in where not everybody is.
    pub(crate) fn admit(&self) {
        self.notes().admitted = true;
    }

    /// Notes that the request is a client's, which the journal keeps.
    pub(crate) fn keep(&self) {
        self.notes().kept = true;
    }

    /// Notes that the engine is asked, and returns where it is to note what becomes of that.
    pub(crate) fn ask(&self, client: &Client, streams: bool) -> Trail {
        {
            let mut notes = self.notes();
            notes.kept = true;
            notes.streams |= streams;
        }
        self.shared.asked.get_or_init(|| (client.clone(), Trail::new())).1.clone()
    }

    /// Notes how long the client took to send its body.
    pub(crate) fn body_took(&self, took: Duration) {
        self.notes().body.get_or_insert(took);
    }

    /// Notes that the answer has its first content.
    pub(super) fn first_content(&self) {
        let took = self.shared.start.elapsed();
        self.notes().first_content.get_or_insert(took);
    }

    /// Notes what went wrong; the first fault counts.
    pub(crate) fn fail(&self, failure: Failure) {
        self.notes().failure.get_or_insert(failure);
    }

    /// Notes what a chat took, for its line only; the first figures count.
    pub(super) fn tokens(&self, tokens: Tokens) {
        self.notes().tokens.get_or_insert(tokens);
    }

    /// Returns what the chat took.
    #[cfg(test)]
    pub(super) fn taken(&self) -> Option<Tokens> {
        self.notes().tokens
    }

    /// Notes that the whole answer was handed over.
    pub(crate) fn complete(&self) {
        self.notes().complete = true;
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        // Nothing panics while it holds the lock.
        self.shared.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let notes = self.notes.get_mut().unwrap_or_else(PoisonError::into_inner);
        let notes = std::mem::take(notes);
        let (kept, admitted) = (notes.kept, notes.admitted);
        let entry = self.entry(notes);
        if entry.code.is_none() && entry.route.as_deref().is_some_and(is_quiet) {
            let (request_id, route) = (&*entry.id, entry.route.as_deref());
            debug!(request_id, route, status = entry.status, "answered a probe");
        } else {
            self.tell(&entry, admitted);
        }
        if let Some(journal) = self.journal.as_ref().filter(|_| kept) {
            journal.add(entry);
        }
    }
}

impl Shared {
    fn traced(&self) -> &(TraceContext, Tracer) {
        self.trace.get_or_init(|| (TraceContext::random(), Tracer::default()))
    }

    /// Says how the request went wrong, if it did.
    fn code(&self, notes: &Notes) -> Option<&'static str> {
        let stalled = || self.connection.as_ref().is_some_and(Turns::has_stalled);
        match &notes.failure {
            Some(failure) => Some(failure.code()),
            None if notes.complete => None,
            None if stalled() => Some("client_stalled"),
            None => Some("client_left"),
        }
    }

    /// Writes the line, and leaves the spans for the collector of traces.
    fn tell(&self, entry: &Entry, admitted: bool) {
        let (place, tracer) = self.traced();
        let ended = Ended::new(entry, place, self.asked.get().map(|(client, _)| client));
        ended.write();
        tracer.end(&ended, admitted);
    }

    /// Puts together what is known of the request, once.
    fn entry(&mut self, notes: Notes) -> Entry {
        let trail = self.asked.get().map(|(_, trail)| trail.clone());
        let error = notes.failure.as_ref().and_then(Failure::for_operator).map(ToString::to_string);
        Entry {
            at_ms: self.at_ms,
            method: self.method.clone(),
            route: self.route.take(),
            status: notes.status,
            key: self.caller.get().map(|key| key.id.clone()),
            streams: notes.streams,
            duration: self.start.elapsed(),
            first_content: notes.first_content,
            overhead: notes.overhead,
            tokens: notes.tokens,
            code: self.code(&notes),
            error,
            asked_after: trail.as_ref().map_or(Duration::ZERO, |trail| {
                trail.began().saturating_duration_since(self.start)
            }),
            trail,
            model: notes.model,
            model_is_known: notes.model_is_known,
            id: std::mem::take(&mut self.id),
        }
    }
}

fn is_quiet(route: &str) -> bool {
    matches!(route, "/livez" | "/readyz" | "/healthz" | "/metrics" | "/events" | "/requests")
        || ["/health", "/ui/", "/stats"].iter().any(|start| route.starts_with(start))
}
