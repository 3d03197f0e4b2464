//! One error for the whole crate: a kind, the operation that failed, and what to do next.

mod kind;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

pub use kind::{ErrorKind, Evidence, Same, Verdict};

/// The crate's result type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The codes of what took longer than we allow, one for each setting.
pub(crate) const TOTAL_TIMEOUT: &str = "total_timeout";
pub(crate) const CONNECT_TIMEOUT: &str = "connect_timeout";
pub(crate) const FIRST_CONTENT_TIMEOUT: &str = "first_content_timeout";
#[cfg(feature = "http")]
pub(crate) const RESPONSE_TIMEOUT: &str = "response_timeout";
pub(crate) const LIVENESS_TIMEOUT: &str = "upstream_silent";
pub(crate) const PROGRESS_TIMEOUT: &str = "upstream_stalled";

type Source = Box<dyn StdError + Send + Sync>;

/// Why a call failed.
///
/// An error is born where the fault is seen, with a [kind](ErrorKind) and the operation that was
/// under way, and gains context on its way up. `Display` is one line without the source, without a
/// secret and without a body; the source is reached through [`std::error::Error::source`].
///
/// # Example
/// ```
/// use llm2api_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::RateLimited, "chat", "the upstream asks to slow down")
///     .with_status(429)
///     .with_context("upstream", "team-chat");
/// assert_eq!(
///     error.to_string(),
///     "chat: the upstream asks to slow down (status: 429, upstream: team-chat)"
/// );
/// assert!(error.is_retryable());
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    message: String,
    code: Option<&'static str>,
    param: Option<String>,
    status: Option<u16>,
    retry_after: Option<Duration>,
    exhausted: bool,
    context: Vec<(&'static str, String)>,
    source: Option<Source>,
}

impl Error {
    /// Makes an error of `kind`, raised while `operation` was under way.
    ///
    /// The message is one sentence in lower case without a full stop that says what to do where
    /// that is known. It must not contain a secret or a piece of a body.
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                operation,
                message: message.into(),
                code: None,
                param: None,
                status: None,
                retry_after: None,
                exhausted: false,
                context: Vec::new(),
                source: None,
            }),
        }
    }

    /// Replaces the kind's own code by a more exact one, such as `context_length_exceeded`.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.inner.code = Some(code);
        self
    }

    /// Names the request field at fault, as in `messages[0].role`.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.inner.param = Some(param.into());
        self
    }

    /// Notes the HTTP status that the upstream gave.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.inner.status = Some(status);
        self
    }

    /// Notes how long the upstream, or our pool, asks to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: impl Into<Option<Duration>>) -> Self {
        self.inner.retry_after = wait.into();
        self
    }

    /// Adds a pair that is shown in the message, such as the upstream's name.
    #[must_use]
    pub fn with_context(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.inner.context.push((name, value.to_string()));
        self
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Marks that every attempt allowed was made: no layer may try again.
    #[must_use]
    pub fn into_exhausted(mut self) -> Self {
        self.exhaust();
        self
    }

    /// Marks that every attempt allowed was made: no layer may try again.
    pub fn exhaust(&mut self) {
        self.inner.exhausted = true;
    }

    /// Replaces the kind, by a layer that knows more than the place of birth did.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.inner.kind = kind;
        self
    }

    /// Returns what went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns the operation that failed, such as `chat` or `models`.
    pub fn operation(&self) -> &'static str {
        self.inner.operation
    }

    /// Returns the sentence for people, without context and source.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Returns the stable code that clients may compare, such as `upstream_incomplete`.
    pub fn code(&self) -> &'static str {
        self.inner.code.unwrap_or_else(|| self.inner.kind.code())
    }

    /// Returns the request field at fault, if one is.
    pub fn param(&self) -> Option<&str> {
        self.inner.param.as_deref()
    }

    /// Returns the HTTP status that the upstream gave, if it gave one.
    pub fn status(&self) -> Option<u16> {
        self.inner.status
    }

    /// Returns how long to wait before the next try, if that was said.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Says whether a layer may make another attempt: the kind allows one, and attempts are left.
    /// What a client returns is always exhausted.
    pub fn is_retryable(&self) -> bool {
        !self.inner.exhausted && self.inner.kind.verdict().is_retryable()
    }

    /// Says whether the upstream took too long: to be reached, to begin, or to go on.
    pub fn is_timeout(&self) -> bool {
        let late = [CONNECT_TIMEOUT, LIVENESS_TIMEOUT, PROGRESS_TIMEOUT, TOTAL_TIMEOUT];
        self.inner.kind == ErrorKind::Timeout || late.contains(&self.code())
    }

    /// Returns the same error for another caller, without its source.
    pub(crate) fn copy(&self) -> Self {
        let Inner { kind, operation, code, status, retry_after, exhausted, .. } = *self.inner;
        let (message, param) = (self.inner.message.clone(), self.inner.param.clone());
        let (context, source) = (self.inner.context.clone(), None);
        let inner = Inner {
            kind,
            operation,
            message,
            code,
            param,
            status,
            retry_after,
            exhausted,
            context,
            source,
        };
        Self { inner: Box::new(inner) }
    }

    /// Says whether a limit of our own has ended the call, which says nothing about an upstream.
    pub(crate) fn is_own_limit(&self) -> bool {
        self.code() == TOTAL_TIMEOUT
    }

    /// Says whether all attempts allowed were made.
    pub fn is_exhausted(&self) -> bool {
        self.inner.exhausted
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.inner.operation, self.inner.message)?;
        let mut lead = " (";
        if let Some(status) = self.inner.status {
            write!(f, "{lead}status: {status}")?;
            lead = ", ";
        }
        for (name, value) in &self.inner.context {
            write!(f, "{lead}{name}: {value}")?;
            lead = ", ";
        }
        if lead == ", " { f.write_str(")") } else { Ok(()) }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("operation", &self.inner.operation)
            .field("message", &self.inner.message)
            .field("status", &self.inner.status)
            .field("retry_after", &self.inner.retry_after)
            .field("context", &self.inner.context)
            .field("source", &self.inner.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as _)
    }
}
