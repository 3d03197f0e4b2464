//! From an upstream's kind to the upstream: the one list of kinds.

use std::sync::Arc;

use super::{SharedConversations, SharedOutbox, Upstream, demo};
use crate::credential::{Credential, Secret};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;

/// How to reach one upstream, and as whom.
///
/// # Example
/// ```
/// use llm2api_core::UpstreamConfig;
///
/// let upstream = UpstreamConfig::new("openai", "local")
///     .with_url("http://127.0.0.1:8080/v1")
///     .with_credential("sk-123");
/// assert!(!format!("{upstream:?}").contains("sk-123"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpstreamConfig {
    /// `chat-ui`, `openai`, `open-webui` or `demo`.
    pub kind: String,
    /// The name that requests, logs and the model list use; without a slash.
    pub name: String,
    /// Base URL, base path included; the demo needs none.
    pub url: Option<String>,
    /// Cookie sets or bare values; none means one anonymous credential.
    pub credentials: Vec<Secret>,
    /// Calls at the same time with one credential; the engine's limit where absent.
    pub max_concurrency: Option<u32>,
    /// Calls that may begin in any minute with one credential; the pool's figure where absent.
    pub requests_per_minute: Option<u32>,
    /// Takes models that no upstream lists.
    pub any_model: bool,
    /// Is told the trace that a call belongs to.
    pub trace_context: bool,
}

impl UpstreamConfig {
    /// Names an upstream of a kind.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
            url: None,
            credentials: Vec::new(),
            max_concurrency: None,
            requests_per_minute: None,
            any_model: false,
            trace_context: false,
        }
    }

    /// Sets the base URL, base path included.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Adds a credential: a `name=value; …` cookie set or a bare value.
    #[must_use]
    pub fn with_credential(mut self, secret: impl Into<Secret>) -> Self {
        self.credentials.push(secret.into());
        self
    }

    /// Sets how many calls one credential may carry at the same time; 4 by default.
    #[must_use]
    pub fn with_max_concurrency(mut self, calls: u32) -> Self {
        self.max_concurrency = Some(calls);
        self
    }

    /// Sets how many calls may begin in any minute with one credential; 0 for no limit.
    #[must_use]
    pub fn with_requests_per_minute(mut self, calls: u32) -> Self {
        self.requests_per_minute = Some(calls);
        self
    }

    /// Lets this upstream take models that no upstream lists; off by default.
    #[must_use]
    pub fn with_any_model(mut self, any: bool) -> Self {
        self.any_model = any;
        self
    }

    /// Sends the headers `traceparent` and `tracestate` with calls that belong to a trace; off by
    /// default. Whoever gets them can tell which calls belong together.
    #[must_use]
    pub fn with_trace_context(mut self, sent: bool) -> Self {
        self.trace_context = sent;
        self
    }

    /// Reads the credentials.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] with code `invalid_cookie`.
    pub fn read_credentials(&self) -> Result<Vec<Credential>> {
        let read = |secret: &Secret| {
            Credential::parse(self.name.as_str(), secret.expose())
                .map_err(|error| error.with_context("upstream", &self.name))
        };
        self.credentials.iter().map(read).collect()
    }

    #[cfg(any(feature = "chat-ui", feature = "openai"))]
    pub(super) fn base_url(&self) -> Result<super::url::BaseUrl> {
        let url = self.url.as_deref().ok_or_else(|| {
            let message = format!("upstream `{}` of kind `{}` needs a URL", self.name, self.kind);
            Error::new(ErrorKind::Configuration, "build upstream", message)
        })?;
        super::url::BaseUrl::parse(url).map_err(|error| error.with_context("upstream", &self.name))
    }
}

/// Builds the upstream of a configuration. A new upstream is a folder and a line here.
///
/// # Errors
/// [`ErrorKind::Configuration`] for an unknown kind, a bad name or a bad URL.
pub fn build(
    config: &UpstreamConfig,
    limits: &Limits,
    outbox: &SharedOutbox,
    conversations: &SharedConversations,
) -> Result<Arc<dyn Upstream>> {
    check_name(&config.name)?;
    let _ = (limits, outbox, conversations);
    match config.kind.as_str() {
        #[cfg(feature = "chat-ui")]
        "chat-ui" => {
            let (outbox, conversations) = (outbox.clone(), conversations.clone());
            Ok(Arc::new(super::chat_ui::ChatUi::new(config, limits, outbox, conversations)?))
        }
        #[cfg(feature = "openai")]
        "openai" => Ok(Arc::new(super::openai::OpenAi::new(config, limits)?)),
        #[cfg(feature = "openai")]
        "open-webui" => Ok(Arc::new(super::openai::OpenAi::open_webui(config, limits)?)),
        "demo" => Ok(Arc::new(demo::Demo::new(&config.name))),
        kind => {
            let message =
                format!("unknown upstream kind `{kind}`: use chat-ui, openai, open-webui or demo");
            Err(Error::new(ErrorKind::Configuration, "build upstream", message))
        }
    }
}

fn check_name(name: &str) -> Result<()> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(fits) {
        return Ok(());
    }
    let message = format!("upstream name `{name:.64}` does not fit: use letters, digits, - _ .");
    Err(Error::new(ErrorKind::Configuration, "build upstream", message))
}
