//! An authority at the other end of a network.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use http::header::CONNECTION;
use jiff::Timestamp;
use reqwest::Url;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use tokio::time::Instant;

use super::claims;
use super::verifier::LONGEST_ANSWER;
use super::verify::{Denial, Grant, Question, Verdict, Verify};
use crate::error::{Error, ErrorKind, Result};
use crate::http::{HttpClient, Response, Wait};
use crate::limits::Limits;
use crate::quota::Allowance;

/// Bytes of an answer.
const LONGEST: usize = 64 << 10;
/// A refusal waits no longer for the body that may say why.
const LONGEST_WORD: Duration = Duration::from_secs(1);
/// What is left of the longest answer for a refusal to be told.
const MARGIN: Duration = Duration::from_millis(100);

/// Asks an authority by `POST` to its URL.
pub(super) struct Remote {
    url: String,
    client: HttpClient,
}

#[derive(Serialize)]
struct Asked<'a> {
    code: &'a str,
    installation: &'a str,
    version: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    valid: bool,
    expires_at: Option<Date>,
    plan: Option<String>,
    message: Option<String>,
    limits: Option<Allowance>,
}

/// What is worth reading of an answer that says no by its status.
#[derive(Deserialize)]
struct Word {
    message: Option<String>,
}

/// Seconds since 1970, or a text as RFC 3339 has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Date {
    Seconds(Number),
    Text(String),
}

impl Remote {
    /// Checks the URL and sets the client up.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`].
    pub(super) fn new(text: &str) -> Result<Self> {
        let url = Url::parse(text.trim()).map_err(|_| wrong())?;
        let plain = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
            return Err(wrong());
        }
        let limits = Limits {
            connect_timeout: LONGEST_ANSWER,
            liveness_timeout: LONGEST_ANSWER,
            response_timeout: LONGEST_ANSWER,
            body_limit: LONGEST,
            ..Limits::default()
        };
        let client = HttpClient::new(&limits, url.scheme() == "https")?;
        Ok(Self { url: url.into(), client })
    }

    async fn ask(&self, question: &Question) -> Result<Response> {
        let asked = Asked {
            code: question.code.expose(),
            installation: &question.installation,
            version: env!("CARGO_PKG_VERSION"),
        };
        let body = serde_json::to_vec(&asked).map_err(|error| {
            Error::new(ErrorKind::Internal, "verify code", "the question is no JSON")
                .with_source(error)
        })?;
        let request = self.client.request(&Method::POST, &self.url);
        // A connection that was kept since the last check may be dead, and nobody sends again.
        let request = request.header(CONNECTION, "close");
        let request = request.header("content-type", "application/json").body(body);
        let wait = Wait::for_response(self.client.limits());
        self.client.send(request, wait).await
    }

    async fn read(&self, response: Response, limit: Duration) -> Result<Bytes> {
        let wait = Wait::for_response(self.client.limits()).at_most(limit);
        response.unpacked()?.bytes(wait).await
    }
}

#[async_trait]
impl Verify for Remote {
    fn name(&self) -> &str {
        &self.url
    }

    async fn verify(&self, question: &Question) -> Verdict {
        let begun = Instant::now();
        let response = match self.ask(question).await {
            Ok(response) => response,
            Err(error) => return Verdict::Unreachable(reason(&error)),
        };
        match response.status() {
            200 => match self.read(response, LONGEST_ANSWER).await {
                Ok(body) => conclude(&body, question),
                Err(error) => Verdict::Unreachable(reason(&error)),
            },
            // The status says it all; the body may say why, or may be anything.
            401 | 403 => {
                let left = LONGEST_ANSWER.saturating_sub(begun.elapsed() + MARGIN);
                let body = self.read(response, left.min(LONGEST_WORD)).await;
                Verdict::Denied(refused(&body.unwrap_or_default()))
            }
            status => Verdict::Unreachable(format!("it answered with status {status}")),
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Reads an answer with status 200.
fn conclude(body: &[u8], question: &Question) -> Verdict {
    let unreadable = |wrong: &str| Verdict::Unreachable(format!("its answer {wrong}"));
    if serde_json::from_slice::<IgnoredAny>(body).is_err() {
        return unreadable("is no JSON");
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return unreadable("has other fields than an authority's");
    };
    let expires_at = answer.expires_at.as_ref().and_then(seconds);
    if expires_at.is_none() && answer.expires_at.is_some() {
        return unreadable("has an `expires_at` that is no date");
    }
    let (plan, note) = (answer.plan, answer.message);
    if answer.valid {
        let limits = answer.limits.unwrap_or_default();
        return Verdict::Good(Grant { holder: None, plan, expires_at, limits, note });
    }
    let denial = match expires_at {
        Some(date) if date <= question.now => {
            Denial::expired("the authority says that it has expired: ask for a new one")
        }
        _ => invalid(),
    };
    Verdict::Denied(Denial { note, ..denial })
}

fn refused(body: &[u8]) -> Denial {
    let note = serde_json::from_slice::<Word>(body).ok().and_then(|word| word.message);
    Denial { note, ..invalid() }
}

fn invalid() -> Denial {
    Denial::new("the authority says that it is not valid: check AUTH_CODE, or ask for a new one")
}

fn seconds(date: &Date) -> Option<u64> {
    match date {
        Date::Seconds(number) => claims::seconds(number),
        Date::Text(text) => {
            let date: Timestamp = text.trim().parse().ok()?;
            u64::try_from(date.as_second()).ok()
        }
    }
}

/// Says why nothing was heard, and quotes nothing that was.
fn reason(error: &Error) -> String {
    let text = match error.kind() {
        ErrorKind::Connect => "no connection can be made",
        ErrorKind::ConnectionReset => "it closed the connection without an answer",
        ErrorKind::Timeout => "it did not answer within 5 s",
        ErrorKind::UpstreamIncomplete => "its answer broke off",
        ErrorKind::Configuration => "its address cannot be called",
        _ => "its answer is longer than 64 KiB, packed, or no HTTP",
    };
    text.to_owned()
}

fn wrong() -> Error {
    let message = "the authority's URL cannot be used: write it as https://host[:port]/path, \
                   without a password";
    Error::new(ErrorKind::Configuration, "set up authorisation", message)
}

#[cfg(test)]
mod tests;
