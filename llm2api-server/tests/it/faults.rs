//! What clients see when the upstream misbehaves.

use async_trait::async_trait;
use futures::{StreamExt, stream};
use llm2api_core::upstream::{Account, Capability};
use llm2api_core::{
    ChatItem, ChatRequest, ChatStream, ChunkBody, Client, Credential, Error, ErrorKind, Model,
    Result, Upstream, UpstreamConfig,
};
use tokio::sync::mpsc;

use crate::harness::{Gone, Running, header, json, status, within};

const CHAT: &str = "/v1/chat/completions";

/// Does what the message says.
#[derive(Debug)]
struct Scripted {
    gone: mpsc::UnboundedSender<()>,
}

#[async_trait]
impl Upstream for Scripted {
    fn capability(&self) -> Capability {
        Capability::default()
    }

    async fn chat(&self, request: ChatRequest, _: &Credential) -> Result<ChatStream> {
        let first = ChunkBody::text("chatcmpl-1", "m", "Hel");
        let first = stream::iter([Ok(ChatItem::Chunk(first.into()))]);
        match request.messages[0].text().as_str() {
            "panic" => panic!("as asked, with sk-canary"),
            "limit" => {
                let wait = std::time::Duration::from_millis(7_500);
                let error = Error::new(ErrorKind::RateLimited, "chat", "slow down");
                Err(error.with_status(429).with_retry_after(wait))
            }
            "reject" => {
                Err(Error::new(ErrorKind::CredentialRejected, "chat", "no").with_status(401))
            }
            "break" => {
                let error = Error::new(ErrorKind::UpstreamIncomplete, "chat", "broke off");
                Ok(ChatStream::new(first.chain(stream::iter([Err(error)]))))
            }
            _ => {
                let guard = Gone(self.gone.clone());
                let silence = stream::pending().map(move |item| {
                    let _ = &guard;
                    item
                });
                Ok(ChatStream::new(first.chain(silence)))
            }
        }
    }

    async fn models(&self, _: Option<&Credential>) -> Result<Vec<Model>> {
        Ok(vec![Model::new("m", "scripted")])
    }

    async fn check(&self, _: &Credential) -> Result<Account> {
        Ok(Account::proven(None, None))
    }
}

async fn server() -> (Running, mpsc::UnboundedReceiver<()>) {
    let (gone, is_gone) = mpsc::unbounded_channel();
    let config = UpstreamConfig::new("scripted", "scripted").with_any_model(true);
    let builder = Client::builder().with_custom_upstream(config, Scripted { gone });
    (Running::over(builder.build().await.expect("valid"), &[]), is_gone)
}

fn ask(what: &str, stream: bool) -> String {
    format!(
        r#"{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"{what}"}}]}}"#
    )
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_server_stays_up() {
    let (server, _gone) = server().await;
    for stream in [false, true] {
        let answer = server.post(CHAT, "", &ask("panic", stream)).await;
        assert_eq!(status(&answer), 500, "{answer}");
        assert_eq!(json(&answer)["error"]["code"], "internal_error");
        assert!(!answer.contains("canary"), "{answer}");
    }
    assert_eq!(status(&server.get("/livez", "").await), 200);
}

#[tokio::test]
async fn a_rate_limit_names_the_wait_in_whole_seconds() {
    let (server, _gone) = server().await;
    let answer = server.post(CHAT, "", &ask("limit", true)).await;
    assert_eq!(status(&answer), 429, "{answer}");
    assert_eq!(header(&answer, "retry-after"), Some("8"));
}

#[tokio::test]
async fn a_dead_credential_is_a_503() {
    let (server, _gone) = server().await;
    let answer = server.post(CHAT, "", &ask("reject", false)).await;
    assert_eq!(status(&answer), 503, "{answer}");
    assert_eq!(json(&answer)["error"]["code"], "no_credential");
}

#[tokio::test]
async fn a_broken_stream_ends_with_an_error_and_a_broken_answer_is_a_502() {
    let (server, _gone) = server().await;
    let answer = server.post(CHAT, "x-request-id: r1\r\n", &ask("break", true)).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(answer.contains("\"content\":\"Hel\""), "{answer}");
    assert!(answer.contains("\"code\":\"upstream_incomplete\",\"request_id\":\"r1\""), "{answer}");
    assert!(!answer.contains("[DONE]"), "{answer}");

    let answer = server.post(CHAT, "", &ask("break", false)).await;
    assert_eq!(status(&answer), 502, "{answer}");
    assert_eq!(json(&answer)["error"]["code"], "upstream_incomplete");
}

#[tokio::test]
async fn a_client_that_leaves_frees_the_upstream() {
    let (server, mut gone) = server().await;
    for stream in [false, true] {
        let body = ask("hang", stream);
        let mut wire = server.connect().await;
        let length = body.len();
        wire.send(&format!(
            "POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await;
        if stream {
            wire.until("Hel").await;
        }
        drop(wire);
        within(gone.recv()).await.expect("the upstream is free");
    }
}
