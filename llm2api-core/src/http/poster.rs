//! Posts bytes to one address.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use reqwest::Url;

use super::client::configuration;
use super::{HttpClient, Wait};
use crate::error::Result;
use crate::limits::Limits;

/// Nobody who is posted to has much to say.
const LONGEST: usize = 64 << 10;

/// Posts bytes to one address, such as a collector of traces, as careful as upstreams are called: no
/// redirects, no cookies, no tries of its own, and an end to every wait.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use std::time::Duration;
/// use llm2api_core::http::Poster;
///
/// let poster = Poster::new("http://127.0.0.1:1/v1/traces", Duration::from_secs(1))?;
/// let error = poster.post([("content-type", "text/plain")], "Hello".into()).await.unwrap_err();
/// assert_eq!(error.kind(), llm2api_core::ErrorKind::Connect);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Poster {
    client: HttpClient,
    url: Url,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Posted {
    /// The status.
    pub status: u16,
    /// The body, 64 KiB at most.
    pub body: Bytes,
}

impl Poster {
    /// Checks the address; everything together may take `limit`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for an address that is none, and
    /// where the system's certificates cannot be read.
    pub fn new(url: &str, limit: Duration) -> Result<Self> {
        let url = Url::parse(url).ok().filter(Url::has_host);
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.filter(|url| url.username().is_empty() && url.password().is_none());
        let url = url.ok_or_else(|| {
            configuration("an address to post to is no http(s) URL, or holds a password")
        })?;
        let limits = Limits {
            connect_timeout: limit,
            liveness_timeout: limit,
            response_timeout: limit,
            body_limit: LONGEST,
            ..Limits::default()
        };
        Ok(Self { client: HttpClient::new(&limits, url.scheme() == "https")?, url })
    }

    /// Posts `body`; any status is an answer.
    ///
    /// # Errors
    /// [`ErrorKind::Connect`](crate::ErrorKind::Connect) and the others of a call that has no answer.
    pub async fn post<'a>(
        &self,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: Bytes,
    ) -> Result<Posted> {
        let request = self.client.request(&Method::POST, self.url.as_str());
        let request = headers.into_iter().fold(request, |all, (name, text)| all.header(name, text));
        let wait = Wait::for_response(self.client.limits());
        let answer = async {
            let response = self.client.send(request.body(body), wait).await?.unpacked()?;
            let status = response.status();
            Ok(Posted { status, body: response.bytes(wait).await? })
        };
        wait.on(answer).await
    }
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{body_string, header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    #[tokio::test]
    async fn any_status_is_an_answer_and_redirects_lead_nowhere() {
        let server = MockServer::start().await;
        for status in [200, 302, 503] {
            let answer = ResponseTemplate::new(status)
                .insert_header("location", "/elsewhere")
                .set_body_string("word");
            Mock::given(method("POST"))
                .and(path(format!("/{status}")))
                .and(header("x-a", "1"))
                .and(body_string("Hello"))
                .respond_with(answer)
                .expect(1)
                .mount(&server)
                .await;
            let url = format!("{}/{status}", server.uri());
            let poster = Poster::new(&url, Duration::from_secs(5)).expect("valid");
            let answer = poster.post([("x-a", "1")], "Hello".into()).await.expect("an answer");
            assert_eq!(answer, Posted { status, body: "word".into() });
        }
    }

    #[test]
    fn an_address_has_to_be_one() {
        for url in
            ["", "collector:4318", "ftp://collector/", "http://", "/v1/traces", "http://a:b@c/"]
        {
            assert!(Poster::new(url, Duration::from_secs(1)).is_err(), "{url}");
        }
    }
}
