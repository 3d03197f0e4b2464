//! Pages, under the same rules as images.

use super::*;
use crate::http::fetch::{Page, PageKind};

const HTML: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=GBK\r\nContent-Length: 10\r\n\r\n<p>Tea</p>";

impl Stage {
    async fn page(&self, fetcher: &PublicFetcher, url: &str, replies: &[&str]) -> Result<Page> {
        self.play(url, replies, fetcher.page(url)).await
    }
}

fn out_of_reach(error: &Error) {
    assert_eq!(error.code(), "search_page");
    assert!(error.message().starts_with("a page could not be fetched: its address"), "{error}");
}

#[tokio::test]
async fn a_page_at_a_public_name_is_fetched() {
    let stage = Stage::new().await;
    let fetcher = stage.fetcher([vec![stage.server()], vec![stage.server()]]);
    let replies = [redirect("/tea"), HTML.to_owned()];
    let replies = [replies[0].as_str(), replies[1].as_str()];
    let page = stage.page(&fetcher, "http://tea.example/", &replies).await.expect("a page");
    assert_eq!((page.kind, page.charset.as_deref()), (PageKind::Html, Some("GBK")));
    assert_eq!(page.bytes, "<p>Tea</p>");
}

#[tokio::test]
async fn g31_pages_that_are_not_public_are_never_called() {
    let stage = Stage::new().await;
    let port = stage.canary().port();
    for host in ["127.0.0.1", "0x7f000001", "127.1", "[::ffff:127.0.0.1]", "10.0.0.1", "[fe80::1]"]
    {
        let url = format!("http://{host}:{port}/");
        out_of_reach(&stage.page(&stage.fetcher([]), &url, &[]).await.expect_err("blocked"));
    }
    let url = format!("http://user:word@tea.example:{port}/");
    out_of_reach(&stage.page(&stage.fetcher([]), &url, &[]).await.expect_err("credentials"));
    for addresses in [vec![stage.canary()], vec![stage.server(), stage.canary()], vec![]] {
        let fetcher = stage.fetcher([addresses]);
        let answer = stage.page(&fetcher, "http://localhost/", &[]).await;
        out_of_reach(&answer.expect_err("blocked"));
    }
}

#[tokio::test]
async fn g31_redirects_of_pages_are_judged_like_the_first_address() {
    let stage = Stage::new().await;
    let port = stage.canary().port();
    for to in [
        format!("http://127.0.0.1:{port}/"),
        format!("//0x7f.1:{port}/"),
        format!("http://a:b@tea.example:{port}/"),
        "file:///etc/passwd".to_owned(),
    ] {
        let fetcher = stage.fetcher([vec![stage.server()]]);
        let reply = redirect(&to);
        let answer = stage.page(&fetcher, "http://tea.example/", &[&reply]).await;
        out_of_reach(&answer.expect_err("blocked"));
    }
    // The name leads elsewhere at the second hop.
    let fetcher = stage.fetcher([vec![stage.server()], vec![stage.canary()]]);
    let answer = stage.page(&fetcher, "http://tea.example/", &[&redirect("/again")]).await;
    out_of_reach(&answer.expect_err("blocked"));
}

#[tokio::test]
async fn a_page_is_cut_behind_its_first_mebibyte() {
    let stage = Stage::new().await;
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n";
    for (length, taken) in [(1 << 20, 1 << 20), ((1 << 20) + 1, 1 << 20), (3 << 20, 1 << 20)] {
        let fetcher = stage.fetcher([vec![stage.server()]]);
        let reply = format!("{head}{}", "x".repeat(length));
        let page = stage.page(&fetcher, "http://tea.example/", &[&reply]).await.expect("a page");
        assert_eq!((page.kind, page.bytes.len()), (PageKind::Text, taken), "{length}");
    }
}

#[tokio::test]
async fn what_is_no_page_is_not_taken() {
    let stage = Stage::new().await;
    let reply = |status: &str, headers: &str| {
        format!("HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: 1\r\n\r\nx")
    };
    for reply in [
        reply("200 OK", "Content-Type: application/pdf"),
        reply("200 OK", "Content-Type: image/png"),
        reply("200 OK", "A: b"),
        reply("404 Not Found", "Content-Type: text/html"),
        reply("200 OK", "Content-Type: text/html\r\nContent-Encoding: gzip"),
    ] {
        let fetcher = stage.fetcher([vec![stage.server()]]);
        let error = stage.page(&fetcher, "http://tea.example/", &[&reply]).await;
        let error = error.expect_err("no page");
        assert_eq!(error.code(), "search_page", "{reply}");
        assert_eq!(error.message(), "a page's address does not lead to a page", "{reply}");
    }
}

#[tokio::test]
async fn four_redirects_lead_to_no_page() {
    let stage = Stage::new().await;
    let (hop, here) = (redirect("/next"), || vec![stage.server()]);
    let fetcher = stage.fetcher([here(), here(), here(), here()]);
    let replies = [hop.as_str(), &hop, &hop, &hop];
    let error = stage.page(&fetcher, "http://tea.example/", &replies).await.expect_err("four");
    assert_eq!(error.message(), "a page's address redirects more than three times");
}

#[tokio::test]
async fn a_page_that_does_not_come_within_five_seconds_is_given_up() {
    let stage = Stage::new().await;
    let fetcher = stage.fetcher([vec![stage.server()]]);
    tokio::time::pause();
    let begin = tokio::time::Instant::now();
    let error = stage.page(&fetcher, "http://slow.example/", &[]).await.expect_err("late");
    assert_eq!(error.code(), "search_page");
    assert_eq!(error.message(), "a page could not be fetched within five seconds");
    assert_eq!(begin.elapsed().as_secs(), 5);
}
