//! What one request leaves in the log: one line, when its answer has gone out or was given up.

use std::sync::{Arc, OnceLock};

use llm2api_core::keys::FoundKey;
use llm2api_core::quota::QuotaStanding;
use tokio::time::Instant;
use tracing::{debug, info};

use super::tokens::Tokens;
use crate::accept::Turns;
use crate::openai::error::Failure;

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
    route: OnceLock<Arc<str>>,
    caller: OnceLock<FoundKey>,
    standing: OnceLock<QuotaStanding>,
    model: OnceLock<String>,
    status: OnceLock<u16>,
    failure: OnceLock<Failure>,
    tokens: OnceLock<Tokens>,
    complete: OnceLock<()>,
    connection: Option<Turns>,
}

impl Record {
    /// Starts the notes and the clock; `connection` knows how it ends, where it breaks off.
    pub(crate) fn new(id: impl Into<String>, method: &str, connection: Option<Turns>) -> Self {
        let shared = Shared {
            id: id.into(),
            method: method.to_owned(),
            start: Instant::now(),
            route: OnceLock::new(),
            caller: OnceLock::new(),
            standing: OnceLock::new(),
            model: OnceLock::new(),
            status: OnceLock::new(),
            failure: OnceLock::new(),
            tokens: OnceLock::new(),
            complete: OnceLock::new(),
            connection,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the request's id.
    pub(crate) fn id(&self) -> &str {
        &self.shared.id
    }

    /// Notes the row of the route table; only routes are logged, paths are the client's text.
    pub(crate) fn route(&self, route: Arc<str>) {
        let _ = self.shared.route.set(route);
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

    /// Notes the status that was sent.
    pub(crate) fn status(&self, status: u16) {
        let _ = self.shared.status.set(status);
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
        let quiet = code.is_none() && self.route.get().is_some_and(|route| is_quiet(route));
        if quiet { self.write_quiet() } else { self.write(code) }
    }
}

impl Shared {
    fn stalled(&self) -> bool {
        self.connection.as_ref().is_some_and(Turns::has_stalled)
    }

    fn write(&self, code: Option<&str>) {
        let tokens = self.tokens.get();
        info!(
            request_id = self.id,
            method = self.method,
            route = self.route.get().map(AsRef::<str>::as_ref),
            status = self.status.get(),
            duration_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX),
            key = self.caller.get().map(|key| &*key.id),
            model = self.model.get().map(String::as_str),
            prompt_tokens = tokens.map(|tokens| tokens.prompt),
            completion_tokens = tokens.map(|tokens| tokens.completion),
            tokens_estimated = tokens.map(|tokens| tokens.estimated),
            code,
            error = self.failure.get().and_then(Failure::for_operator).map(tracing::field::display),
            "answered a request"
        );
    }

    fn write_quiet(&self) {
        debug!(request_id = self.id, status = self.status.get(), "answered a health check");
    }
}

fn is_quiet(route: &str) -> bool {
    matches!(route, "/livez" | "/readyz" | "/healthz") || route.starts_with("/health")
}
