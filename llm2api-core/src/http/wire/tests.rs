//! Laws of the framing, and calls to servers that say what they are told to.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt};
use http::Method;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::framing::{Framing, Step};
use super::head::Head;
use super::{Connector, Wire, WireError};
use crate::http::client::tls_config;

const PATIENCE: Duration = Duration::from_secs(10);

fn wire() -> Wire {
    let tls = tls_config(false).expect("nothing to load");
    Wire::new(Connector::new(tls, PATIENCE), "test")
}

/// A server whose connections are taken one after the other, as the test goes on.
struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        Self { listener, address }
    }

    fn url(&self) -> String {
        format!("http://{}/x", self.address)
    }

    async fn accept(&self) -> TcpStream {
        timeout(PATIENCE, self.listener.accept()).await.expect("in time").expect("a client").0
    }
}

/// Reads a request's head, byte by byte so that nothing behind it is taken.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("more of the head"));
    }
    String::from_utf8(head).expect("text")
}

/// Answers one request on `stream`.
async fn answer(mut stream: TcpStream, answer: &str) -> TcpStream {
    read_request(&mut stream).await;
    stream.write_all(answer.as_bytes()).await.expect("a client that reads");
    stream
}

/// Asks and reads the whole answer.
async fn ask(wire: &Wire, url: &str) -> Result<(u16, Bytes), WireError> {
    let request = wire.request(&Method::GET, wire.target(url));
    let exchange = async {
        let (head, body) = wire.send(request).await?;
        let body: BytesMut = body.try_collect::<Vec<_>>().await?.concat().as_slice().into();
        Ok((head.status(), body.freeze()))
    };
    timeout(PATIENCE, exchange).await.expect("in time")
}

/// Asks while the server answers with `text` on a new connection and closes it.
async fn ask_for(text: &str) -> Result<(u16, Bytes), WireError> {
    let (server, wire) = (Server::start().await, wire());
    let url = server.url();
    let serve = async { drop(answer(server.accept().await, text).await) };
    tokio::join!(ask(&wire, &url), serve).0
}

async fn is_closed(mut stream: TcpStream) -> bool {
    matches!(timeout(PATIENCE, stream.read_u8()).await, Ok(Err(_)))
}

#[tokio::test]
async fn one_connection_serves_call_after_call() {
    let (server, wire) = (Server::start().await, wire());
    let answers = [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 404 X\r\ntransfer-encoding: chunked\r\n\r\n1;x=y\r\na\r\nA\r\n0123456789\r\n0\r\nT: u\r\n\r\n",
        "HTTP/1.1 204 No\r\n\r\n",
        "HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1, 1\r\n\r\nc",
    ];
    let serve = async {
        let mut stream = server.accept().await;
        for text in answers {
            stream = answer(stream, text).await;
        }
        stream
    };
    let calls = async {
        let mut got = Vec::new();
        for _ in answers {
            let (status, body) = ask(&wire, &server.url()).await.expect("an answer");
            got.push((status, String::from_utf8(body.to_vec()).expect("text")));
        }
        got
    };
    let (got, _kept) = tokio::join!(calls, serve);
    let got: Vec<_> = got.iter().map(|(status, body)| (*status, body.as_str())).collect();
    assert_eq!(got, [(200, "ab"), (404, "a0123456789"), (204, ""), (200, ""), (200, "c")]);
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_not_used() {
    let (server, wire) = (Server::start().await, wire());
    let url = server.url();
    for _ in 0..5 {
        let serve = async {
            answer(server.accept().await, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await
        };
        let (got, stream) = tokio::join!(ask(&wire, &url), serve);
        assert_eq!(got.expect("an answer").0, 200);
        drop(stream);
        timeout(PATIENCE, gone(&wire, &url)).await.expect("the end is seen");
    }
}

#[tokio::test]
async fn a_connection_that_no_call_comes_for_is_closed() {
    let empty = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let (server, wire) = (Server::start().await, wire());
    let url = server.url();
    let serve = async { answer(server.accept().await, empty).await };
    let (got, stream) = tokio::join!(ask(&wire, &url), serve);
    assert_eq!(got.expect("an answer").0, 200);
    wire.rest();
    // It is young, and serves another call.
    let (got, stream) = tokio::join!(ask(&wire, &url), answer(stream, empty));
    assert_eq!(got.expect("an answer").0, 200);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(91)).await;
    wire.rest();
    tokio::time::resume();
    assert!(is_closed(stream).await);
}

/// Says whether a connection to `url` is kept, and takes it.
fn keeps_one(wire: &Wire, url: &str) -> bool {
    wire.idle.take(wire.target(url).expect("valid").place()).is_some()
}

/// Waits until no connection to `url` is kept any more.
async fn gone(wire: &Wire, url: &str) {
    let target = wire.target(url).expect("valid");
    while let Some(conn) = wire.idle.take(target.place()) {
        wire.idle.put(target.place(), conn);
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_connection_is_kept_only_where_its_end_is_sure() {
    for text in [
        "HTTP/1.1 200 OK\r\nconnection: x, Close\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let (server, wire) = (Server::start().await, wire());
        let url = server.url();
        let serve = async { is_closed(answer(server.accept().await, text).await).await };
        let (got, closed) = tokio::join!(ask(&wire, &url), serve);
        assert_eq!(got.expect("an answer").1, "", "{text}");
        assert!(closed, "{text}");
    }
}

#[tokio::test]
async fn a_body_may_end_with_the_connection() {
    for text in [
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\na: b\r\n\r\nHTTP/1.0 200 OK\r\n\r\nabc",
        "HTTP/1.1 200\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\nabc",
    ] {
        assert_eq!(ask_for(text).await.expect("an answer"), (200, "abc".into()), "{text}");
    }
}

#[tokio::test]
async fn what_is_cut_or_no_http_is_an_error() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(70 << 10));
    let trailer = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n{}\r\n{}",
        "x".repeat((64 << 10) - 1),
        "y".repeat(8 << 10)
    );
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(101));
    for text in [
        "SSH-2.0\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\na",
        "HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\na",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\nab",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10000000000000000\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1, +1\r\n\r\na",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\u{fc}\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 101 Other\r\nupgrade: x\r\n\r\n",
        &long,
        &many,
        &trailer,
    ] {
        assert!(matches!(ask_for(text).await, Err(WireError::Malformed(_))), "{text}");
    }
    for text in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n",
    ] {
        assert!(matches!(ask_for(text).await, Err(WireError::Broken(_))), "{text}");
    }
}

