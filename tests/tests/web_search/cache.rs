//! Who asks the same shares what is found.

use std::collections::BTreeSet;

use futures::future::join_all;
use llm2api_tests::processes::OPENAI;
use llm2api_tests::{Script, Step};
use serde_json::json;

use crate::answer::{header, parts};
use crate::stage::Searching;

const ONE_PAGE: (&str, &str) = ("SEARCH_RESULT_PAGES", "1");

/// An answer that takes a while.
fn slow() -> Script {
    let page = json!({"url": "https://a.example/", "title": "A", "content": "All of it."});
    let body = json!({"results": [page], "unresponsive_engines": []});
    Script::steps([Step::Sleep(1000), Step::Json { status: 200, headers: Vec::new(), body }])
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_who_ask_the_same_at_once_search_once() {
    let searching = Searching::start(OPENAI, &[ONE_PAGE]).await;
    searching.searxng.script_path("/searxng/search", slow());
    let calls = (0..20).map(|number| searching.web("hello", number % 2 == 0));
    let outcomes = join_all(calls).await;
    let blocks: BTreeSet<_> =
        outcomes.iter().map(|outcome| parts(&outcome.text()).0.to_owned()).collect();
    assert_eq!(blocks, BTreeSet::from(["1. [A](https://a.example/)".to_owned()]));
    assert!(outcomes.iter().all(|outcome| header(outcome) == "completed; results=1"));
    assert_eq!(searching.queries(), ["hello"]);
    assert_eq!(searching.stage.upstream.log().generations, 20);

    assert_eq!(header(&searching.web(" hello\n", true).await), "completed; results=1");
    assert_eq!(searching.queries(), ["hello"], "what was found serves for a while");
    assert_eq!(header(&searching.web("hello?", true).await), "completed; results=5");
    assert_eq!(searching.queries(), ["hello", "hello?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cache_each_searches() {
    let searching = Searching::start(OPENAI, &[ONE_PAGE, ("SEARCH_CACHE", "0")]).await;
    let outcomes = join_all((0..5).map(|_| searching.web("hello", true))).await;
    assert!(outcomes.iter().all(|outcome| header(outcome) == "completed; results=5"));
    assert_eq!(searching.queries(), ["hello"; 5]);
}
