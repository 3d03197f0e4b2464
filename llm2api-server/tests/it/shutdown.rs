//! The end: what runs finishes, what hangs is cut, and both can be seen.

use futures::stream;
use llm2api_server::Stop;
use poem::endpoint::make;
use poem::{Body, EndpointExt, Response};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::harness::{Running, config, status, within};

const STREAM: &str = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 77\r\n\r\n\
    {\"model\":\"demo\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}";

#[tokio::test]
async fn a_running_stream_ends_whole_and_nobody_new_comes_in() {
    let server = Running::start(&[]).await;
    let mut wire = server.connect().await;
    wire.send(STREAM).await;
    wire.until("data: ").await;
    server.stop.drain();
    let rest = wire.rest().await;
    assert!(rest.contains("data: [DONE]\n\n"), "{rest}");
    let address = server.address;
    server.ended().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_the_end_up() {
    let server = Running::start(&[]).await;
    let mut wire = server.connect().await;
    wire.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await;
    wire.until("}").await;
    server.stop.drain();
    server.ended().await;
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn a_stuck_stream_is_cut_where_everybody_sees_it() {
    let stuck = make(|_| async {
        let first = stream::iter([Ok::<_, std::io::Error>("first".to_owned())]);
        let pieces = futures::StreamExt::chain(first, stream::pending());
        Ok::<_, poem::Error>(Response::from(Body::from_bytes_stream(pieces)))
    });
    let config = config(&[("SHUTDOWN_GRACE", "100ms")]);
    let server = Running::serve(&config, stuck.map_to_response(), Stop::new());
    let mut wire = server.connect().await;
    wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    wire.until("first\r\n").await;
    server.stop.drain();
    let rest = wire.rest().await;
    assert!(!rest.contains("0\r\n\r\n"), "no orderly end: {rest}");
    server.ended().await;
}

#[tokio::test]
async fn a_chat_that_runs_out_of_grace_says_so() {
    let server = Running::start(&[("SHUTDOWN_GRACE", "0")]).await;
    let mut wire = server.connect().await;
    wire.send(STREAM).await;
    wire.until("data: ").await;
    server.stop.drain();
    let rest = wire.rest().await;
    assert!(rest.contains("\"code\":\"shutting_down\""), "{rest}");
    assert!(!rest.contains("[DONE]"), "{rest}");
    server.ended().await;
}

#[tokio::test]
async fn a_running_request_ends_whole_and_closes_its_connection() {
    let (begun, mut has_begun) = mpsc::unbounded_channel::<()>();
    let (go, wait) = tokio::sync::watch::channel(false);
    let slow = make(move |_| {
        let (begun, mut wait) = (begun.clone(), wait.clone());
        async move {
            let _ = begun.send(());
            let _ = wait.wait_for(|go| *go).await;
            "done"
        }
    });
    let server = Running::serve(&config(&[]), slow.map_to_response(), Stop::new());
    let mut wire = server.connect().await;
    wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    within(has_begun.recv()).await.expect("the request runs");
    server.stop.drain();
    go.send(true).expect("the request waits");
    let answer = wire.rest().await;
    assert_eq!(status(&answer), 200);
    assert!(answer.ends_with("done"), "{answer}");
    server.ended().await;
}
