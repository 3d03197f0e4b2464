//! The web search comes and goes.

use llm2api_tests::processes::{API_KEY, Told};
use llm2api_tests::{Options, Script, Simulator};
use serde_json::json;

use crate::{Stage, ask, file};

const NOTE: &str = "x-llm2api-search";
const FOUND: Option<&str> = Some("completed; results=1");
const FAILED: Option<&str> = Some("failed; code=search_not_configured");

async fn web(stage: &Stage) -> Told {
    let chat = ask(API_KEY, "demo", false, "hello");
    stage.server.ask(chat.replacen("/v1/", "/web/v1/", 1)).await
}

fn found() -> Script {
    let page = json!({"url": "https://a.example/", "title": "A", "content": "All of it."});
    Script::json(200, json!({"results": [page], "unresponsive_engines": []}))
}

#[tokio::test]
async fn the_search_is_turned_on_and_off() {
    let searxng = Simulator::start(Options::default()).await.expect("the simulator listens");
    let stage = Stage::start(&file("", "")).await;
    assert_eq!(web(&stage).await.code(), "web_search_not_configured");

    let url = searxng.url();
    let on = format!("searxng_url = \"{url}\"\nsearch_result_pages = 1\nsearch_cache = 0\n");
    let message = stage.take_up(&file(&on, "")).await;
    let expected = "changed: settings SEARXNG_URL, SEARCH_RESULT_PAGES, SEARCH_CACHE";
    assert!(message.ends_with(expected), "{message}");
    searxng.script_path("/search", found());
    let told = web(&stage).await;
    assert_eq!((told.status, told.header(NOTE)), (200, FOUND), "{told:?}");
    assert_eq!(stage.chat(API_KEY, "demo").await.header(NOTE), None);

    let all = format!("{on}tool_all_in_one = true\n");
    stage.take_up(&file(&all, "")).await;
    searxng.script_path("/search", found());
    assert_eq!(stage.chat(API_KEY, "demo").await.header(NOTE), FOUND);

    let broken = all.replace("http://", "gopher://");
    assert_eq!(stage.reload(&file(&broken, "")).await["level"], "ERROR");
    searxng.script_path("/search", found());
    assert_eq!(web(&stage).await.header(NOTE), FOUND, "it goes on as before");

    stage.take_up(&file("tool_all_in_one = true", "")).await;
    assert_eq!(web(&stage).await.status, 404);
    let told = stage.chat(API_KEY, "demo").await;
    assert_eq!((told.status, told.header(NOTE)), (200, FAILED), "{told:?}");
    stage.take_up(&file("", "")).await;
    let told = stage.chat(API_KEY, "demo").await;
    assert_eq!((told.status, told.header(NOTE)), (200, None), "{told:?}");
}
