//! The model says first what to search for.

use llm2api_tests::Script;
use llm2api_tests::processes::{CHAT_UI, OPENAI};
use serde_json::json;

use crate::answer::{header, note, parts};
use crate::stage::{LANES, Searching, WEB, prompts, user};

const REWRITE: (&str, &str) = ("SEARCH_REWRITE", "true");
const ONE_PAGE: (&str, &str) = ("SEARCH_RESULT_PAGES", "1");

#[tokio::test(flavor = "multi_thread")]
async fn what_the_model_asks_for_is_searched_for() {
    for (kind, stream) in LANES {
        let searching = Searching::start(kind, &[REWRITE, ONE_PAGE]).await;
        for text in ["\"area of Oslo\"\n", "It is large [1]."] {
            searching.stage.upstream.script(Script::answer(text));
        }
        let outcome = searching.web("And how large is it?", stream).await;
        assert!(outcome.is_whole(), "{outcome:?}");
        assert_eq!(parts(&outcome.text()).1, "It is large [1].");
        assert_eq!(note(&outcome)["query"], "area of Oslo");
        assert_eq!(searching.queries(), ["area of Oslo"]);
        assert_eq!(searching.stage.upstream.log().generations, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_is_shown_the_end_of_the_conversation() {
    let searching = Searching::start(OPENAI, &[REWRITE, ONE_PAGE]).await;
    let block = "<search>\n\n1. [x](https://x.example/)\n\n</search>\n\nThe capital of Norway.";
    let earlier = json!({"role": "assistant", "content": block});
    let messages = json!([user("What is Oslo?"), earlier, user("And how large is it?")]);
    assert!(searching.ask(WEB, &json!({"messages": messages})).await.is_whole());
    let [asked, answered] = prompts(&searching.stage.upstream).try_into().expect("two sends");
    let asked = asked[0]["content"].as_str().expect("a text");
    let turns =
        "\n\nuser: What is Oslo?\nassistant: The capital of Norway.\nuser: And how large is it?";
    assert!(asked.ends_with(turns), "{asked}");
    assert_eq!(answered.as_array().map(Vec::len), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_send_the_persons_own_words_are_searched_for() {
    for kind in [OPENAI, CHAT_UI] {
        let settings = [REWRITE, ONE_PAGE, ("RETRY_MAX_ATTEMPTS", "1")];
        let searching = Searching::start(kind, &settings).await;
        let outcome = searching.web("And how large is it?", true).await;
        assert!(outcome.is_whole(), "{outcome:?}");
        assert_eq!(searching.queries(), ["And how large is it?"]);
        assert_eq!(searching.stage.upstream.log().generations, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g27_a_question_for_a_query_is_one_of_the_calls_sends() {
    for (kind, stream) in LANES {
        for most in 1..=3 {
            let most = most.to_string();
            let cookies = ("COOKIES", "account-1,account-2,account-3,account-4");
            let settings = [REWRITE, ONE_PAGE, cookies, ("RETRY_MAX_ATTEMPTS", most.as_str())];
            let searching = Searching::start(kind, &settings).await;
            let outcome = searching.web("hello ERR500", stream).await;
            assert!(outcome.error()["code"].is_string(), "{outcome:?}");
            let sends = searching.stage.upstream.log().senders().len();
            assert_eq!(sends.to_string(), most, "{kind} {stream}");
            assert_eq!(searching.queries(), ["hello ERR500"], "{kind} {stream}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_fails_only_with_the_query_answers_even_so() {
    let searching = Searching::start(OPENAI, &[REWRITE, ONE_PAGE]).await;
    searching.stage.upstream.script(Script::json(500, json!({"error": {"message": "broken"}})));
    let outcome = searching.web("hello", true).await;
    assert!(outcome.is_whole(), "{outcome:?}");
    assert_eq!(header(&outcome), "completed; results=5");
    assert_eq!(searching.queries(), ["hello"]);
}
