//! What clients see when the upstream misbehaves.

use std::io;
use std::task::Poll;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use llm2api_core::upstream::{Account, Capability};
use llm2api_core::{
    ChatItem, ChatRequest, ChatStream, ChunkBody, Client, Credential, Error, ErrorKind, Model,
    Result, Upstream, UpstreamConfig,
};
use llm2api_server::Stop;
use poem::endpoint::make;
use poem::{Body, EndpointExt, Response};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::harness::{
    Gone, Log, Running, Wire, chat, config, header, json, promptly, quiet, status, within,
};

const CHAT: &str = "/v1/chat/completions";

/// Does what the message says.
#[derive(Debug)]
struct Scripted {
    begun: mpsc::UnboundedSender<()>,
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
                let _ = self.begun.send(());
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

/// What became of the chats that hang.
struct Hanging {
    begun: mpsc::UnboundedReceiver<()>,
    gone: mpsc::UnboundedReceiver<()>,
}

async fn server() -> (Running, Hanging) {
    let (begun, has_begun) = mpsc::unbounded_channel();
    let (gone, is_gone) = mpsc::unbounded_channel();
    let config = UpstreamConfig::new("scripted", "scripted").with_any_model(true);
    let builder = Client::builder().with_custom_upstream(config, Scripted { begun, gone });
    (
        Running::over(builder.build().await.expect("valid"), &[]),
        Hanging { begun: has_begun, gone: is_gone },
    )
}

fn ask(what: &str, stream: bool) -> String {
    format!(
        r#"{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"{what}"}}]}}"#
    )
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_server_stays_up() {
    let (server, _hanging) = server().await;
    for stream in [false, true] {
        let answer = server.post(CHAT, "", &ask("panic", stream)).await;
        assert_eq!(status(&answer), 500, "{answer}");
        assert_eq!(json(&answer)["error"]["code"], "internal_error");
        assert!(!answer.contains("canary"), "{answer}");
    }
    assert_eq!(status(&server.get("/livez", "").await), 200);
}

#[tokio::test]
async fn what_a_panic_says_stays_out_of_the_log() {
    let mut log = Log::listen();
    let (server, _hanging) = server().await;
    server.post(CHAT, "x-request-id: p1\r\n", &ask("panic", true)).await;
    let text = log.until("answered a request").await;
    assert!(text.contains("a handler panicked request_id=\"p1\""), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn what_a_body_says_when_it_panics_stays_out_of_the_log() {
    let mut log = Log::listen();
    let panics = make(|_| async {
        let pieces = stream::poll_fn(|_| -> Poll<Option<io::Result<Vec<u8>>>> {
            panic!("as asked, with sk-canary")
        });
        Ok::<_, poem::Error>(Response::from(Body::from_bytes_stream(pieces)))
    });
    let server = Running::serve(&config(&[]), panics.map_to_response(), Stop::new());
    server.get("/", "").await;
    let text = log.until("ended badly").await;
    assert!(text.contains("panicked=true"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn a_rate_limit_names_the_wait_in_whole_seconds() {
    let (server, _hanging) = server().await;
    let answer = server.post(CHAT, "", &ask("limit", true)).await;
    assert_eq!(status(&answer), 429, "{answer}");
    assert_eq!(header(&answer, "retry-after"), Some("8"));
}

#[tokio::test]
async fn a_dead_credential_is_a_503() {
    let (server, _hanging) = server().await;
    let answer = server.post(CHAT, "", &ask("reject", false)).await;
    assert_eq!(status(&answer), 503, "{answer}");
    assert_eq!(json(&answer)["error"]["code"], "no_credential");
}

#[tokio::test]
async fn a_broken_stream_ends_with_an_error_and_a_broken_answer_is_a_502() {
    let (server, _hanging) = server().await;
    let answer = server.post(CHAT, "x-request-id: r1\r\n", &ask("break", true)).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(answer.contains("\"content\":\"Hel\""), "{answer}");
    assert!(answer.contains("\"code\":\"upstream_incomplete\",\"request_id\":\"r1\""), "{answer}");
    assert!(!answer.contains("[DONE]"), "{answer}");

    let answer = server.post(CHAT, "", &ask("break", false)).await;
    assert_eq!(status(&answer), 502, "{answer}");
    assert_eq!(json(&answer)["error"]["code"], "upstream_incomplete");
}

/// Whether the answer streams, and what waits behind the request. Nobody reads the latter before
/// the answer, and it must not hide the end of the connection.
const CASES: [(bool, &str); 4] = [(false, ""), (false, "GET /"), (true, ""), (true, "GET /")];

/// Begins a chat that hangs, with bytes behind it.
async fn hang(server: &Running, hanging: &mut Hanging, (stream, behind): (bool, &str)) -> Wire {
    let mut wire = server.connect().await;
    wire.send(&(chat(&ask("hang", stream)) + behind)).await;
    within(hanging.begun.recv()).await.expect("the upstream is asked");
    if stream {
        wire.until("Hel").await;
    }
    wire
}

#[tokio::test]
async fn a_client_that_leaves_frees_the_upstream() {
    let (server, mut hanging) = server().await;
    for case in CASES {
        let wire = hang(&server, &mut hanging, case).await;
        drop(wire);
        promptly(hanging.gone.recv()).await.expect("the upstream is free");
    }
}

#[tokio::test]
async fn a_client_that_breaks_off_frees_the_upstream() {
    let (server, mut hanging) = server().await;
    for case in CASES {
        let wire = hang(&server, &mut hanging, case).await;
        wire.stream.set_zero_linger().expect("resets");
        drop(wire);
        promptly(hanging.gone.recv()).await.expect("the upstream is free");
    }
}

#[tokio::test]
async fn a_client_that_closes_its_sending_side_counts_as_gone() {
    let (server, mut hanging) = server().await;
    for case in CASES {
        let mut wire = hang(&server, &mut hanging, case).await;
        wire.stream.shutdown().await.expect("half closes");
        promptly(hanging.gone.recv()).await.expect("the upstream is free");
        wire.rest().await;
    }
}

#[tokio::test]
async fn a_client_that_stays_keeps_its_upstream_whatever_waits_behind() {
    let (server, mut hanging) = server().await;
    let mut wires = Vec::new();
    for case in CASES {
        wires.push(hang(&server, &mut hanging, case).await);
    }
    quiet(hanging.gone.recv()).await;
}
