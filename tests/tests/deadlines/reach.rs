//! An upstream that does not take the connection.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use llm2api_tests::each;
use llm2api_tests::processes::{CHAT_UI, OPENAI, Outcome, Server};
use socket2::{Domain, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::is_punctual;

const LIMIT: Duration = Duration::from_secs(1);
/// A connection that is not there by then will not be.
const ENOUGH: Duration = Duration::from_millis(300);
/// More than any backlog of one takes.
const CALLERS: usize = 16;

/// A port whose backlog is full: the system answers no more callers.
struct Deaf {
    address: SocketAddr,
    _listener: Socket,
    _waiting: Vec<TcpStream>,
}

impl Deaf {
    async fn start() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port");
        listener.listen(1).expect("it listens");
        let address = listener.local_addr().expect("an address").as_socket().expect("of IP");
        let mut waiting = Vec::new();
        while let Ok(caller) = timeout(ENOUGH, TcpStream::connect(address)).await {
            waiting.push(caller.expect("a place in the backlog"));
            assert!(waiting.len() < CALLERS, "the backlog has no end");
        }
        Self { address, _listener: listener, _waiting: waiting }
    }
}

/// Asks a server whose upstream is deaf: it is told in time, and holds nothing.
async fn play(kind: &str, stream: bool) {
    let deaf = Deaf::start().await;
    let data = tempfile::tempdir().expect("a directory");
    let folder = data.path().join("data");
    std::fs::create_dir(&folder).expect("a directory");
    let url = format!("http://{}", deaf.address);
    let settings = [
        ("UPSTREAM_KIND", kind),
        ("UPSTREAM_URL", url.as_str()),
        ("COOKIES", "account-1,account-2"),
        ("STORE_URL", "memory:"),
        ("CONNECT_TIMEOUT", "1s"),
    ];
    let server = Server::start(&folder, &settings).await;
    let told = Outcome::of(&server.api, "hello", stream).await;
    let what = format!("{kind}, streamed {stream}: {told:?}");
    assert_eq!(told.refusal(), (504, "connect_timeout".to_owned()), "{what}");
    // It is tried once more.
    assert!(is_punctual(told.took, 2 * LIMIT), "{what}");
    let accounts = server.api.cookies().await;
    assert!(accounts.iter().all(|account| account["in_flight"] == 0), "{accounts:?}");
}

#[tokio::test]
async fn an_upstream_that_is_not_reached_in_time_is_a_gateway_timeout() {
    each([true, false], async |stream| play(OPENAI, stream).await).await;
}

#[tokio::test]
async fn a_chat_ui_that_is_not_reached_in_time_is_a_gateway_timeout_as_well() {
    each([true, false], async |stream| play(CHAT_UI, stream).await).await;
}
