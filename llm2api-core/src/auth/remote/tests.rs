use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::auth::code::AuthCode;
use crate::auth::verifier::Verifier;

const NOW: u64 = 1_790_000_000;
const CANARY: &str = "canary-code-7";

fn question() -> Question {
    Question::new(AuthCode::new(CANARY).expect("a code"), "installation-1", NOW)
}

/// Asks an authority as the monitor does.
async fn ask(url: &str) -> Verdict {
    let remote = Remote::new(url).expect("a URL");
    Verifier::Remote(Arc::new(remote)).verify(&question()).await
}

async fn ask_for(reply: ResponseTemplate) -> Verdict {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(reply).mount(&server).await;
    ask(&server.uri()).await
}

async fn ask_json(status: u16, body: Value) -> Verdict {
    ask_for(ResponseTemplate::new(status).set_body_json(body)).await
}

/// Asks a server that gives these bytes, and then says nothing more and does not hang up.
async fn ask_raw(reply: &'static [u8]) -> Verdict {
    ask_slow(Duration::ZERO, reply).await
}

/// Asks a server that does so after a while.
async fn ask_slow(pause: Duration, reply: &'static [u8]) -> Verdict {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/verify", listener.local_addr().expect("an address"));
    let server = async {
        let (mut socket, _) = listener.accept().await.expect("a call");
        let mut head = [0; 4096];
        let _ = socket.read(&mut head).await.expect("a request");
        sleep(pause).await;
        socket.write_all(reply).await.expect("a reader");
        pending().await
    };
    tokio::select! { verdict = ask(&url) => verdict, verdict = server => verdict }
}

fn why(verdict: Verdict) -> String {
    match verdict {
        Verdict::Unreachable(why) => why,
        other => panic!("this counts as an answer: {other:?}"),
    }
}

fn granted(verdict: Verdict) -> Grant {
    match verdict {
        Verdict::Good(grant) => grant,
        other => panic!("this is no good answer: {other:?}"),
    }
}

fn denied(verdict: Verdict) -> Denial {
    match verdict {
        Verdict::Denied(denial) => denial,
        other => panic!("this is no refusal: {other:?}"),
    }
}

#[tokio::test]
async fn the_question_has_the_three_fields_and_nothing_else() {
    let server = MockServer::start().await;
    let version = env!("CARGO_PKG_VERSION");
    let body = json!({"code": CANARY, "installation": "installation-1", "version": version});
    let given = Mock::given(method("POST")).and(path("/v1/verify")).and(body_json(body));
    let given = given.and(header("content-type", "application/json"));
    let yes = ResponseTemplate::new(200).set_body_json(json!({"valid": true}));
    given.respond_with(yes).expect(1).mount(&server).await;
    let verdict = ask(&format!("{}/v1/verify", server.uri())).await;
    assert_eq!(verdict, Verdict::Good(Grant::default()));
}

#[tokio::test]
async fn a_good_answer_is_read_whole() {
    let body = json!({
        "valid": true, "expires_at": NOW + 60, "plan": "gold\u{1b}[0m",
        "message": format!("hello {CANARY}"), "limits": {"requests_per_minute": 60}, "more": [1],
    });
    let grant = granted(ask_json(200, body).await);
    assert_eq!(grant.expires_at, Some(NOW + 60));
    assert_eq!(grant.plan.as_deref(), Some("gold[0m"));
    assert_eq!(grant.note.as_deref(), Some("hello ***"));
    assert_eq!(grant.limits.requests_per_minute, Some(60));
    let body = json!({"valid": true, "expires_at": null, "plan": null, "limits": null});
    assert_eq!(granted(ask_json(200, body).await), Grant::default());
}

#[tokio::test]
async fn a_date_may_have_several_forms() {
    let forms = [
        json!(NOW),
        json!(1_790_000_000.9),
        json!("2026-09-21T14:13:20Z"),
        json!("2026-09-21T16:13:20.5+02:00"),
    ];
    for form in forms {
        let grant = granted(ask_json(200, json!({"valid": true, "expires_at": form})).await);
        assert_eq!(grant.expires_at, Some(NOW), "{form}");
    }
}

#[tokio::test]
async fn a_definite_no_is_taken_at_its_word() {
    let no = denied(ask_json(200, json!({"valid": false, "message": "unpaid\n"})).await);
    assert_eq!((no.expired, no.note.as_deref()), (false, Some("unpaid")));
    let no = denied(ask_json(200, json!({"valid": false, "expires_at": NOW})).await);
    assert!(no.expired);
    let no = denied(ask_json(200, json!({"valid": false, "expires_at": NOW + 1})).await);
    assert!(!no.expired, "it was revoked before that");
    let no = denied(ask_json(401, json!({"message": format!("no {CANARY}")})).await);
    assert_eq!((no.expired, no.note.as_deref()), (false, Some("no ***")));
    let html = ResponseTemplate::new(403).set_body_string("<h1>Forbidden</h1>");
    assert_eq!(denied(ask_for(html).await), invalid());
}

