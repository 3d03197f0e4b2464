//! Clients that are slow, greedy, sly or gone.

use std::time::Duration;

use futures::stream;
use llm2api_server::Stop;
use poem::endpoint::make;
use poem::{Body, EndpointExt, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval};

use crate::harness::{Gone, Running, chat, config, header, json, promptly, quiet, status, within};

const CHAT: &str = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n";
const HELLO: &str = r#"{"model":"demo","messages":[{"role":"user","content":"Hello"}]}"#;
const LIVE: &str = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn a_client_that_sends_nothing_is_closed() {
    let server = Running::start(&[("CLIENT_HEAD_TIMEOUT", "100ms")]).await;
    assert_eq!(server.exchange("").await, "");
}

#[tokio::test]
async fn a_head_that_drips_is_closed() {
    let server = Running::start(&[("CLIENT_HEAD_TIMEOUT", "200ms")]).await;
    let mut wire = server.connect().await;
    let start = Instant::now();
    let mut pace = interval(Duration::from_millis(20));
    loop {
        pace.tick().await;
        if wire.stream.write_all(b"X").await.is_err() {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "the drip goes on");
    }
}

#[tokio::test]
async fn a_kept_connection_may_idle_longer_than_a_head_may_take() {
    let server = Running::start(&[("CLIENT_HEAD_TIMEOUT", "100ms")]).await;
    let mut wire = server.connect().await;
    wire.send(LIVE).await;
    wire.until("}").await;
    let mut byte = [0];
    let quiet = tokio::time::timeout(Duration::from_millis(400), wire.stream.peek(&mut byte));
    assert!(quiet.await.is_err(), "it is still open");
    wire.send("GET /li").await;
    assert_eq!(wire.rest().await, "", "a head that has begun has to end");
}

#[tokio::test]
async fn a_kept_connection_may_not_idle_for_ever() {
    let server = Running::start(&[("CLIENT_IDLE_TIMEOUT", "100ms")]).await;
    let mut wire = server.connect().await;
    wire.send(LIVE).await;
    assert_eq!(status(&wire.rest().await), 200);
}