#[tokio::test]
async fn an_early_refusal_is_read_though_the_body_is_not() {
    let (server, wire) = (Server::start().await, wire());
    let large = Bytes::from(vec![b'x'; 32 << 20]);
    let request = wire.request(&Method::POST, wire.target(&server.url())).body(large);
    let refuse = "HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno";
    let serve = async { answer(server.accept().await, refuse).await };
    let (sent, stream) = tokio::join!(timeout(PATIENCE, wire.send(request)), serve);
    let (head, body) = sent.expect("in time").expect("an answer");
    assert_eq!(head.status(), 413);
    assert_eq!(body.try_collect::<Vec<_>>().await.expect("whole").concat(), b"no");
    drop(stream);
    assert!(!keeps_one(&wire, &server.url()));
}

#[tokio::test]
async fn a_connection_that_waits_for_a_body_serves_no_other_call() {
    let (server, wire, first_read) = (Server::start().await, wire(), Notify::new());
    let large = Bytes::from(vec![b'x'; 32 << 20]);
    let request = wire.request(&Method::POST, wire.target(&server.url())).body(large);
    let serve = async {
        let head = "HTTP/1.1 401 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n";
        let mut stream = answer(server.accept().await, head).await;
        // The end comes apart from the rest.
        first_read.notified().await;
        stream.write_all(b"0\r\n\r\n").await.expect("a client that reads");
        stream
    };
    let call = async {
        let (_, mut body) = wire.send(request).await.expect("an answer");
        assert_eq!(body.next().await.expect("a chunk").expect("sound"), "no");
        first_read.notify_one();
        assert!(body.next().await.is_none());
    };
    let ((), _stream) = timeout(PATIENCE, async { tokio::join!(call, serve) }).await.expect("ends");
    assert!(!keeps_one(&wire, &server.url()));
}

#[tokio::test]
async fn an_answer_that_is_dropped_when_it_is_whole_keeps_its_connection() {
    let (server, wire) = (Server::start().await, wire());
    let whole = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let serve = async { answer(server.accept().await, whole).await };
    let request = wire.request(&Method::GET, wire.target(&server.url()));
    let (sent, _stream) = tokio::join!(wire.send(request), serve);
    drop(sent.expect("an answer"));
    assert!(keeps_one(&wire, &server.url()));
}

