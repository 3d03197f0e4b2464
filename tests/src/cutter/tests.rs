//! Tests of the proxy in front of a simulator.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};

use super::{Answers, Cut, Cutter};
use crate::{Options, Script, Simulator, Step};

const CHAT: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 49\r\n\r\n\
    {\"model\":\"mock-flat\",\"messages\":[],\"stream\":true}";
const MODELS: &str = "GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n";
/// The whole answer to the chat.
const WHOLE: &str = "HTTP/1.1 200 OK\r\n\r\nHello";

/// A simulator and the proxy in front of it.
async fn pair(cuts: impl IntoIterator<Item = Cut>) -> (Simulator, Cutter) {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let cutter = Cutter::start(&simulator.url()).await.unwrap();
    cutter.plan(cuts);
    (simulator, cutter)
}

async fn connect(cutter: &Cutter) -> TcpStream {
    TcpStream::connect(cutter.address()).await.unwrap()
}

/// Asks for the whole answer on a connection of its own; returns what came, and how it ended.
async fn chat(simulator: &Simulator, cutter: &Cutter) -> (String, io::Result<()>) {
    simulator.script(Script::steps([Step::Raw(WHOLE.into()), Step::Cut]));
    let mut socket = connect(cutter).await;
    socket.write_all(CHAT.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let ended = socket.read_to_string(&mut answer).await.map(drop);
    (answer, ended)
}

#[tokio::test]
async fn each_answer_is_cut_at_its_byte_and_others_pass() {
    for after in 0..=WHOLE.len() {
        let cut = Cut::new(Answers::Sends, after as u64);
        let (simulator, cutter) = pair([Cut::new(Answers::Streams, 0), cut]).await;
        let (first, ended) = chat(&simulator, &cutter).await;
        assert_eq!(first, WHOLE[..after]);
        assert!(ended.is_ok(), "closed in order: {ended:?}");
        let (second, _) = chat(&simulator, &cutter).await;
        assert_eq!(second, WHOLE, "the plan is used up");
        let passed: Vec<_> = cutter.passed().iter().map(|one| (one.bytes, one.cut)).collect();
        assert_eq!(passed, [(after as u64, true), (WHOLE.len() as u64, false)]);
        assert_eq!(cutter.cuts(), 1);
    }
}

#[tokio::test]
async fn a_reset_is_one() {
    let (simulator, cutter) = pair([Cut::new(Answers::Sends, 0).by_reset()]).await;
    let (_, ended) = chat(&simulator, &cutter).await;
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_body_that_the_connection_delimits_hides_a_cut() {
    let (simulator, cutter) = pair([Cut::none(Answers::Sends)]).await;
    simulator.reconfigure(|options| options.close_delimited = true);
    simulator.script(Script::steps([Step::KeepAlive]));
    let mut socket = connect(&cutter).await;
    socket.write_all(CHAT.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\nConnection: close\r\n\r\n: keep-alive\n\n"), "{answer}");
    assert!(!answer.contains("Transfer-Encoding"), "{answer}");
}

#[tokio::test]
async fn silence_lasts_until_the_client_leaves() {
    let (simulator, cutter) = pair([Cut::new(Answers::Sends, 5).by_silence()]).await;
    simulator.script(Script::steps([Step::Raw(WHOLE.into()), Step::Hang]));
    let mut socket = connect(&cutter).await;
    socket.write_all(CHAT.as_bytes()).await.unwrap();
    let mut answer = [0; 5];
    socket.read_exact(&mut answer).await.unwrap();
    let more = timeout(Duration::from_millis(50), socket.read(&mut answer)).await;
    assert!(more.is_err(), "nothing more, and no end");
    simulator.wait_for(|log| log.aborted_streams == 1).await;
}

#[tokio::test]
async fn one_connection_carries_several_requests() {
    let (simulator, cutter) = pair([Cut::none(Answers::Sends), Cut::new(Answers::Sends, 7)]).await;
    let mut socket = connect(&cutter).await;
    for request in [MODELS, CHAT] {
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}]}") && !answer.ends_with(b"0\r\n\r\n") {
            assert!(socket.read_buf(&mut answer).await.unwrap() > 0, "{answer:?}");
        }
    }
    socket.write_all(CHAT.as_bytes()).await.unwrap();
    let mut rest = String::new();
    socket.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "HTTP/1.", "the second chat is cut");
    assert_eq!(simulator.log().connections, 1);
    let paths: Vec<_> = cutter.passed().into_iter().map(|one| one.path).collect();
    assert_eq!(paths, ["/v1/models", "/v1/chat/completions", "/v1/chat/completions"]);
}

#[tokio::test]
async fn the_server_sees_its_client_leave() {
    let (simulator, cutter) = pair([Cut::new(Answers::Sends, 1)]).await;
    simulator.script(Script::steps([Step::KeepAlive, Step::Hang]));
    let mut socket = connect(&cutter).await;
    socket.write_all(CHAT.as_bytes()).await.unwrap();
    simulator.wait_for(|log| log.aborted_streams == 1 && log.running.is_empty()).await;
}