#[tokio::test]
async fn a_refusal_needs_no_body_that_can_be_read() {
    for status in [401, 403] {
        let packed = ResponseTemplate::new(status).set_body_json(json!({"message": "unpaid"}));
        let packed = packed.insert_header("content-encoding", "gzip");
        assert_eq!(denied(ask_for(packed).await), invalid());
        let long = json!({"message": "x".repeat(LONGEST)});
        assert_eq!(denied(ask_json(status, long).await), invalid());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_does_not_wait_for_its_body() {
    let replies: [&[u8]; 4] = [
        b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 99\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\ncontent-length: 99\r\n\r\n{\"message\":",
        b"HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\nno length\r\n",
    ];
    for reply in replies {
        for (pause, longest) in [(0, 1_100), (4_500, 4_950)] {
            let begun = Instant::now();
            let no = denied(ask_slow(Duration::from_millis(pause), reply).await);
            assert_eq!(no, invalid());
            let took = begun.elapsed();
            assert!(took <= Duration::from_millis(longest), "{took:?}");
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_counts_as_none() {
    let target = MockServer::start().await;
    let yes = ResponseTemplate::new(200).set_body_json(json!({"valid": true}));
    Mock::given(method("POST")).respond_with(yes).expect(0).mount(&target).await;
    let mut reasons = Vec::new();
    for status in [301, 302, 307, 308] {
        let redirect = ResponseTemplate::new(status).insert_header("location", target.uri());
        reasons.push(why(ask_for(redirect).await));
    }
    for status in [201, 204, 400, 404, 429, 500, 503] {
        reasons.push(why(ask_json(status, json!({"valid": true})).await));
    }
    let shapes = [
        json!({}),
        json!([]),
        json!(true),
        json!(null),
        json!({"valid": "true"}),
        json!({"valid": 1}),
        json!({"valid": true, "plan": 7}),
        json!({"valid": true, "message": {}}),
        json!({"valid": true, "limits": {"concurrency": "many"}}),
        json!({"valid": true, "limits": {"concurrency": -1}}),
        json!({"valid": true, "expires_at": true}),
        json!({"valid": true, "expires_at": -1}),
        json!({"valid": true, "expires_at": 1e300}),
        json!({"valid": true, "expires_at": "tomorrow"}),
        json!({"valid": true, "expires_at": "1969-01-01T00:00:00Z"}),
        json!({"valid": false, "expires_at": "2026-13-01T00:00:00Z"}),
    ];
    for shape in shapes {
        reasons.push(format!("{shape}: {}", why(ask_json(200, shape.clone()).await)));
    }
    for text in ["", "<html>canary</html>", "{\"valid\": tru", "{\"valid\":true}{\"valid\":true}"] {
        let body = ResponseTemplate::new(200).set_body_string(text);
        reasons.push(format!("{text}: {}", why(ask_for(body).await)));
    }
    let packed = ResponseTemplate::new(200).set_body_json(json!({"valid": true}));
    reasons.push(why(ask_for(packed.insert_header("content-encoding", "gzip")).await));
    let long = json!({"valid": true, "message": "x".repeat(LONGEST)});
    reasons.push(why(ask_json(200, long).await));
    let twice = ResponseTemplate::new(200).set_body_string(r#"{"valid":true,"valid":false}"#);
    reasons.push(why(ask_for(twice).await));
    insta::assert_snapshot!(reasons.join("\n"));
}

#[tokio::test]
async fn what_is_no_http_counts_as_none() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        format!("http://{}", listener.local_addr().expect("an address"))
    };
    assert_eq!(why(ask(&closed).await), "no connection can be made");
    let junk = why(ask_raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n").await);
    assert_eq!(junk, "its answer is longer than 64 KiB, packed, or no HTTP");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_ends_is_given_up_after_five_seconds() {
    let half: [&[u8]; 3] = [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"valid\":true",
    ];
    for reply in half {
        let begun = Instant::now();
        let why = why(ask_raw(reply).await);
        assert!(begun.elapsed() <= Duration::from_millis(5100), "{:?}", begun.elapsed());
        assert!(!why.is_empty());
    }
}

#[test]
fn only_a_plain_url_is_an_authority() {
    for url in ["", "auth.example.org", "ftp://a.example", "https://user:pw@a.example", "https://"]
    {
        let error = Remote::new(url).expect_err("no URL");
        assert_eq!(error.kind(), ErrorKind::Configuration, "{url}");
        assert!(!error.to_string().contains("pw"));
    }
    let remote = Remote::new("http://127.0.0.1:1/verify").expect("a URL");
    assert_eq!(remote.name(), "http://127.0.0.1:1/verify");
}
