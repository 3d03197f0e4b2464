use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::PublicFetcher;
use super::lookup::Lookup;
use super::reach::Reach;
use crate::adapt::files::Fetch;
use crate::error::{Error, Result};

mod pages;

const IMAGE: &str = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 3\r\n\r\npng";

/// Answers one look-up after the other; the last answer stays.
#[derive(Debug)]
struct Names {
    answers: Mutex<VecDeque<Vec<SocketAddr>>>,
}

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, _: &str) -> io::Result<Vec<SocketAddr>> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let next = answers.pop_front().expect("a look-up too many");
        Ok(next)
    }
}

/// One server that may be reached, and one that must never be.
struct Stage {
    server: TcpListener,
    canary: TcpListener,
}

impl Stage {
    async fn new() -> Self {
        let bind = async || TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self { server: bind().await, canary: bind().await }
    }

    fn server(&self) -> SocketAddr {
        self.server.local_addr().expect("an address")
    }

    fn canary(&self) -> SocketAddr {
        self.canary.local_addr().expect("an address")
    }

    fn fetcher(&self, names: impl IntoIterator<Item = Vec<SocketAddr>>) -> PublicFetcher {
        let answers = Mutex::new(names.into_iter().collect());
        let reach = Reach { also: vec![self.server()], any_port: true };
        PublicFetcher::over(Arc::new(Names { answers }), reach).expect("certificates")
    }

    /// Fetches an image while the server gives these replies; panics where the canary is called.
    async fn fetch(&self, fetcher: &PublicFetcher, url: &str, replies: &[&str]) -> Result<Bytes> {
        self.play(url, replies, fetcher.image(url, 1000)).await
    }

    /// Waits for `answer` while the server gives these replies; panics where the canary is called.
    async fn play<T>(&self, url: &str, replies: &[&str], answer: impl Future<Output = T>) -> T {
        let serve = async {
            for reply in replies {
                reply_once(&self.server, reply).await;
            }
            std::future::pending::<()>().await;
        };
        let answer = tokio::select! {
            answer = answer => answer,
            () = serve => unreachable!("it never ends"),
            _ = self.canary.accept() => panic!("the canary was called for {url}"),
        };
        let called = futures::FutureExt::now_or_never(self.canary.accept());
        assert!(called.is_none(), "the canary was called for {url}");
        answer
    }
}

async fn reply_once(listener: &TcpListener, reply: &str) {
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let mut head = [0; 4096];
    let length = stream.read(&mut head).await.expect("a request");
    let head = String::from_utf8_lossy(&head[..length]).to_ascii_lowercase();
    assert!(head.starts_with("get /") && !head.contains("cookie") && !head.contains("referer"));
    // Whoever has read enough may be gone.
    let _ = stream.write_all(reply.as_bytes()).await;
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

fn out_of_reach(error: &Error) {
    assert_eq!(error.code(), "invalid_image_url");
    assert!(error.message().contains("its address must be public"), "{error}");
}

#[tokio::test]
async fn an_image_at_a_public_name_is_fetched() {
    let stage = Stage::new().await;
    let fetcher = stage.fetcher([vec![stage.server()]]);
    let image = stage.fetch(&fetcher, "http://pictures.example/a.png", &[IMAGE]).await;
    assert_eq!(image.ok().as_deref(), Some(&b"png"[..]));
}

#[tokio::test]
async fn g31_addresses_that_are_not_public_are_never_called() {
    let stage = Stage::new().await;
    let port = stage.canary().port();
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "10.0.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "[fe80::1]",
    ] {
        let url = format!("http://{host}:{port}/");
        out_of_reach(&stage.fetch(&stage.fetcher([]), &url, &[]).await.expect_err("blocked"));
    }
    let url = format!("http://user:word@pictures.example:{port}/");
    out_of_reach(&stage.fetch(&stage.fetcher([]), &url, &[]).await.expect_err("credentials"));
}

