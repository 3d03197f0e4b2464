use std::num::NonZeroU32;

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::SearXng;
use crate::error::{Error, ErrorKind, Result};
use crate::search::{Query, Search, Source, TimeRange};

const FIRST: NonZeroU32 = NonZeroU32::MIN;

async fn ask(server: &MockServer, query: &Query) -> Result<Vec<Source>> {
    SearXng::new(&server.uri()).expect("an address").page(query, FIRST).await
}

async fn answering(reply: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/search")).respond_with(reply).mount(&server).await;
    server
}

fn result(url: &str) -> Value {
    json!({"url": url, "title": "A <b>title</b>", "content": "Some text", "engine": "mock"})
}

#[tokio::test]
async fn the_question_is_put_as_searxng_wants_it() {
    let server = MockServer::start().await;
    let page = json!({"results": [result("https://a.example/")]});
    Mock::given(method("GET"))
        .and(path("/base/search"))
        .and(query_param("q", "wie geht's & co"))
        .and(query_param("format", "json"))
        .and(query_param("language", "de"))
        .and(query_param("pageno", "2"))
        .and(query_param("categories", "general,news"))
        .and(query_param("time_range", "month"))
        .and(header("accept-language", "de"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .expect(1)
        .mount(&server)
        .await;
    let engine = SearXng::new(&format!("{}/base/", server.uri())).expect("an address");
    let engine = engine.with_categories(["general", "news"]).with_time_range(TimeRange::Month);
    let query = Query::new("!!wie geht's & co").with_language("de");
    let found = engine.page(&query, NonZeroU32::new(2).expect("two")).await.expect("a page");
    assert_eq!(found[0].title, "A title");
}

#[tokio::test]
async fn what_is_not_said_is_left_to_searxng() {
    let server = MockServer::start().await;
    Mock::given(path("/search"))
        .and(query_param("language", "all"))
        .and(query_param_is_missing("categories"))
        .and(query_param_is_missing("time_range"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"results": []})))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(ask(&server, &Query::new("x")).await.expect("a page"), []);
}

#[tokio::test]
async fn only_pages_of_the_web_are_results() {
    let results = json!({"results": [
        result("https://a.example/"),
        result("javascript:alert(1)"),
        result("data:text/html,x"),
        result(""),
        json!({"title": "no address"}),
        json!({"url": 7, "title": "x"}),
        json!(null),
        json!({"url": "http://b.example/", "title": null, "content": ["odd"]}),
    ]});
    let server = answering(ResponseTemplate::new(200).set_body_json(results)).await;
    let found = ask(&server, &Query::new("x")).await.expect("a page");
    let urls: Vec<_> = found.iter().map(|source| source.url.as_str()).collect();
    assert_eq!(urls, ["https://a.example/", "http://b.example/"]);
}

#[tokio::test]
async fn every_refusal_is_explained() {
    let mut told = Vec::new();
    for status in [302, 400, 401, 403, 404, 429, 500] {
        let server = answering(ResponseTemplate::new(status).set_body_string("<h1>no</h1>")).await;
        let error = ask(&server, &Query::new("x")).await.expect_err("refused");
        told.push(format!("{status} {} {:?}\n{}", error.code(), error.kind(), error.message()));
    }
    insta::assert_snapshot!(told.join("\n\n"));
}

#[tokio::test]
async fn signs_alone_are_not_searched_for() {
    let server = MockServer::start().await;
    let error = ask(&server, &Query::new("?? !! :")).await.expect_err("no words");
    assert_eq!(error.code(), "search_no_question");
    assert_eq!(server.received_requests().await.map(|requests| requests.len()), Some(0));
}

#[tokio::test]
async fn the_time_that_a_limiter_names_is_kept() {
    let reply = ResponseTemplate::new(429).insert_header("retry-after", "7");
    let error = ask(&answering(reply).await, &Query::new("x")).await.expect_err("limited");
    assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(7));
}

#[tokio::test]
async fn what_is_no_page_of_results_is_refused() {
    let code = async |reply: ResponseTemplate| {
        ask(&answering(reply).await, &Query::new("x")).await.expect_err("no page").code()
    };
    let html = ResponseTemplate::new(200).set_body_raw("<html>", "text/html");
    assert_eq!(code(html).await, "search_answer_invalid");
    let cut = ResponseTemplate::new(200).set_body_raw(r#"{"results": ["#, "application/json");
    assert_eq!(code(cut).await, "search_answer_invalid");
    let other = ResponseTemplate::new(200).set_body_json(json!({"error": "x"}));
    assert_eq!(code(other).await, "search_answer_invalid");
    let huge = format!(r#"{{"results": ["{}"]}}"#, "x".repeat(5 << 20));
    let huge = ResponseTemplate::new(200).set_body_raw(huge, "application/json");
    assert_eq!(code(huge).await, "search_answer_invalid");
}

#[tokio::test]
async fn engines_that_are_all_out_are_no_empty_page() {
    let out = json!({"results": [], "unresponsive_engines": [["google", "Suspended: CAPTCHA"]]});
    let server = answering(ResponseTemplate::new(200).set_body_json(out)).await;
    let error = ask(&server, &Query::new("x")).await.expect_err("nobody answered");
    assert_eq!(error.code(), "search_failed");
    assert!(error.to_string().contains("google: Suspended: CAPTCHA"), "{error}");
    let engine = SearXng::new(&server.uri()).expect("an address");
    let later = engine.page(&Query::new("x"), NonZeroU32::new(2).expect("two")).await;
    assert_eq!(later.expect("a later page may be empty"), []);
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let error = SearXng::new(&url).expect("an address").page(&Query::new("x"), FIRST).await;
    assert_eq!(error.expect_err("nobody").code(), "search_unreachable");
}

#[test]
fn an_address_that_cannot_be_used_is_refused() {
    let refused = |url: &str| SearXng::new(url).expect_err(url);
    for url in [
        "",
        "searx.example",
        "ftp://searx.example/",
        "http://user:canary@searx.example/",
        "http://searx.example/?q=x",
        "http://searx.example/#x",
        "http://",
    ] {
        let error: Error = refused(url);
        assert_eq!(error.kind(), ErrorKind::Configuration, "{url}");
        assert!(!error.to_string().contains("canary"));
    }
}
