//! The only table of status codes.

use std::fmt;
use std::time::Duration;

use llm2api_core::quota::{Exceeded, QuotaRefusal};
use llm2api_core::{Error, ErrorKind};
use poem::http::{StatusCode, header};

pub(crate) use super::failure::Failed;
pub use super::failure::Failure;

const REQUEST: &str = "invalid_request_error";
const SERVER: &str = "server_error";
const RATE: &str = "rate_limit_error";
const QUOTA: &str = "insufficient_quota";

/// Clients that are told to slow down without a time get this one.
const WAIT: Duration = Duration::from_secs(30);
/// A place in a full pool can come free at any moment.
const SHORT_WAIT: Duration = Duration::from_secs(1);
/// The authority is asked again so often.
const AUTH_WAIT: Duration = Duration::from_secs(10);

/// Whose limit is reached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose {
    /// That of the caller's key.
    Key,
    /// That of all callers together.
    Installation,
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "this API key",
            Self::Installation => "this server",
        })
    }
}

/// The status and the `error.type` of each kind of error of the engine.
///
/// The upstream's own 5xx keep their status, and so do 404 and 422 of a refused request. A dead or
/// missing credential is ours to mend and never 401: that would tell the caller that *his* key is
/// wrong. An upstream that cannot be reached is 502: this server works, what is behind it does not.
fn row(kind: ErrorKind, upstream: Option<u16>) -> (StatusCode, &'static str) {
    match kind {
        ErrorKind::InvalidRequest => (kept(upstream, &[404, 409, 422]), REQUEST),
        ErrorKind::Unsupported => (StatusCode::BAD_REQUEST, REQUEST),
        ErrorKind::ModelNotFound => (StatusCode::NOT_FOUND, REQUEST),
        ErrorKind::RequestTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, REQUEST),
        ErrorKind::Connect
        | ErrorKind::ConnectionReset
        | ErrorKind::UpstreamProtocol
        | ErrorKind::UpstreamIncomplete
        | ErrorKind::AnswerInvalid => (StatusCode::BAD_GATEWAY, SERVER),
        ErrorKind::CredentialRejected
        | ErrorKind::CredentialForbidden
        | ErrorKind::NoCredential => (StatusCode::SERVICE_UNAVAILABLE, SERVER),
        ErrorKind::QuotaExhausted => (StatusCode::TOO_MANY_REQUESTS, QUOTA),
        ErrorKind::RateLimited | ErrorKind::PoolExhausted => (StatusCode::TOO_MANY_REQUESTS, RATE),
        ErrorKind::UpstreamFailed => (failed(upstream), SERVER),
        ErrorKind::UpstreamBusy | ErrorKind::AuthUnverified | ErrorKind::Store => {
            (StatusCode::SERVICE_UNAVAILABLE, SERVER)
        }
        ErrorKind::Timeout => (StatusCode::GATEWAY_TIMEOUT, SERVER),
        ErrorKind::AuthInvalid => (StatusCode::FORBIDDEN, REQUEST),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, SERVER),
    }
}

fn kept(upstream: Option<u16>, keep: &[u16]) -> StatusCode {
    let status = upstream.filter(|status| keep.contains(status));
    status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::BAD_REQUEST)
}

fn failed(upstream: Option<u16>) -> StatusCode {
    let status = upstream.filter(|status| (500..600).contains(status));
    status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::BAD_GATEWAY)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (status, kind) = match error.is_timeout() {
            true => (StatusCode::GATEWAY_TIMEOUT, SERVER),
            false => row(error.kind(), error.status()),
        };
        let wait = match error.kind() {
            ErrorKind::RateLimited => Some(WAIT),
            ErrorKind::PoolExhausted => Some(SHORT_WAIT),
            ErrorKind::AuthUnverified => Some(AUTH_WAIT),
            _ => None,
        };
        Self::new(status, kind, error.code(), error.message())
            .with_param(error.param())
            .with_retry_after(error.retry_after().or(wait))
            .with_detail(error)
    }
}

/// What goes wrong before the engine is asked.
impl Failure {
    pub(crate) fn no_key() -> Self {
        let message = "no API key was sent: send the header `Authorization: Bearer YOUR_KEY`";
        Self::unauthorized(message)
    }

    pub(crate) fn wrong_key() -> Self {
        let message = "the API key is wrong: send a valid one in the header \
                       `Authorization: Bearer YOUR_KEY`";
        Self::unauthorized(message)
    }

    pub(crate) fn key_revoked() -> Self {
        let message = "the API key was revoked: ask the operator for another";
        Self::stopped("api_key_revoked", message)
    }

    pub(crate) fn key_expired() -> Self {
        let message = "the API key has expired, or was replaced: ask the operator for the new one";
        Self::stopped("api_key_expired", message)
    }

    fn unauthorized(message: &str) -> Self {
        Self::stopped("invalid_api_key", message)
    }

    fn stopped(code: &'static str, message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, REQUEST, code, message)
            .with_header(header::WWW_AUTHENTICATE, "Bearer")
    }

