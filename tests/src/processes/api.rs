//! Calls to a server, as a client and as its operator.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};

use super::server::ADMIN_KEY;

/// No call takes longer than this; a stream as a whole may.
const PATIENCE: Duration = Duration::from_secs(60);
/// The model that every call names; simulators have it.
pub const MODEL: &str = "mock/vision-1";

/// How to talk to one server.
#[derive(Clone, Debug)]
pub struct Api {
    url: String,
    key: &'static str,
    http: reqwest::Client,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Status code; 0 where there was no answer, or half of one.
    pub status: u16,
    /// Body, null where it is no JSON.
    pub body: Value,
}

impl Api {
    /// Calls the server at `url`, chats with `key`.
    pub fn new(url: &str, key: &'static str) -> Self {
        let http = http();
        Self { url: url.to_owned(), key, http }
    }

    /// The address of the server, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the server listens.
    pub(super) fn address(&self) -> SocketAddr {
        let address = self.url.strip_prefix("http://").and_then(|rest| rest.parse().ok());
        address.unwrap_or_else(|| panic!("no address in {}", self.url))
    }

    /// Asks as the operator.
    pub async fn get(&self, path: &str) -> Answer {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(ADMIN_KEY);
        Answer::of(request.send().await).await
    }

    /// Orders as the operator.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(ADMIN_KEY);
        Answer::of(request.json(body).send().await).await
    }

    /// Adds the session cookie with this value.
    pub async fn add(&self, value: &str) -> Answer {
        self.post("/cookie/add", &json!({"cookie": format!("hf-chat={value}")})).await
    }

    /// Lists the accounts.
    pub async fn cookies(&self) -> Vec<Value> {
        let answer = self.get("/cookies").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let data = answer.body["data"].as_array().cloned().expect("a list");
        assert_eq!(answer.body["total"], data.len(), "the total is the length of the list");
        data
    }

    /// Lists the ids of the accounts, sorted.
    pub async fn ids(&self) -> Vec<String> {
        let mut ids: Vec<_> = self.cookies().await.iter().map(id_of).collect();
        ids.sort();
        ids
    }

    /// Begins a streamed chat.
    pub async fn stream(&self, text: &str) -> reqwest::Result<Response> {
        self.chat(text, true).await
    }

    /// Begins a chat.
    pub async fn chat(&self, text: &str, stream: bool) -> reqwest::Result<Response> {
        self.send(&[json!({"role": "user", "content": text})], stream).await
    }

    /// Makes a chat of these messages.
    pub async fn talk(&self, messages: &[Value]) -> Answer {
        Answer::of(self.send(messages, false).await).await
    }

    async fn send(&self, messages: &[Value], stream: bool) -> reqwest::Result<Response> {
        let body = json!({"model": MODEL, "messages": messages, "stream": stream});
        self.ask("/v1/chat/completions", &body).await
    }

    /// Asks as a client.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn ask(&self, path: &str, body: &Value) -> reqwest::Result<Response> {
        self.ask_text(path, body.to_string()).await
    }

    /// Asks as a client, with a text that need not be JSON and says that it is.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn ask_text(&self, path: &str, body: String) -> reqwest::Result<Response> {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(self.key);
        request.header("content-type", "application/json").body(body).send().await
    }
}

impl Answer {
    async fn of(response: reqwest::Result<Response>) -> Self {
        match response {
            Ok(response) => {
                let status = response.status().as_u16();
                match response.bytes().await {
                    Ok(bytes) => {
                        Self { status, body: serde_json::from_slice(&bytes).unwrap_or_default() }
                    }
                    Err(error) => Self::none(&error),
                }
            }
            Err(error) => Self::none(&error),
        }
    }

    fn none(error: &reqwest::Error) -> Self {
        Self { status: 0, body: json!(error.to_string()) }
    }

    /// The id of the account that was answered with.
    pub fn id(&self) -> String {
        id_of(&self.body)
    }
}

/// Where an account of the list stands.
pub fn state_of(account: &Value) -> &str {
    account["state"].as_str().expect("a state")
}

/// The code of a refusal, which must come in the envelope.
pub fn envelope(answer: &Answer) -> &str {
    let error = &answer.body["error"];
    assert!(error["message"].is_string() && error["type"].is_string(), "{answer:?}");
    error["code"].as_str().unwrap_or_else(|| panic!("no code: {answer:?}"))
}

fn id_of(account: &Value) -> String {
    account["id"].as_str().unwrap_or_else(|| panic!("no id: {account}")).to_owned()
}

/// A client that speaks plain HTTP to this machine.
pub fn http() -> reqwest::Client {
    let builder = reqwest::Client::builder().tls_backend_preconfigured(no_tls()).no_proxy();
    builder.timeout(PATIENCE).build().expect("a client")
}

fn no_tls() -> rustls::ClientConfig {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .expect("known versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
