//! All of it as processes: an authority, a server that asks it, and a chat service behind that.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use llm2api_core::auth::PrivateKey;
use llm2api_tests::Options;
use llm2api_tests::plan::ANSWER;
use llm2api_tests::processes::{
    ADMIN_KEY, Authority, CHAT_UI, MODEL, OPENAI, Outcome, Server, Stage, Wire, chat, eventually,
    text_of,
};
use serde_json::{Value, json};

use crate::relay::Relay;
use crate::{Data, SOON};

/// Streams that run while the code is revoked.
const STREAMS: usize = 50;
/// Nine tokens take longer than a check of the code.
const PACE: Duration = Duration::from_millis(1500);

/// Settings of a server that asks this authority every half second.
fn settings<'a>(url: &'a str, code: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("AUTH_URL", url),
        ("AUTH_CODE", code),
        ("CHECK_INTERVAL", "500ms"),
        ("MAX_CONCURRENCY_PER_CREDENTIAL", "50"),
    ]
}

/// Waits until the server says that it refuses chats, and returns the code of the refusal.
async fn refusal(server: &Server) -> String {
    eventually("chats are refused", SOON, async || {
        (server.api.get("/readyz").await.status == 503).then_some(())
    })
    .await;
    let refused = Outcome::of(&server.api, "hello", false).await;
    refused.objects()[0]["error"]["code"].as_str().expect("a code").to_owned()
}

async fn stream(server: &Server) -> Wire {
    let mut wire = server.connect().await.expect("the server listens");
    let messages = json!([{"role": "user", "content": "hello"}]);
    let body = json!({"model": MODEL, "stream": true, "messages": messages});
    wire.send(chat("Connection: close\r\n", &body.to_string())).await;
    wire
}