    pub(crate) fn model_not_allowed() -> Self {
        let message = "this API key may not ask for that model: GET /v1/models lists those it may";
        Self::new(StatusCode::FORBIDDEN, REQUEST, "model_not_allowed", message)
            .with_param(Some("model"))
    }

    pub(crate) fn no_admin_key() -> Self {
        let message = "no admin key was sent: send the header `Authorization: Bearer ADMIN_KEY`, \
                       or sign in at /cookie";
        Self::unknown_operator(message)
    }

    pub(crate) fn no_authority_key() -> Self {
        let message = "no admin key was sent: send the header `Authorization: Bearer ADMIN_KEY`, \
                       with the key of this authority";
        Self::unknown_operator(message)
    }

    pub(crate) fn wrong_admin_key() -> Self {
        Self::unknown_operator("the admin key is wrong: the server's first lines say where it is")
    }

    fn unknown_operator(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, REQUEST, "invalid_admin_key", message)
            .with_header(header::WWW_AUTHENTICATE, "Bearer")
    }

    pub(crate) fn admin_key_only() -> Self {
        let message = "a session is not enough for secrets: send the header \
                       `Authorization: Bearer ADMIN_KEY`";
        Self::new(StatusCode::FORBIDDEN, REQUEST, "admin_key_required", message)
    }

    pub(crate) fn host_not_allowed() -> Self {
        let message = "this server is not known by that name: add the `Host` that you call it by \
                       to ALLOWED_HOSTS";
        Self::new(StatusCode::FORBIDDEN, REQUEST, "host_not_allowed", message)
    }

    pub(crate) fn cross_site() -> Self {
        let message = "the request does not come from a page of this server; a proxy in between \
                       has to pass on `Host` and set `X-Forwarded-Proto`";
        Self::new(StatusCode::FORBIDDEN, REQUEST, "cross_site_request", message)
    }

    /// Tells which limit of whose is reached, and when to come back.
    pub(crate) fn over_quota(refusal: &QuotaRefusal, whose: Whose) -> Self {
        let (kind, code, what) = match refusal.which {
            Exceeded::Requests => {
                (RATE, "rate_limit_exceeded", "has begun all requests that it may in a minute")
            }
            Exceeded::Tokens => {
                (QUOTA, "insufficient_quota", "has used up its tokens of the day, until 0:00 UTC")
            }
            Exceeded::Concurrency => {
                (RATE, "concurrency_limit_exceeded", "has as many requests at work as it may")
            }
        };
        let message = format!("{whose} {what}: wait as long as `Retry-After` says");
        Self::new(StatusCode::TOO_MANY_REQUESTS, kind, code, message)
            .with_retry_after(Some(refusal.retry_after.max(SHORT_WAIT)))
    }

    pub(crate) fn invalid_json(message: &str, param: Option<&str>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, REQUEST, "invalid_json", message).with_param(param)
    }

    pub(crate) fn invalid_value(param: &str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, REQUEST, "invalid_value", message)
            .with_param(Some(param))
    }

    pub(crate) fn missing(path: &str, name: &str) -> Self {
        let path = format!("{path}.{name}");
        Self::invalid_value(&path, &format!("`{path}` is missing: add it"))
    }

    pub(crate) fn unsupported(param: &str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, REQUEST, "unsupported", message).with_param(Some(param))
    }

    pub(crate) fn no_such_request() -> Self {
        let message = "this server does not know the request: it keeps its last 1000, and other \
                       servers keep their own";
        Self::new(StatusCode::NOT_FOUND, REQUEST, "request_not_found", message)
            .with_param(Some("id"))
    }

    pub(crate) fn too_many_streams() -> Self {
        let message = "as many streams of events are open as may be: close a dashboard that is \
                       open elsewhere, or ask GET /stats";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, SERVER, "too_many_streams", message)
            .with_retry_after(Some(SHORT_WAIT))
    }

    pub(crate) fn unfinished() -> Self {
        let message = "the upstream's answer ended without saying that it is whole";
        Self::new(StatusCode::BAD_GATEWAY, SERVER, "upstream_incomplete", message)
    }

    pub(crate) fn no_such_page(param: &str) -> Self {
        let message = "no account has this id any more: begin again without it";
        Self::new(StatusCode::BAD_REQUEST, REQUEST, "cookie_not_found", message)
            .with_param(Some(param))
    }

    pub(crate) fn no_such_key_page(param: &str) -> Self {
        let message = "no key has this id: begin again without it";
        Self::new(StatusCode::BAD_REQUEST, REQUEST, "key_not_found", message)
            .with_param(Some(param))
    }

    pub(crate) fn no_such_code(param: &str) -> Self {
        let message = "no code has this id: take it from the list of codes";
        Self::new(StatusCode::BAD_REQUEST, REQUEST, "code_not_found", message)
            .with_param(Some(param))
    }

    pub(crate) fn too_many_codes(wait: Duration) -> Self {
        let message = "too many wrong codes came from this address: wait, and copy the code whole";
        Self::new(StatusCode::TOO_MANY_REQUESTS, RATE, "rate_limit_exceeded", message)
            .with_retry_after(Some(wait))
    }

    pub(crate) fn no_such_path() -> Self {
        let message = "no such path: installations ask at /auth/check, holders at /";
        Self::new(StatusCode::NOT_FOUND, REQUEST, "unknown_path", message)
    }

    pub(crate) fn only_figures() -> Self {
        let message = "no such path: this address has /metrics and /livez, and no others";
        Self::new(StatusCode::NOT_FOUND, REQUEST, "unknown_path", message)
    }

    pub(crate) fn foreign_domain(domain: &str) -> Self {
        let message = format!(
            "no upstream is at `{domain}`: name the `upstream` to send it these cookies all the same"
        );
        Self::new(StatusCode::BAD_REQUEST, REQUEST, "unknown_domain", message)
    }

    pub(crate) fn unknown_path() -> Self {
        let message = "no such path: the client paths end in /v1/chat/completions and /v1/models";
        Self::new(StatusCode::NOT_FOUND, REQUEST, "unknown_path", message)
    }

    pub(crate) fn no_search() -> Self {
        let message = "this server cannot search the web: set SEARXNG_URL to have it do so, or ask \
                       /v1/chat/completions, without search";
        Self::new(StatusCode::NOT_FOUND, REQUEST, "web_search_not_configured", message)
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let message = format!("this path takes {allow} only");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, REQUEST, "method_not_allowed", message)
            .with_header(header::ALLOW, allow)
    }

    pub(crate) fn bad_host() -> Self {
        let message = "the request needs exactly one `Host` header";
        Self::new(StatusCode::BAD_REQUEST, REQUEST, "invalid_host", message).closing()
    }

    pub(crate) fn bad_framing() -> Self {
        let message = "the request is framed in a way that is not read: send a `Content-Length`, \
                       or `Transfer-Encoding: chunked` alone";
        Self::new(StatusCode::BAD_REQUEST, REQUEST, "invalid_framing", message).closing()
    }

    pub(crate) fn bad_head(status: StatusCode) -> Self {
        let (code, message) = match status {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE | StatusCode::URI_TOO_LONG => {
                let message = "the head of the request has more than 100 fields, or more bytes \
                               than the server reads: send less";
                ("request_head_too_large", message)
            }
            _ => ("invalid_request_head", "the head of the request is no HTTP that can be read"),
        };
        Self::new(status, REQUEST, code, message).closing()
    }

    pub(crate) fn body_too_large(limit: usize) -> Self {
        let message = format!("the request body is larger than {limit} bytes: send a smaller one");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, REQUEST, "request_too_large", message).closing()
    }

    pub(crate) fn body_stalled() -> Self {
        let message = "the request body stopped coming: send it without long pauses";
        Self::new(StatusCode::REQUEST_TIMEOUT, REQUEST, "request_timeout", message).closing()
    }

    pub(crate) fn body_broken() -> Self {
        let message = "the request body broke off or is not framed as its head says";
        Self::new(StatusCode::BAD_REQUEST, REQUEST, "invalid_body", message).closing()
    }

    pub(crate) fn not_json() -> Self {
        let message = "the body must be JSON: send the header `Content-Type: application/json`";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, REQUEST, "unsupported_media_type", message)
    }

    pub(crate) fn compressed() -> Self {
        let message = "compressed request bodies are not read: send it without `Content-Encoding`";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, REQUEST, "unsupported_encoding", message)
    }

    pub(crate) fn bodies_exhausted() -> Self {
        let message = "the server holds as many bytes of request bodies as it may: send the \
                       request again in a moment";
        Self::new(StatusCode::TOO_MANY_REQUESTS, RATE, "body_bytes_exhausted", message)
            .with_retry_after(Some(SHORT_WAIT))
            .closing()
    }

    pub(crate) fn too_deep(limit: usize) -> Self {
        let message = format!("the body has more than {limit} levels: nest it less");
        Self::new(StatusCode::BAD_REQUEST, REQUEST, "json_too_deep", message)
    }

    pub(crate) fn too_many(param: &str, limit: usize) -> Self {
        let message = format!("`{param}` has more than {limit} entries: send fewer");
        Self::new(StatusCode::BAD_REQUEST, REQUEST, "too_many_messages", message)
            .with_param(Some(param))
    }

    pub(crate) fn shutting_down() -> Self {
        let message = "the server is shutting down: send the request again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, SERVER, "shutting_down", message).closing()
    }

    pub(crate) fn internal() -> Self {
        let message = "the server has a fault: tell the operator the request id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, SERVER, "internal_error", message)
    }

    /// Turns what poem itself refuses into our envelope.
    pub(crate) fn from_poem(error: poem::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(failure) => failure,
            Err(error) if error.status() == StatusCode::NOT_FOUND => Self::unknown_path(),
            Err(error) => Self::internal().with_detail(error),
        }
    }
}

#[cfg(test)]
mod tests;
