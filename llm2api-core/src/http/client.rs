//! A careful HTTP client: no redirects, no cookie jar, no retries of its own, no endless wait.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Method, RequestBuilder};
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::time::timeout;

use super::{BodyStream, retry_after};
use crate::error::{
    CONNECT_TIMEOUT, Error, ErrorKind, FIRST_CONTENT_TIMEOUT, LIVENESS_TIMEOUT, RESPONSE_TIMEOUT,
    Result,
};
use crate::limits::Limits;

const OPERATION: &str = "send";
pub(super) const USER_AGENT: &str = concat!("llm2api/", env!("CARGO_PKG_VERSION"));

/// A wait with the code of the error that ends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    limit: Duration,
    code: &'static str,
}

impl Wait {
    /// Waits as long as the first content of a stream may take.
    pub(crate) fn for_first_content(limits: &Limits) -> Self {
        Self { limit: limits.first_content_timeout, code: FIRST_CONTENT_TIMEOUT }
    }

    /// Waits as long as a whole answer may take.
    pub(crate) fn for_response(limits: &Limits) -> Self {
        Self { limit: limits.response_timeout, code: RESPONSE_TIMEOUT }
    }

    /// Waits no longer than `limit`.
    pub(crate) fn at_most(self, limit: Duration) -> Self {
        Self { limit: self.limit.min(limit), ..self }
    }

    /// Waits for `work`.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] under the wait's code, beside those of `work`.
    pub(crate) async fn on<T>(self, work: impl Future<Output = Result<T>>) -> Result<T> {
        timeout(self.limit, work).await.unwrap_or_else(|_| {
            let message = "the upstream did not answer in time";
            Err(Error::new(ErrorKind::Timeout, OPERATION, message).with_code(self.code))
        })
    }
}

/// A client for one upstream.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    inner: reqwest::Client,
    limits: Arc<Limits>,
}

impl HttpClient {
    /// Makes a client; `tls` says whether the upstream's URL is https.
    ///
    /// HTTP/1.1 only: closing the connection is then the one sure way to free an upstream.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where the system's certificates cannot be read.
    pub(crate) fn new(limits: &Limits, tls: bool) -> Result<Self> {
        let inner = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config(tls)?)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(limits.connect_timeout)
            .http1_only()
            .tcp_nodelay(true)
            .user_agent(USER_AGENT)
            .build()
            .map_err(|error| configuration("the HTTP client cannot be built").with_source(error))?;
        Ok(Self { inner, limits: Arc::new(limits.clone()) })
    }

    /// Starts a request.
    pub(crate) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.inner.request(method, url)
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// [`ErrorKind::Connect`], [`ErrorKind::ConnectionReset`], [`ErrorKind::Timeout`].
    pub(crate) async fn send(&self, request: RequestBuilder, wait: Wait) -> Result<Response> {
        let inner = wait.on(async { request.send().await.map_err(not_sent) }).await?;
        Ok(Response { inner, limits: self.limits.clone() })
    }

    /// Returns the limits that this client keeps.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// The head of an answer, its body still to come.
#[derive(Debug)]
pub(crate) struct Response {
    inner: reqwest::Response,
    limits: Arc<Limits>,
}

impl Response {
    /// Refuses a packed answer: none was asked for, and unpacking has no bound that is known.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamProtocol`].
    pub(crate) fn unpacked(self) -> Result<Self> {
        match self.text_header(CONTENT_ENCODING.as_str()) {
            None | Some("identity" | "") => Ok(self),
            Some(_) => {
                let message = "the upstream sent a compressed answer that nobody asked for";
                Err(Error::new(ErrorKind::UpstreamProtocol, OPERATION, message))
            }
        }
    }

