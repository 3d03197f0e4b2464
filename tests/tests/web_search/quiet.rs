//! What was asked and what was found is nobody's business but the client's and the model's.

use llm2api_tests::Script;
use llm2api_tests::processes::{CHAT_UI, OPENAI};
use serde_json::{Value, json};

use crate::answer::header;
use crate::stage::Searching;

const ASKED: &str = "canary-asked-5c2e";
const FOUND: &str = "canary-found-91d0";
const SAID: &str = "canary-said-3af7";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_searched_for_and_found_is_not_logged() {
    for (kind, level) in [(OPENAI, "info"), (OPENAI, "debug"), (CHAT_UI, "debug")] {
        let settings = [("RUST_LOG", level), ("SEARCH_RESULT_PAGES", "1"), ("SEARCH_CACHE", "0")];
        let searching = Searching::start(kind, &settings).await;
        let question = format!("What is {ASKED}?\nECHO:{SAID} [1]");
        for (body, expected) in [
            (good(), "completed; results=1"),
            (json!({"results": FOUND}), "failed; code=search_answer_invalid"),
            (sick(), "failed; code=search_failed"),
        ] {
            searching.searxng.script_path("/searxng/search", Script::json(200, body));
            let outcome = searching.web(&question, true).await;
            assert!(outcome.is_whole(), "{outcome:?}");
            assert_eq!(header(&outcome), expected, "{kind} {level}");
        }
        assert!(searching.queries()[0].contains(ASKED), "{:?}", searching.queries());
        let server = &searching.stage.server;
        for canary in [ASKED, FOUND, SAID] {
            assert!(!server.logged(canary), "{canary} is logged at {level} before {kind}");
        }
        assert!(server.logged("search_answer_invalid"), "why a search fails is");
    }
}

fn good() -> Value {
    let url = format!("https://a.example/{FOUND}");
    let content = format!("It says {FOUND}.");
    json!({"results": [{"url": url, "title": FOUND, "content": content}], "unresponsive_engines": []})
}

fn sick() -> Value {
    json!({"results": [], "answers": [FOUND], "unresponsive_engines": [["mock", "timeout"]]})
}
