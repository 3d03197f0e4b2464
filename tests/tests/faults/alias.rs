//! The first of two upstreams of an alias cannot be reached.

use std::net::Ipv4Addr;

use llm2api_tests::plan::ANSWER;
use llm2api_tests::processes::{MODEL, OPENAI, Outcome, Server};
use llm2api_tests::{Options, Simulator, each};
use tokio::net::TcpSocket;

use crate::LANES;

/// A port that is taken and at which nobody listens: connections to it are refused.
fn nobody() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
    let url = format!("http://{}", socket.local_addr().expect("an address"));
    (socket, url)
}

fn file(kind: &str, away: &str, upstream: &Simulator) -> String {
    let url = if kind == OPENAI { upstream.openai_url() } else { upstream.url() };
    let [first, second] = [("away", away), ("here", &url)].map(|(name, url)| {
        let credential = r#"credentials = [{ value = "account" }]"#;
        format!("[[upstream]]\nname = {name:?}\nkind = {kind:?}\nurl = {url:?}\n{credential}\n")
    });
    let serve = ["away", "here"].map(|name| format!("{name}/{MODEL}"));
    format!("{first}{second}[[model]]\nname = {MODEL:?}\nserve = {serve:?}\n")
}

#[tokio::test]
async fn g08_what_one_upstream_refuses_at_the_door_another_one_answers() {
    each(LANES, async |(kind, stream)| {
        let upstream = Simulator::start(Options::default()).await.expect("a simulator");
        let data = tempfile::tempdir().expect("a directory");
        let folder = data.path().join("data");
        std::fs::create_dir(&folder).expect("a directory");
        let (_taken, away) = nobody();
        let file = file(kind, &away, &upstream);
        std::fs::write(folder.join("llm2api.toml"), file).expect("a file");
        let server = Server::start(&folder, &[("STORE_URL", "memory:")]).await;
        let told = Outcome::of(&server.api, "hello", stream).await;
        assert!(told.is_whole() && told.text() == ANSWER, "{kind}, streamed {stream}: {told:?}");
        assert_eq!(upstream.log().senders().len(), 1, "{kind}, streamed {stream}");
    })
    .await;
}
