//! What a client is told when its request fails, and the envelope that it travels in.

use std::fmt;
use std::time::Duration;

use poem::http::header::{self, HeaderValue};
use poem::http::{HeaderName, StatusCode};
use poem::{Response, error::ResponseError};
use serde::Serialize;

use crate::dialect::Dialect;

/// Few envelopes are larger.
const ENVELOPE: usize = 256;

/// A refusal or a fault as a client is told it over HTTP: status, `error.type`, `error.code` and
/// the rest.
///
/// Whoever calls the engine in the same process makes it from the engine's error, and tells the same.
///
/// # Example
/// ```
/// use llm2api_core::{Error, ErrorKind};
/// use llm2api_server::Failure;
///
/// let failure = Failure::from(Error::new(ErrorKind::RateLimited, "chat", "too many requests"));
/// assert_eq!((failure.status(), failure.kind()), (429, "rate_limit_error"));
/// assert_eq!(failure.retry_after().map(|wait| wait.as_secs()), Some(30));
/// ```
#[derive(Clone, Debug)]
pub struct Failure {
    parts: Box<Parts>,
}

#[derive(Clone, Debug)]
struct Parts {
    status: StatusCode,
    kind: &'static str,
    code: &'static str,
    message: String,
    param: Option<String>,
    retry_after: Option<Duration>,
    header: Option<(HeaderName, &'static str)>,
    close: bool,
    detail: Option<String>,
}

/// Left in a response so that the log line can name the error.
#[derive(Clone, Debug)]
pub(crate) struct Failed(pub(crate) Failure);

#[derive(Serialize)]
struct Envelope<'a> {
    error: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    param: Option<&'a str>,
    code: &'a str,
    request_id: &'a str,
}

impl Failure {
    pub(super) fn new(
        status: StatusCode,
        kind: &'static str,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        let message = message.into();
        let (param, retry_after, header, close, detail) = (None, None, None, false, None);
        Self {
            parts: Box::new(Parts {
                status,
                kind,
                code,
                message,
                param,
                retry_after,
                header,
                close,
                detail,
            }),
        }
    }

    /// Names the request field at fault.
    pub(super) fn with_param(mut self, param: Option<&str>) -> Self {
        self.parts.param = param.map(str::to_owned);
        self
    }

    /// Says when the client may come back.
    pub(super) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.parts.retry_after = wait;
        self
    }

    /// Adds a header that belongs to the status.
    pub(super) fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.parts.header = Some((name, value));
        self
    }

    /// Adds what only the log may know.
    pub(super) fn with_detail(mut self, detail: impl fmt::Display) -> Self {
        self.parts.detail = Some(detail.to_string());
        self
    }

    /// Ends the connection after the answer: the rest of the request is not read.
    pub(super) fn closing(mut self) -> Self {
        self.parts.close = true;
        self
    }

    /// Returns the status of the HTTP answer.
    pub fn status(&self) -> u16 {
        self.parts.status.as_u16()
    }

    /// Returns the group that OpenAI's clients know, such as `invalid_request_error`: `error.type`.
    pub fn kind(&self) -> &'static str {
        self.parts.kind
    }

    /// Returns the code that clients may compare, such as `model_not_found`: `error.code`.
    pub fn code(&self) -> &'static str {
        self.parts.code
    }

    /// Returns the sentence for people: `error.message`.
    pub fn message(&self) -> &str {
        &self.parts.message
    }

    /// Returns the request field at fault, where one is: `error.param`.
    pub fn param(&self) -> Option<&str> {
        self.parts.param.as_deref()
    }

    /// Returns when the client may come back, where that is known, in whole seconds, rounded up as in
    /// the header `Retry-After`: a client that comes back early only fails again.
    pub fn retry_after(&self) -> Option<Duration> {
        let wait = self.parts.retry_after?;
        let rest = u64::from(wait.subsec_nanos() > 0);
        Some(Duration::from_secs(wait.as_secs() + rest))
    }

    /// Returns the body of the HTTP answer, on one line: `{"error": {…}}`.
    pub fn to_json(&self, request_id: &str) -> String {
        let mut json = Vec::with_capacity(ENVELOPE);
        self.write_json(request_id, &mut json);
        String::from_utf8(json).expect("JSON is UTF-8")
    }

    /// Returns what an operator needs to read; none where the client is at fault, since what it
    /// sent may then be quoted.
    pub(crate) fn for_operator(&self) -> Option<&Self> {
        self.parts.status.is_server_error().then_some(self)
    }

    /// Appends the envelope, on one line, to `out`.
    pub(crate) fn write_json(&self, request_id: &str, out: &mut Vec<u8>) {
        let error = Body {
            message: &self.parts.message,
            kind: self.parts.kind,
            param: self.param(),
            code: self.parts.code,
            request_id,
        };
        serde_json::to_writer(out, &Envelope { error })
            .expect("a Vec takes every byte, and the envelope has string keys only");
    }

    /// Makes the HTTP answer.
    pub(crate) fn respond(self, request_id: &str) -> Response {
        self.respond_in(Dialect::OpenAi, request_id)
    }

    /// Makes the HTTP answer, in the envelope of a dialect.
    pub(crate) fn respond_in(self, dialect: Dialect, request_id: &str) -> Response {
        let mut body = Vec::with_capacity(ENVELOPE);
        dialect.write_error(&self, request_id, &mut body);
        let mut response = Response::from((self.parts.status, body));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some((name, value)) = &self.parts.header {
            headers.insert(name.clone(), HeaderValue::from_static(value));
        }
        if let Some(wait) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        if self.parts.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response.set_data(Failed(self));
        response
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.parts.detail.as_deref().unwrap_or(&self.parts.message))
    }
}

impl std::error::Error for Failure {}

impl ResponseError for Failure {
    fn status(&self) -> StatusCode {
        self.parts.status
    }
}
