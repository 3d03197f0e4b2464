//! Clients that leave while their question is searched for.

use std::time::Duration;

use llm2api_tests::processes::{CHAT_UI, MODEL, OPENAI, eventually};
use llm2api_tests::{Script, Simulator, Step};
use serde_json::json;
use tokio::task::JoinSet;

use crate::answer::header;
use crate::stage::{LANES, Searching, WEB, user};

/// How long what was begun for a client may go on without it.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Asks in the background; aborting it leaves.
fn ask(searching: &Searching, text: &str, stream: bool) -> JoinSet<()> {
    let api = searching.stage.server.api.clone();
    let body = json!({"model": MODEL, "messages": [user(text)], "stream": stream});
    let mut call = JoinSet::new();
    call.spawn(async move {
        if let Ok(mut response) = api.ask(WEB, &body).await {
            while let Ok(Some(_)) = response.chunk().await {}
        }
    });
    call
}

/// Waits until nobody is connected to it any more.
async fn is_left(simulator: &Simulator) {
    let left = async || (simulator.log().open_connections == 0).then_some(());
    eventually("SearXNG is left", AT_ONCE, left).await;
}

/// Waits until nothing runs at the upstream any more.
async fn is_quiet(searching: &Searching) {
    let quiet = async || searching.stage.upstream.log().running.is_empty().then_some(());
    eventually("the upstream is freed", AT_ONCE, quiet).await;
}

async fn is_free(searching: &Searching) {
    let free = async || (searching.stage.in_flight().await == 0).then_some(());
    eventually("the account is free", AT_ONCE, free).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g02_leaving_a_search_ends_it_and_the_model_is_not_asked() {
    for stream in [true, false] {
        let searching = Searching::start(OPENAI, &[("SEARCH_TIMEOUT", "60s")]).await;
        let mut call = ask(&searching, "What is SXSTALL for?", stream);
        searching.searxng.wait_for(|log| log.searches().len() == 1).await;
        call.shutdown().await;
        is_left(&searching.searxng).await;
        is_free(&searching).await;
        assert!(searching.web("hello", stream).await.is_whole());
        assert_eq!(searching.stage.upstream.log().generations, 1, "only the second one is sent");
    }
}

/// Those who wait for the same search are not left alone where the first of them leaves.
#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_takes_nobody_else_along() {
    let settings = [("SEARCH_TIMEOUT", "5s"), ("SEARCH_RESULT_PAGES", "1")];
    let searching = Searching::start(OPENAI, &settings).await;
    searching.searxng.script_path("/searxng/search", Script::steps([Step::Hang]));
    let mut first = ask(&searching, "hello", true);
    searching.searxng.wait_for(|log| log.searches().len() == 1).await;
    let second = searching.web("hello", true);
    let leaves = async {
        // The second one waits by then, or comes after: either way it must be searched for.
        searching.stage.server.api.get("/livez").await;
        first.shutdown().await;
    };
    let (outcome, ()) = tokio::join!(second, leaves);
    assert!(outcome.is_whole(), "{outcome:?}");
    assert_eq!(header(&outcome), "completed; results=5");
    assert_eq!(searching.queries(), ["hello", "hello"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_leaving_a_searched_answer_frees_the_upstream() {
    for (kind, stream) in LANES {
        let searching = Searching::start(kind, &[]).await;
        let mut call = ask(&searching, "SLOW LONGRUN", stream);
        searching.stage.upstream.wait_for(|log| log.running.len() == 1).await;
        call.shutdown().await;
        is_quiet(&searching).await;
        is_free(&searching).await;
        assert_eq!(searching.stage.upstream.log().generations, 1);
        assert!(!searching.queries().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g02_leaving_while_the_model_is_asked_for_a_query_frees_the_upstream() {
    for kind in [OPENAI, CHAT_UI] {
        let searching = Searching::start(kind, &[("SEARCH_REWRITE", "true")]).await;
        let mut call = ask(&searching, "SLOW LONGRUN", true);
        searching.stage.upstream.wait_for(|log| log.running.len() == 1).await;
        call.shutdown().await;
        is_quiet(&searching).await;
        is_free(&searching).await;
        assert_eq!(searching.stage.upstream.log().generations, 1);
        assert!(searching.queries().is_empty(), "nothing is searched for nobody");
    }
}