    /// Returns the status.
    pub(crate) fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// Returns the media type in lower case without parameters; empty where there is none.
    pub(crate) fn media_type(&self) -> String {
        let value = self.text_header(CONTENT_TYPE.as_str()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Returns where a redirect points.
    pub(crate) fn location(&self) -> Option<&str> {
        self.text_header(LOCATION.as_str())
    }

    /// Returns the value that the answer sets for a cookie.
    pub(crate) fn set_cookie(&self, name: &str) -> Option<&str> {
        let lines = self.headers().get_all(SET_COOKIE).iter();
        lines.filter_map(|line| line.to_str().ok()).find_map(|line| {
            let (have, value) = line.split(';').next()?.split_once('=')?;
            (have.trim() == name).then(|| value.trim())
        })
    }

    /// Returns the server's date, in seconds since 1970.
    pub(crate) fn date(&self) -> Option<u64> {
        let date = httpdate::parse_http_date(self.text_header(DATE.as_str())?).ok()?;
        date.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
    }

    /// Returns how long the upstream asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        retry_after::read(self.headers(), SystemTime::now())
    }

    /// Reads the whole body, at most `body_limit` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamIncomplete`], [`ErrorKind::UpstreamProtocol`], [`ErrorKind::Timeout`].
    pub(crate) async fn bytes(self, wait: Wait) -> Result<Bytes> {
        wait.on(self.read()).await
    }

    /// Returns the body as a stream that notices silence.
    pub(crate) fn into_stream(self) -> BodyStream {
        BodyStream::new(self.inner, &self.limits)
    }

    async fn read(mut self) -> Result<Bytes> {
        let limit = self.limits.body_limit;
        let mut first = Bytes::new();
        let mut body = BytesMut::new();
        while let Some(bytes) = self.chunk().await? {
            if first.len() + body.len() + bytes.len() > limit {
                let message = format!("the upstream's answer has more than {limit} bytes");
                return Err(Error::new(ErrorKind::UpstreamProtocol, "read body", message));
            }
            if first.is_empty() {
                first = bytes;
            } else {
                body.extend_from_slice(&bytes);
            }
        }
        if body.is_empty() {
            return Ok(first);
        }
        Ok([&first[..], &body[..]].concat().into())
    }

    /// Takes the next piece; a body that stands still is given up.
    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let silent = |_| {
            Error::new(ErrorKind::Timeout, "read body", "the upstream's answer stalled")
                .with_code(LIVENESS_TIMEOUT)
        };
        let limit = self.limits.liveness_timeout;
        timeout(limit, self.inner.chunk()).await.map_err(silent)?.map_err(broken)
    }

    fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    fn text_header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }
}

/// Maps an error that came while a body was read.
pub(crate) fn broken(error: reqwest::Error) -> Error {
    Error::new(ErrorKind::UpstreamIncomplete, "read body", "the upstream's answer broke off")
        .with_source(error.without_url())
}

/// Maps an error that came before the head of an answer.
fn not_sent(error: reqwest::Error) -> Error {
    if error.is_connect() && error.is_timeout() {
        let message = "the upstream could not be reached within CONNECT_TIMEOUT";
        return Error::new(ErrorKind::Connect, OPERATION, message)
            .with_code(CONNECT_TIMEOUT)
            .with_source(error.without_url());
    }
    let (kind, message) = if error.is_connect() {
        (ErrorKind::Connect, "the upstream cannot be reached: check its URL and that it runs")
    } else if error.is_timeout() {
        (ErrorKind::Timeout, "the upstream did not answer in time")
    } else if error.is_builder() {
        (ErrorKind::Configuration, "the upstream's URL or credential does not fit into a request")
    } else if is_reset(&error) {
        (ErrorKind::ConnectionReset, "the upstream closed the connection without an answer")
    } else {
        (ErrorKind::UpstreamProtocol, "the upstream's answer is not HTTP")
    };
    Error::new(kind, OPERATION, message).with_source(error.without_url())
}

/// Looks for a lost connection: an I/O error, or hyper's "message incomplete".
fn is_reset(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<io::Error>() || cause.to_string().contains("before message completed") {
            return true;
        }
        source = cause.source();
    }
    false
}

/// Prepares TLS with the system's certificates; without TLS there is nothing to load.
pub(super) fn tls_config(tls: bool) -> Result<rustls::ClientConfig> {
    let failed = |error: rustls::Error| {
        configuration("the system's TLS certificates cannot be read").with_source(error)
    };
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    if tls {
        return Ok(builder.with_platform_verifier().map_err(failed)?.with_no_client_auth());
    }
    Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

pub(super) fn configuration(message: &str) -> Error {
    Error::new(ErrorKind::Configuration, "set up HTTP", message)
}
