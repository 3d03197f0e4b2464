//! What a client got of a chat.

use std::fmt;
use std::time::Duration;

use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::time::Instant;

use super::api::Api;

/// How much of a body is shown where a test fails.
const SHOWN: usize = 800;

/// A whole answer, streamed or not, or the refusal in its place.
#[derive(Clone)]
pub struct Outcome {
    /// Status code.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// The body, which is valid UTF-8.
    pub body: String,
    /// From the call to the last byte.
    pub took: Duration,
    headers: HeaderMap,
}

impl Outcome {
    /// Asks, and reads to the end.
    ///
    /// # Panics
    /// When the answer is broken off, or is no UTF-8.
    pub async fn of(api: &Api, text: &str, stream: bool) -> Self {
        let begun = Instant::now();
        Self::read(api.chat(text, stream).await, begun).await
    }

    /// Asks as a client whatever is asked at `path`, and reads to the end.
    ///
    /// # Panics
    /// As [`of`](Self::of).
    pub async fn to(api: &Api, path: &str, body: &Value) -> Self {
        Self::to_text(api, path, body.to_string()).await
    }

    /// Asks as a client with a text that need not be JSON, and reads to the end.
    ///
    /// # Panics
    /// As [`of`](Self::of).
    pub async fn to_text(api: &Api, path: &str, body: String) -> Self {
        let begun = Instant::now();
        Self::read(api.ask_text(path, body).await, begun).await
    }

    async fn read(response: reqwest::Result<Response>, begun: Instant) -> Self {
        let response = response.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.expect("a body that ends in order");
        let body = String::from_utf8(body.into()).expect("UTF-8");
        let mut outcome = Self { status, retry_after: None, body, took: begun.elapsed(), headers };
        let wait = outcome.header("retry-after");
        outcome.retry_after = wait.map(|seconds| seconds.parse().expect("whole seconds"));
        outcome.request_id();
        outcome
    }

    /// The header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    fn request_id(&self) -> &str {
        self.header("x-request-id").expect("every answer has an id")
    }

    /// The events of a stream but for `[DONE]`, or the one object of any other answer.
    pub fn objects(&self) -> Vec<Value> {
        let objects = match self.is_stream() {
            true => self.data().into_iter().filter(|data| *data != "[DONE]").collect(),
            false => vec![self.body.as_str()],
        };
        let parse = |text| serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"));
        objects.into_iter().map(parse).collect()
    }

    /// The text of the answer.
    pub fn text(&self) -> String {
        let texts = ["delta", "message"].map(|name| self.said(name, "content"));
        texts.concat().iter().filter_map(Value::as_str).collect()
    }

    /// How often the answer says who speaks.
    pub fn roles(&self) -> usize {
        ["delta", "message"].map(|name| self.said(name, "role")).concat().len()
    }

    /// Whether it is a whole answer and says so.
    pub fn is_whole(&self) -> bool {
        let done = !self.is_stream() || self.is_done();
        self.status == 200 && done && self.finish().as_deref() == Some("stop")
    }

    /// Whether it is a stream and ends with `[DONE]`.
    pub fn is_done(&self) -> bool {
        self.data().last() == Some(&"[DONE]")
    }

    /// The error that is all of a refusal, or the last event of a stream.
    ///
    /// # Panics
    /// When there is none, when it lacks something, or when the answer says beside it that it is
    /// whole.
    pub fn error(&self) -> Value {
        let error = self.objects().last().map(|last| last["error"].clone()).unwrap_or_default();
        for name in ["message", "type", "code", "request_id"] {
            assert!(error[name].is_string(), "an error without its {name}: {self:?}");
        }
        assert_eq!(error["request_id"], self.request_id(), "{self:?}");
        assert!(!self.body.contains("[DONE]"), "{self:?}");
        assert_eq!(self.finish(), None, "{self:?}");
        error
    }

    /// Status and code of an error.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.error()["code"].as_str().expect("a text").to_owned())
    }

    fn is_stream(&self) -> bool {
        self.body.starts_with("data: ") || self.body.starts_with(": ")
    }

    fn data(&self) -> Vec<&str> {
        let events = self.body.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
        events.collect()
    }

    fn finish(&self) -> Option<String> {
        let objects = self.objects();
        let mut reasons = objects.iter().map(|object| &object["choices"][0]["finish_reason"]);
        reasons.find_map(Value::as_str).map(str::to_owned)
    }

    fn said(&self, place: &str, name: &str) -> Vec<Value> {
        let objects = self.objects();
        let said = objects.iter().map(|object| object["choices"][0][place][name].clone());
        said.filter(|said| !said.is_null()).collect()
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, retry_after, body, took, .. } = self;
        let skipped = body.chars().count().saturating_sub(SHOWN);
        let tail: String = body.chars().skip(skipped).collect();
        write!(f, "{status} after {took:?}, Retry-After {retry_after:?}, …{tail:?}")
    }
}
