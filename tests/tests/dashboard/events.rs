//! What open pages are told as it changes.

use std::time::Duration;

use llm2api_tests::processes::{ADMIN_KEY, Server, eventually, http};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::feed::Feed;
use super::{Place, SOON, chat, name_accounts, number};

/// Streams that a server has open at most.
const MOST: usize = 64;

async fn open(server: &Server) -> Feed {
    try_open(server).await.unwrap_or_else(|refusal| panic!("{refusal:?}"))
}

async fn try_open(server: &Server) -> Result<Feed, (u16, Value)> {
    let pass = format!("Bearer {ADMIN_KEY}");
    Feed::open(server.api.url(), ("authorization", &pass)).await
}

#[tokio::test]
async fn a_page_is_told_how_things_are_and_then_what_changes() {
    let place = Place::new().await;
    let server = place.start("one", "key-one,key-two", &[]).await;
    let ids = name_accounts(&server).await;
    let mut feed = open(&server).await;
    let (first, stats) = feed.next().await.expect("at once");
    assert_eq!((first.as_str(), number(&stats["totals"]["requests"])), ("stats", 0));

    let disabled = server.api.post("/cookie/disable", &json!({"id": ids[0]})).await;
    assert_eq!(disabled.status, 200);
    let accounts = feed.event("accounts").await;
    let listed = server.api.cookies().await;
    assert_eq!(accounts, json!({"changed": [listed[0]], "removed": []}), "as the list has it");

    let outcome = chat(&server).await;
    let requests = feed.event("requests").await;
    assert_eq!(requests["skipped"], 0);
    assert_eq!(requests["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(requests["data"][0]["id"], outcome.header("x-request-id").expect("an id"));
    assert_eq!(number(&feed.event("stats").await["totals"]["requests"]), 1);

    let removed = server.api.post("/cookie/remove", &json!({"id": ids[0]})).await;
    assert_eq!(removed.status, 200, "{removed:?}");
    let gone = async { while feed.event("accounts").await["removed"] != json!([ids[0]]) {} };
    timeout(SOON, gone).await.expect("it is told");
}

#[tokio::test]
async fn many_pages_are_told_the_same_and_one_too_many_is_refused() {
    let place = Place::new().await;
    let server = place.start("one", "key-one", &[]).await;
    let ids = name_accounts(&server).await;
    let mut feeds = Vec::new();
    for _ in 0..MOST {
        feeds.push(open(&server).await);
    }
    let Err((status, body)) = try_open(&server).await else { panic!("one too many") };
    assert_eq!((status, &body["error"]["code"]), (503, &json!("too_many_streams")));
    for feed in &mut feeds {
        feed.event("stats").await;
    }
    let renamed = server.api.post("/cookie/update", &json!({"id": ids[0], "label": "Zoe"})).await;
    assert_eq!(renamed.status, 200);
    for feed in &mut feeds {
        assert_eq!(feed.event("accounts").await["changed"][0]["label"], "Zoe");
    }
    feeds.pop();
    eventually("a page that closes makes room", SOON, async || try_open(&server).await.ok()).await;
}

#[tokio::test]
async fn signing_out_ends_the_stream_of_that_session_alone() {
    let place = Place::new().await;
    let server = place.start("one", "key-one", &[]).await;
    let (http, url) = (http(), server.api.url());
    let sign_in = async || {
        let request = http.post(format!("{url}/session")).json(&json!({"key": ADMIN_KEY}));
        let response = request.send().await.expect("an answer");
        let cookie = response.headers()["set-cookie"].to_str().expect("text").to_owned();
        cookie.split(';').next().expect("a pair").to_owned()
    };
    let (mine, other) = (sign_in().await, sign_in().await);
    let feed = Feed::open(url, ("cookie", &mine)).await.unwrap_or_else(|error| panic!("{error:?}"));
    let stays = Feed::open(url, ("cookie", &other)).await;
    let mut stays = stays.unwrap_or_else(|error| panic!("{error:?}"));
    let out = http.delete(format!("{url}/session")).header("cookie", &mine).header("origin", url);
    assert_eq!(out.send().await.expect("an answer").status(), 200);
    timeout(SOON, feed.end()).await.expect("it ends");
    assert_eq!(Feed::open(url, ("cookie", &mine)).await.err().map(|(status, _)| status), Some(401));
    for _ in 0..3 {
        stays.event("stats").await;
    }
}

#[tokio::test]
async fn open_pages_do_not_hold_the_end_up() {
    let place = Place::new().await;
    let mut server = place.start("one", "key-one", &[]).await;
    let mut feed = open(&server).await;
    feed.event("stats").await;
    let began = Instant::now();
    server.signal("TERM").await;
    timeout(SOON, feed.end()).await.expect("it ends");
    assert!(server.ended().await);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn more_requests_than_an_event_holds_are_counted() {
    let place = Place::new().await;
    let settings = [("MAX_CONCURRENCY_PER_CREDENTIAL", "60")];
    let server = place.start("one", "key-one", &settings).await;
    let mut feed = open(&server).await;
    feed.event("stats").await;
    futures::future::join_all((0..60).map(|_| chat(&server))).await;
    let (mut told, mut skipped) = (0, 0);
    while told + skipped < 60 {
        let requests = feed.event("requests").await;
        let listed = requests["data"].as_array().expect("a list").len() as u64;
        assert!(listed <= 25);
        (told, skipped) = (told + listed, skipped + number(&requests["skipped"]));
    }
    assert_eq!(told + skipped, 60);
}