#[tokio::test]
async fn g31_names_of_addresses_that_are_not_public_are_never_called() {
    let stage = Stage::new().await;
    let public = "1.1.1.1:80".parse().expect("an address");
    let mapped = format!("[::ffff:127.0.0.1]:{}", stage.canary().port());
    let mapped = mapped.parse().expect("an address");
    for addresses in [vec![stage.canary()], vec![public, stage.canary()], vec![mapped], vec![]] {
        let fetcher = stage.fetcher([addresses]);
        let answer = stage.fetch(&fetcher, "http://localhost/", &[]).await;
        out_of_reach(&answer.expect_err("blocked"));
    }
}

#[tokio::test]
async fn g31_a_name_that_changes_its_address_is_looked_up_once_a_hop() {
    let stage = Stage::new().await;
    // One look-up: a second one would give the canary.
    let fetcher = stage.fetcher([vec![stage.server()], vec![stage.canary()]]);
    let image = stage.fetch(&fetcher, "http://rebind.example/", &[IMAGE]).await;
    assert!(image.is_ok(), "{image:?}");
    // The next fetch asks again, and the answer is judged again.
    let answer = stage.fetch(&fetcher, "http://rebind.example/", &[]).await;
    out_of_reach(&answer.expect_err("blocked"));

    let fetcher = stage.fetcher([vec![stage.server()], vec![stage.canary()]]);
    let hop = redirect("/again");
    let answer = stage.fetch(&fetcher, "http://rebind.example/", &[&hop]).await;
    out_of_reach(&answer.expect_err("blocked"));
}

#[tokio::test]
async fn g31_redirects_are_judged_like_the_first_address() {
    let stage = Stage::new().await;
    let port = stage.canary().port();
    for to in [
        format!("http://127.0.0.1:{port}/"),
        format!("//0x7f.1:{port}/"),
        format!("http://[::ffff:7f00:1]:{port}/"),
        format!("http://a:b@pictures.example:{port}/"),
        "file:///etc/passwd".to_owned(),
        "gopher://pictures.example/".to_owned(),
        "http://[".to_owned(),
    ] {
        let fetcher = stage.fetcher([vec![stage.server()]]);
        let reply = redirect(&to);
        let answer = stage.fetch(&fetcher, "http://pictures.example/", &[&reply]).await;
        out_of_reach(&answer.expect_err("blocked"));
    }
}

#[tokio::test]
async fn three_redirects_are_followed_and_not_four() {
    let stage = Stage::new().await;
    let (hop, here) = (redirect("/next"), || vec![stage.server()]);
    let fetcher = stage.fetcher([here(), here(), here(), here()]);
    let replies = [hop.as_str(), &hop, &hop, IMAGE];
    assert!(stage.fetch(&fetcher, "http://pictures.example/", &replies).await.is_ok());
    let fetcher = stage.fetcher([here(), here(), here(), here()]);
    let replies = [hop.as_str(), &hop, &hop, &hop];
    let error =
        stage.fetch(&fetcher, "http://pictures.example/", &replies).await.expect_err("four");
    assert!(error.message().contains("more than three times"), "{error}");
}

#[tokio::test]
async fn what_is_no_image_or_too_large_is_not_taken() {
    let stage = Stage::new().await;
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: image/png\r\n";
    let large = format!("{head}\r\n{}", "x".repeat(1001));
    let packed = format!("{head}Content-Encoding: gzip\r\n\r\nx");
    for (reply, code) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n",
            "invalid_image_url",
        ),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Type: image/png\r\nContent-Length: 0\r\n\r\n",
            "invalid_image_url",
        ),
        (large.as_str(), "request_too_large"),
        (packed.as_str(), "invalid_image_url"),
        ("nonsense", "invalid_image_url"),
    ] {
        let fetcher = stage.fetcher([vec![stage.server()]]);
        let error = stage.fetch(&fetcher, "http://pictures.example/", &[reply]).await;
        assert_eq!(error.expect_err("refused").code(), code, "{reply}");
    }
}

#[tokio::test]
async fn an_image_that_does_not_end_is_given_up() {
    let stage = Stage::new().await;
    let fetcher = stage.fetcher([vec![stage.server()]]);
    tokio::time::pause();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 9\r\n\r\n";
    let error = stage.fetch(&fetcher, "http://slow.example/", &[head]).await.expect_err("late");
    assert_eq!(error.code(), "invalid_image_url");
}
