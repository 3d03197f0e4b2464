//! A SearXNG that misbehaves: the model answers without it, in time, and the answer says why.

use std::time::Duration;

use llm2api_tests::each;
use llm2api_tests::plan::ANSWER;
use llm2api_tests::processes::{OPENAI, Outcome};

use crate::answer::{annotations, header, note};
use crate::stage::{Searching, prompts};

/// What each word makes of a search.
const TABLE: [(&str, &str); 11] = [
    ("SXNOJSON", "search_json_off"),
    ("SXLIMIT", "search_limited"),
    ("SXRETRY", "search_limited"),
    ("SXHTML", "search_answer_invalid"),
    ("SX500", "search_failed"),
    ("SXDROP", "search_failed"),
    ("SXSTALL", "search_timeout"),
    ("SXSTALLBODY", "search_timeout"),
    ("SXBROKEN", "search_answer_invalid"),
    ("SXSICK", "search_failed"),
    ("SXEMPTY", ""),
];
/// How long a search may take, and then an answer in all.
const SHORT: (&str, Duration) = ("2s", Duration::from_secs(3));
/// The simulator needs a second to write its huge answer, and more where much else is going on.
const LONG: (&str, Duration) = ("20s", Duration::from_secs(21));
/// What one search may cost: SearXNG's answer is read up to 4 MiB.
const ROOM: u64 = 64 << 20;

fn limits(word: &str) -> (&'static str, Duration) {
    if word == "SXHUGE" { LONG } else { SHORT }
}

/// Checks the answer that a search with this code has led to.
fn check(outcome: &Outcome, word: &str, code: &str) {
    assert!(outcome.is_whole() && outcome.roles() == 1, "{word} {outcome:?}");
    assert_eq!(outcome.text(), ANSWER, "{word}");
    assert!(outcome.took < limits(word).1, "{word} {outcome:?}");
    assert!(annotations(outcome).is_empty(), "{word} {outcome:?}");
    let note = note(outcome);
    if code.is_empty() {
        assert_eq!(header(outcome), "completed; results=0", "{word}");
        assert_eq!((&note["status"], &note["results"]), (&"completed".into(), &0.into()), "{word}");
    } else {
        assert_eq!(header(outcome), format!("failed; code={code}"), "{word}");
        assert_eq!((&note["status"], &note["code"]), (&"failed".into(), &code.into()), "{word}");
        assert!(note["message"].as_str().is_some_and(|message| !message.is_empty()), "{note}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_fails_fails_no_chat_and_is_told() {
    let modes = TABLE.iter().flat_map(|row| [(row, true), (row, false)]);
    each(modes, async |((word, code), stream)| {
        // A server of its own: after some faults nobody is asked for a while.
        let settings = [("SEARCH_TIMEOUT", limits(word).0)];
        let searching = Searching::start(OPENAI, &settings).await;
        let outcome = searching.web(&format!("What is {word} for?"), stream).await;
        check(&outcome, word, code);
        assert!(!searching.queries().is_empty(), "{word}: it was asked");
        assert_eq!(searching.stage.upstream.log().generations, 1, "{word}: one send");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_ten_megabytes_takes_little_memory() {
    let searching =
        Searching::start(OPENAI, &[("SEARCH_TIMEOUT", LONG.0), ("SEARCH_CACHE", "0")]).await;
    check(&searching.web("hello SXEMPTY", false).await, "SXEMPTY", "");
    let before = searching.stage.server.resident();
    for stream in [true, false] {
        check(&searching.web("hello SXHUGE", stream).await, "SXHUGE", "search_answer_invalid");
    }
    let peak = searching.stage.server.peak();
    assert!(peak < before + ROOM, "{before} bytes before, {peak} at most");
}

/// The model is told nothing of a search that failed, and that nothing was found where that is so.
#[tokio::test(flavor = "multi_thread")]
async fn the_model_is_asked_as_if_nobody_had_searched() {
    let searching = Searching::start(OPENAI, &[]).await;
    for (word, told) in [("SX500", false), ("SXEMPTY", true)] {
        let asked = format!("What is {word} for?");
        searching.web(&asked, false).await;
        let prompt = prompts(&searching.stage.upstream).pop().expect("a send");
        let text = prompt[0]["content"].as_str().expect("a text");
        assert!(text.ends_with(&asked), "{text}");
        assert_eq!(text.contains("nothing was found"), told, "{text}");
        assert_eq!(text == asked, !told, "{text}");
    }
}