#[tokio::test]
async fn a_connection_that_was_said_to_close_is_not_kept() {
    let (server, wire) = (Server::start().await, wire());
    let serve = async {
        answer(server.accept().await, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await
    };
    let request = wire.request(&Method::GET, wire.target(&server.url()));
    let request = request.header("connection", "close");
    let (sent, _stream) = tokio::join!(wire.send(request), serve);
    assert_eq!(sent.expect("an answer").0.status(), 200);
    assert!(!keeps_one(&wire, &server.url()));
}

#[tokio::test]
async fn a_body_is_sent_on_while_the_answer_comes() {
    let (server, wire) = (Server::start().await, wire());
    let large = Bytes::from(vec![b'x'; 32 << 20]);
    let request = wire.request(&Method::POST, wire.target(&server.url())).body(large.clone());
    let serve = async {
        let begin = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";
        let mut stream = answer(server.accept().await, begin).await;
        let mut rest = vec![0; large.len()];
        stream.read_exact(&mut rest).await.expect("the whole body");
        stream.write_all(b"ok").await.expect("a client that reads");
        stream
    };
    let call = async {
        let (_, body) = wire.send(request).await.expect("an answer");
        body.try_collect::<Vec<_>>().await.expect("whole").concat()
    };
    let (got, _kept) = timeout(PATIENCE, async { tokio::join!(call, serve) }).await.expect("ends");
    assert_eq!(got, b"ok");
    assert!(keeps_one(&wire, &server.url()));
}

#[tokio::test]
async fn who_drops_an_answer_closes_its_connection() {
    let (server, wire) = (Server::start().await, wire());
    let begin = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n";
    let serve = async { answer(server.accept().await, begin).await };
    let request = wire.request(&Method::GET, wire.target(&server.url()));
    let (sent, stream) = tokio::join!(wire.send(request), serve);
    let (_, mut body) = sent.expect("an answer");
    assert_eq!(body.next().await.expect("a chunk").expect("whole"), "a");
    drop(body);
    assert!(is_closed(stream).await);
}

#[tokio::test]
async fn nobody_is_there() {
    let server = Server::start().await;
    let url = server.url();
    drop(server);
    assert!(matches!(ask(&wire(), &url).await, Err(WireError::Connect(_))));
    assert!(matches!(ask(&wire(), "https://[::1]:1/").await, Err(WireError::Connect(_))));
}

#[test]
fn fields_are_found_whatever_their_case() {
    let mut bytes = BytesMut::from("HTTP/1.1 200 OK\r\nA: 1 \r\na:2\r\nB: \u{fc}\r\n\r\nrest");
    let head = Head::take(&mut bytes).expect("HTTP").expect("whole");
    assert_eq!(head.all("a").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!((head.get("b"), head.get("c"), &bytes[..]), (Some("\u{fc}"), None, &b"rest"[..]));
}

/// Takes a body that comes in `pieces`.
fn body(mut framing: Framing, pieces: &[Bytes]) -> Result<(Vec<u8>, bool), WireError> {
    let (mut buffer, mut body) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match framing.next(&mut buffer)? {
                Step::Data(bytes) => body.extend_from_slice(&bytes),
                Step::More => break,
                Step::End => return Ok((body, true)),
            }
        }
    }
    Ok((body, framing.close().is_ok()))
}

proptest! {
    #[test]
    fn any_split_of_a_body_gives_the_same(
        chunks in proptest::collection::vec("[a\r\n0;]{1,30}", 0..10),
        extension in "(;[a-z=]{0,5})?",
        trailer in "(t: u\r\n){0,2}",
        size in 1_usize..9,
    ) {
        let whole = chunks.concat();
        let mut text = String::new();
        for chunk in chunks.iter().map(String::as_str).chain([""]) {
            write!(text, "{:x}{extension}\r\n{chunk}", chunk.len()).expect("a String takes all");
            text.push_str(if chunk.is_empty() { &trailer } else { "" });
            text.push_str("\r\n");
        }
        let pieces = |text: &str| -> Vec<Bytes> {
            text.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect()
        };
        let (got, ended) = body(Framing::chunked(), &pieces(&text)).expect("well framed");
        prop_assert_eq!((got.as_slice(), ended), (whole.as_bytes(), true));
        let length = Framing::length(whole.len() as u64);
        let (got, ended) = body(length, &pieces(&whole)).expect("well framed");
        prop_assert_eq!((got.as_slice(), ended), (whole.as_bytes(), true));
        for cut in 0..text.len() {
            let (_, ended) = body(Framing::chunked(), &pieces(&text[..cut])).expect("well framed");
            prop_assert!(!ended);
        }
    }

    #[test]
    fn no_bytes_can_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut buffer = BytesMut::from(&bytes[..]);
        let _: Result<Option<Head>, WireError> = Head::take(&mut buffer);
        let _: Result<(Vec<u8>, bool), WireError> = body(Framing::chunked(), &[bytes.into()]);
    }
}