#[tokio::test]
async fn large_heads_are_refused() {
    let server = Running::start(&[("REQUEST_HEAD_LIMIT", "8KiB")]).await;
    let large = format!("GET /livez HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(9000));
    assert_eq!(status(&server.exchange(&large).await), 431);
    let many = format!("GET /livez HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: x\r\n".repeat(101));
    assert_eq!(status(&server.exchange(&many).await), 431);
}

#[tokio::test]
async fn large_bodies_are_refused_announced_or_not() {
    let server = Running::start(&[("REQUEST_BODY_LIMIT", "100KiB")]).await;
    let announced = format!("{CHAT}Content-Length: 1073741824\r\n\r\n");
    let piece = "x".repeat(0x4000);
    let endless = format!("4000\r\n{piece}\r\n").repeat(20);
    for request in [announced, format!("{CHAT}Transfer-Encoding: chunked\r\n\r\n{endless}")] {
        let answer = server.exchange(&request).await;
        assert_eq!(status(&answer), 413, "{answer}");
        assert_eq!(header(&answer, "connection"), Some("close"));
        assert_eq!(json(&answer)["error"]["code"], "request_too_large");
    }
}

#[tokio::test]
async fn a_refusal_reaches_clients_that_are_still_sending() {
    let server = Running::start(&[("REQUEST_BODY_LIMIT", "1KiB")]).await;
    let body = "x".repeat(8 << 20);
    let answer =
        server.exchange(&format!("{CHAT}Content-Length: {}\r\n\r\n{body}", body.len())).await;
    assert_eq!(status(&answer), 413);
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let server = Running::start(&[("CLIENT_BODY_TIMEOUT", "100ms")]).await;
    let answer = server.exchange(&format!("{CHAT}Content-Length: 100\r\n\r\n{{")).await;
    assert_eq!(status(&answer), 408, "{answer}");
    assert_eq!(header(&answer, "connection"), Some("close"));
}

#[tokio::test]
async fn chunked_bodies_and_expect_are_served() {
    let server = Running::start(&[]).await;
    let answer = server.exchange(&chunked("Connection: close\r\nTransfer-Encoding: Chunked")).await;
    assert_eq!(status(&answer), 200, "{answer}");
    let mut wire = server.connect().await;
    let length = HELLO.len();
    wire.send(&format!(
        "{CHAT}Connection: close\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    ))
    .await;
    assert!(wire.until("\r\n\r\n").await.starts_with("HTTP/1.1 100"));
    wire.send(HELLO).await;
    assert_eq!(status(&wire.rest().await), 200);
}

/// Makes a valid chat in two chunks.
fn chunked(headers: &str) -> String {
    let (one, two) = HELLO.split_at(20);
    let rest = two.len();
    format!("{CHAT}{headers}\r\n\r\n14\r\n{one}\r\n{rest:x}\r\n{two}\r\n0\r\n\r\n")
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Running::start(&[]).await;
    let ask = |id| format!("GET /livez HTTP/1.1\r\nHost: x\r\nx-request-id: {id}\r\n\r\n");
    let last = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-request-id: c\r\n\r\n";
    let answers = server.exchange(&(ask("a") + &ask("b") + last)).await;
    let ids: Vec<_> =
        answers.lines().filter_map(|line| line.strip_prefix("x-request-id: ")).collect();
    assert_eq!(ids, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_request_names_one_host() {
    let server = Running::start(&[]).await;
    let old = server.exchange("GET /livez HTTP/1.0\r\n\r\n").await;
    assert_eq!(status(&old), 200, "{old}");
    for hosts in ["", "Host: x\r\nHost: y\r\n"] {
        let answer = server.exchange(&format!("GET /livez HTTP/1.1\r\n{hosts}\r\n")).await;
        assert_eq!(status(&answer), 400, "{answer}");
        assert_eq!(json(&answer)["error"]["code"], "invalid_host");
    }
}

#[tokio::test]
async fn odd_bytes_in_a_head_are_refused() {
    let server = Running::start(&[]).await;
    for line in ["X: a\0b", "X: a\rb", "X : a", "X\t: a", " X: a", "X: a\nY\0: b", "no colon"] {
        let request = format!("GET /livez HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n");
        let answer = server.exchange(&request).await;
        assert!([0, 400].contains(&status(&answer)), "{line:?}: {answer}");
    }
}

#[tokio::test]
async fn a_hidden_request_is_never_served() {
    let server = Running::start(&[]).await;
    let hidden = "GET /readyz HTTP/1.1\r\nHost: x\r\nx-request-id: hidden\r\n\r\n";
    let forms = [
        format!("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Content-Length: 0\r\nContent-Length: {}\r\n\r\n{hidden}", hidden.len()),
        format!("Transfer-Encoding: xchunked\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n{hidden}"),
        format!("Content-Length: +0\r\n\r\n{hidden}"),
        format!("Content-Length : 0\r\n\r\n{hidden}"),
    ];
    for form in forms {
        let answer = server.exchange(&format!("{CHAT}{form}")).await;
        assert!(!answer.contains("hidden"), "{form}: {answer}");
    }
}

#[tokio::test]
async fn codings_that_are_not_decoded_are_refused() {
    let server = Running::start(&[]).await;
    let hidden = "GET /readyz HTTP/1.1\r\nHost: x\r\nx-request-id: hidden\r\n\r\n";
    for codings in [
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: , chunked",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    ] {
        let answer = server.exchange(&(chunked(codings) + hidden)).await;
        assert_eq!(status(&answer), 400, "{codings}: {answer}");
        assert_eq!(json(&answer)["error"]["code"], "invalid_framing", "nothing follows: {answer}");
        assert_eq!(header(&answer, "connection"), Some("close"), "{codings}");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_ends_the_connection() {
    let server = Running::start(&[]).await;
    let coding = "Transfer-Encoding: chunked";
    for headers in
        [format!("Content-Length: 5\r\n{coding}"), format!("{coding}\r\nContent-Length: 5")]
    {
        let answer = server.exchange(&(chunked(&headers) + LIVE)).await;
        assert_eq!(status(&answer), 200, "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_request() {
    let (begun, mut has_begun) = mpsc::unbounded_channel();
    let (gone, mut is_gone) = mpsc::unbounded_channel();
    let pending = make(move |_| {
        let (begun, guard) = (begun.clone(), Gone(gone.clone()));
        async move {
            let _guard = guard;
            let _ = begun.send(());
            std::future::pending::<Response>().await
        }
    });
    let server = Running::serve(&config(&[]), pending.map_to_response(), Stop::new());
    for behind in ["", "GET /"] {
        let mut wire = server.connect().await;
        wire.send(&(chat("{}") + behind)).await;
        within(has_begun.recv()).await.expect("the request runs");
        drop(wire);
        promptly(is_gone.recv()).await.expect("the request is dropped");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let (gone, mut is_gone) = mpsc::unbounded_channel();
    let endless = make(move |_| {
        let guard = Gone(gone.clone());
        let pieces = stream::unfold(guard, |guard| async {
            Some((Ok::<_, std::io::Error>(vec![b'x'; 1 << 16]), guard))
        });
        async { Ok::<_, poem::Error>(Response::from(Body::from_bytes_stream(pieces))) }
    });
    let config = config(&[("WRITE_STALL_TIMEOUT", "200ms")]);
    let server = Running::serve(&config, endless.map_to_response(), Stop::new());
    let mut wire = server.connect().await;
    wire.send(LIVE).await;
    within(is_gone.recv()).await.expect("the body is dropped");
}

#[tokio::test]
async fn a_client_that_leaves_before_its_body_is_read_frees_its_request() {
    let (begun, mut has_begun) = mpsc::unbounded_channel();
    let (gone, mut is_gone) = mpsc::unbounded_channel();
    let pending = make(move |request: Request| {
        let (begun, guard) = (begun.clone(), Gone(gone.clone()));
        async move {
            let _held = (request, guard);
            let _ = begun.send(());
            std::future::pending::<Response>().await
        }
    });
    let server = Running::serve(&config(&[]), pending.map_to_response(), Stop::new());
    let mut wire = server.connect().await;
    wire.send(&chat(&"x".repeat(1 << 16))).await;
    within(has_begun.recv()).await.expect("the request runs");
    drop(wire);
    promptly(is_gone.recv()).await.expect("the request is dropped");
}

#[tokio::test]
async fn a_client_that_reads_slowly_is_not_idle() {
    const PIECE: usize = 1 << 16;
    const PIECES: usize = 128;
    let large =
        make(|_| async { Ok::<_, poem::Error>(Response::from(vec![b'x'; PIECES * PIECE])) });
    let config = config(&[("CLIENT_IDLE_TIMEOUT", "200ms")]);
    let server = Running::serve(&config, large.map_to_response(), Stop::new());
    let mut wire = server.connect_narrow().await;
    wire.send(LIVE).await;
    wire.until("\r\n\r\n").await;
    let mut pace = interval(Duration::from_millis(20));
    let mut piece = vec![0; PIECE];
    for number in 0..PIECES {
        pace.tick().await;
        let read = within(wire.stream.read_exact(&mut piece)).await;
        read.unwrap_or_else(|error| panic!("cut off in piece {number}: {error}"));
    }
    assert_eq!(wire.rest().await, "", "it idles from here on");
}

#[tokio::test]
async fn more_clients_than_connections_wait_for_their_turn() {
    let server = Running::start(&[("MAX_CONNECTIONS", "1")]).await;
    let mut first = server.connect().await;
    first.send(LIVE).await;
    first.until("}").await;
    let mut second = server.connect().await;
    second.send("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    quiet(second.stream.readable()).await;
    drop(first);
    assert_eq!(status(&second.rest().await), 200);
}

#[tokio::test]
async fn noise_on_the_port_harms_nobody() {
    let server = Running::start(&[]).await;
    for noise in [
        "\x16\x03\x01\x02",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "SSH-2.0-x\r\n\r\n",
        "\r\n\r\n\r\nx\r\n\r\n",
    ] {
        let mut wire = server.connect().await;
        wire.send(noise).await;
        wire.stream.shutdown().await.expect("half closes");
        assert!(!wire.rest().await.starts_with("HTTP/1.1 2"));
    }
    assert_eq!(status(&server.get("/livez", "").await), 200);
}