async fn fifty_streams_finish_and_nobody_new_begins(kind: &str) {
    let data = Data::new();
    let authority = Authority::start(&data.path(), &[], &[]).await;
    let (id, code) = authority.issue(&json!({"holder": "Ada", "plan": "team"})).await;
    let options = Options { token_delay: PACE, ..Options::default() };
    let stage = Stage::start(kind, options, &settings(&authority.url(), &code)).await;
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        streams.push(stream(&stage.server).await);
    }
    stage.upstream.wait_for(|log| log.running.len() == STREAMS).await;
    authority.revoke(&id).await;
    assert_eq!(refusal(&stage.server).await, "auth_code_invalid");
    assert_eq!(stage.upstream.log().running.len(), STREAMS, "they have not ended yet");
    for mut wire in streams {
        let answer = wire.rest().await;
        assert!(answer.contains("data: [DONE]\n\n"), "{answer}");
        assert_eq!(text_of(&answer), ANSWER, "{answer}");
    }
    assert_eq!(stage.upstream.log().aborted_streams, 0);
    let ready = stage.server.api.get("/readyz").await;
    assert_eq!((ready.status, &ready.body["authorisation"]["state"]), (503, &json!("denied")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_code_lets_streams_finish_and_nobody_new_begin() {
    fifty_streams_finish_and_nobody_new_begins(OPENAI).await;
    fifty_streams_finish_and_nobody_new_begins(CHAT_UI).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_crashes_is_missed_by_nobody_and_heard_when_it_is_back() {
    let data = Data::new();
    let mut authority = Authority::start(&data.path(), &[], &[]).await;
    let (id, code) = authority.issue(&json!({"holder": "Ada"})).await;
    let relay = Relay::start(authority.address()).await;
    let url = format!("http://{}/auth/check", relay.address);
    let stage = Stage::start(OPENAI, Options::default(), &settings(&url, &code)).await;
    let standing = async || stage.server.api.get("/readyz").await.body["authorisation"].clone();
    assert_eq!(standing().await["state"], "verified");

    authority.kill().await;
    eventually("the grace begins", SOON, async || {
        (standing().await["state"] == "grace").then_some(())
    })
    .await;
    let served = Outcome::of(&stage.server.api, "hello", true).await;
    assert_eq!((served.status, served.text().as_str()), (200, ANSWER));

    let revoked = Server::run(&data.path(), &[], &["auth", "revoke", &id]).await;
    assert!(revoked.0, "{}", revoked.1);
    let authority = Authority::start(&data.path(), &[], &[]).await;
    relay.lead_to(authority.address());
    assert_eq!(refusal(&stage.server).await, "auth_code_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_keeps_to_the_limits_of_its_code() {
    let data = Data::new();
    let authority = Authority::start(&data.path(), &[], &[]).await;
    let limits = json!({"requests_per_minute": 2});
    let (_, code) = authority.issue(&json!({"holder": "Ada", "limits": limits})).await;
    let settings = [("AUTH_URL", &*authority.url()), ("AUTH_CODE", &code)];
    let stage = Stage::start(OPENAI, Options::default(), &settings).await;
    for _ in 0..2 {
        assert_eq!(Outcome::of(&stage.server.api, "hello", false).await.status, 200);
    }
    let over = Outcome::of(&stage.server.api, "hello", false).await;
    assert!(over.status == 429 && over.retry_after.is_some_and(|wait| wait <= 60), "{over:?}");
    let error: Value = over.objects()[0]["error"].clone();
    assert_eq!(error["code"], "rate_limit_exceeded");
    let text = error["message"].as_str().expect("a sentence");
    assert!(text.starts_with("this server has begun all requests"), "{text}");
    assert_eq!(stage.upstream.log().generations, 2, "nothing more was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn g26_codes_and_keys_of_an_authority_are_shown_to_nobody() {
    let (theirs, ours) = (Data::new(), Data::new());
    let (private, file) = key_file(&theirs);
    let debug = ("RUST_LOG", "debug");
    let arguments = ["--private-key-file", file.as_str()];
    let mut authority = Authority::start(&theirs.path(), &[debug], &arguments).await;
    let (_, opaque) = authority.issue(&json!({"holder": "Ada"})).await;
    let (id, signed) = authority.issue(&json!({"holder": "Ada", "signed": true})).await;
    let (url, public) = (authority.url(), private.public_key().to_string());
    let settings = [&settings(&url, &signed)[..], &[debug, ("AUTH_PUBLIC_KEY", &public)]].concat();
    let server = Server::start(&ours.path(), &settings).await;

    let mut shown = Vec::new();
    for path in ["/readyz", "/health", "/cookies", "/keys"] {
        shown.push(server.api.get(path).await.body.to_string());
    }
    for command in [&["config", "print"], &["config", "check"]] {
        shown.push(Server::run(&ours.path(), &settings, command).await.1);
    }
    shown.push(Server::run(&theirs.path(), &[], &["auth", "list", "--json"]).await.1);
    shown.push(authority.command("GET", "/auth/audit", &Value::Null).await.to_string());
    authority.revoke(&id).await;
    assert_eq!(refusal(&server).await, "auth_code_invalid");
    shown.push(server.api.get("/readyz").await.body.to_string());
    shown.push(Server::refuses(&Data::new().path(), &settings).await);
    authority.kill().await;

    let secret = |code: &str| code.rsplit(['_', '.']).next().expect("a part").to_owned();
    let private = private.to_base64().expose().to_owned();
    for secret in [secret(&opaque), secret(&signed), private, ADMIN_KEY.to_owned()] {
        assert!(!theirs.has(&secret) && !ours.has(&secret), "a secret is kept or logged");
        assert!(shown.iter().all(|text| !text.contains(&secret)), "a secret is shown");
    }
    assert!(ours.has(&id) || theirs.has(&id), "ids are");
}

/// Makes a key, and a file of it beside the data.
fn key_file(data: &Data) -> (PrivateKey, String) {
    let key = PrivateKey::random().expect("random bytes");
    let path = data.path().join("../private.key");
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&path).expect("a file");
    file.write_all(key.to_base64().expose().as_bytes()).expect("room on the disk");
    (key, path.display().to_string())
}
