//! A careful HTTP client: no redirects, no cookie jar, no retries of its own, no endless wait.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use futures::{FutureExt, TryStreamExt};
use http::Method;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::time::timeout;

use super::wire::{Connector, Head, Request, Target, Wire, WireBody, WireError};
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
    pub(crate) fn on<T>(
        self,
        work: impl Future<Output = Result<T>>,
    ) -> impl Future<Output = Result<T>> {
        // No `async fn`, which would hold the work twice.
        timeout(self.limit, work).map(move |answer| {
            answer.unwrap_or_else(|_| {
                let message = "the upstream did not answer in time";
                Err(Error::new(ErrorKind::Timeout, OPERATION, message).with_code(self.code))
            })
        })
    }
}

/// A client for one upstream.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    wire: Arc<Wire>,
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
        let connector = Connector::new(tls_config(tls)?, limits.connect_timeout);
        let wire = Arc::new(Wire::new(connector, USER_AGENT));
        Ok(Self { wire, limits: Arc::new(limits.clone()) })
    }

    /// Takes a URL apart, for all the requests that go there.
    pub(crate) fn target(&self, url: &str) -> Option<Target> {
        self.wire.target(url)
    }

    /// Starts a request; a target that is none is told when the request is sent.
    pub(crate) fn request_to(&self, method: &Method, target: Option<Target>) -> Request {
        self.wire.request(method, target)
    }

    /// Starts a request to a URL.
    pub(crate) fn request(&self, method: &Method, url: &str) -> Request {
        self.request_to(method, self.target(url))
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// [`ErrorKind::Connect`], [`ErrorKind::ConnectionReset`], [`ErrorKind::Timeout`].
    pub(crate) async fn send(&self, request: Request, wait: Wait) -> Result<Response> {
        let answer = async { self.wire.send(request).await.map_err(not_sent) };
        let (head, body) = wait.on(answer).await?;
        Ok(Response { head, body, limits: self.limits.clone() })
    }

    /// Closes the connections that have waited for a call for too long.
    pub(crate) fn rest(&self) {
        self.wire.rest();
    }

    /// Returns the limits that this client keeps.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// The head of an answer, its body still to come.
#[derive(Debug)]
pub(crate) struct Response {
    head: Head,
    body: WireBody,
    limits: Arc<Limits>,
}

impl Response {
    /// Refuses a packed answer: none was asked for, and unpacking has no bound that is known.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamProtocol`].
    pub(crate) fn unpacked(self) -> Result<Self> {
        match self.head.get("content-encoding") {
            None | Some("identity" | "") => Ok(self),
            Some(_) => {
                let message = "the upstream sent a compressed answer that nobody asked for";
                Err(Error::new(ErrorKind::UpstreamProtocol, OPERATION, message))
            }
        }
    }

    /// Returns the status.
    pub(crate) fn status(&self) -> u16 {
        self.head.status()
    }

    /// Returns the media type in lower case without parameters; empty where there is none.
    pub(crate) fn media_type(&self) -> String {
        let value = self.head.get("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Returns where a redirect points.
    pub(crate) fn location(&self) -> Option<&str> {
        self.head.get("location")
    }

    /// Returns the value that the answer sets for a cookie.
    pub(crate) fn set_cookie(&self, name: &str) -> Option<&str> {
        self.head.all("set-cookie").find_map(|line| {
            let (have, value) = line.split(';').next()?.split_once('=')?;
            (have.trim() == name).then(|| value.trim())
        })
    }

    /// Returns the server's date, in seconds since 1970.
    pub(crate) fn date(&self) -> Option<u64> {
        let date = httpdate::parse_http_date(self.head.get("date")?).ok()?;
        date.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
    }

    /// Returns how long the upstream asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        retry_after::read(self.head.get("retry-after")?, SystemTime::now())
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
        BodyStream::new(self.body, &self.limits)
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
        timeout(limit, self.body.try_next()).await.map_err(silent)?.map_err(broken)
    }
}

/// Maps an error that came while a body was read.
pub(super) fn broken(error: WireError) -> Error {
    Error::new(ErrorKind::UpstreamIncomplete, "read body", "the upstream's answer broke off")
        .with_source(error)
}

/// Maps an error that came before the head of an answer.
fn not_sent(error: WireError) -> Error {
    let (kind, message) = match &error {
        WireError::ConnectTimeout => {
            let message = "the upstream could not be reached within CONNECT_TIMEOUT";
            return Error::new(ErrorKind::Connect, OPERATION, message)
                .with_code(CONNECT_TIMEOUT)
                .with_source(error);
        }
        WireError::Connect(_) => {
            (ErrorKind::Connect, "the upstream cannot be reached: check its URL and that it runs")
        }
        WireError::Unsendable => (
            ErrorKind::Configuration,
            "the upstream's URL or credential does not fit into a request",
        ),
        WireError::Proxy => (
            ErrorKind::Configuration,
            "the proxy of HTTP_PROXY or HTTPS_PROXY cannot be used: its URL must begin with http://",
        ),
        WireError::Untouched | WireError::Broken(_) => {
            (ErrorKind::ConnectionReset, "the upstream closed the connection without an answer")
        }
        WireError::Malformed(_) => {
            (ErrorKind::UpstreamProtocol, "the upstream's answer is not HTTP")
        }
    };
    Error::new(kind, OPERATION, message).with_source(error)
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
