//! Answers in both modes, with all that a search can have led to.

mod laws;
mod pieces;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::annotations::MOST_BYTES;
use super::*;
use crate::chat::{Completion, CompletionBody, Ending, Message, Outcome, Watch};
use crate::error::{Error, ErrorKind};
use crate::search::strip_history;

const SOURCES: [(&str, &str); 3] = [
    ("Paris (guide)", "https://example.org/paris"),
    ("日本", "https://example.com/japan"),
    ("Rome", "https://example.net/"),
];

fn found(block: bool) -> Findings {
    let source = |(title, url): (&str, &str)| Source {
        url: url.into(),
        title: title.into(),
        text: "An excerpt.".into(),
        published: None,
    };
    let note = SearchNote::Completed { query: "capitals".into(), results: SOURCES.len() };
    Findings { note, sources: SOURCES.map(source).into(), block, cites: true }
}

fn failed() -> Findings {
    let note = SearchNote::Failed { code: "search_timeout", message: "no answer in 10 s".into() };
    Findings { note, ..found(true) }
}

fn nothing_found() -> Findings {
    let note = SearchNote::Completed { query: "capitals".into(), results: 0 };
    Findings { note, sources: Arc::default(), block: true, cites: true }
}

fn chunk(choices: &Value) -> ChatItem {
    let body = json!({"id": "chatcmpl-1", "created": 7, "model": "demo", "choices": choices});
    let body: ChunkBody = serde_json::from_value(body).expect("a chunk");
    ChatItem::Chunk(Chunk::from(body))
}

fn said(index: u32, text: &str) -> ChatItem {
    chunk(&json!([{"index": index, "delta": {"content": text}}]))
}

fn ended(index: u32) -> ChatItem {
    chunk(&json!([{"index": index, "delta": {}, "finish_reason": "stop"}]))
}

fn stream(items: impl IntoIterator<Item = ChatItem>) -> ChatStream {
    let items: Vec<_> = items.into_iter().map(Ok).collect();
    ChatStream::new(futures::stream::iter(items))
}

fn whole(choices: &Value) -> ChatStream {
    let body = json!({"id": "chatcmpl-1", "created": 7, "model": "demo", "choices": choices});
    let body: CompletionBody = serde_json::from_value(body).expect("an answer");
    ChatStream::whole(Completion::from(body))
}

/// What comes, a line an item.
async fn shown(stream: ChatStream, findings: Findings) -> String {
    let line = |item: Result<ChatItem>| {
        let mut out = Vec::new();
        match item {
            Ok(ChatItem::Chunk(chunk)) => chunk.write_json(&mut out),
            Ok(ChatItem::Whole(whole)) => whole.write_json(&mut out),
            Ok(ChatItem::Progress) => out.extend(b"progress"),
            Err(error) => out.extend(error.to_string().bytes()),
        }
        String::from_utf8(out).expect("JSON is text")
    };
    let lines: Vec<_> = with_findings(stream, findings).map(line).collect().await;
    lines.join("\n")
}

fn paris() -> [ChatItem; 5] {
    [
        chunk(&json!([{"index": 0, "delta": {"role": "assistant", "content": ""}}])),
        said(0, "Paris [1"),
        said(0, ", 3], not `a[2]` [9]."),
        ended(0),
        chunk(&json!([])),
    ]
}

fn two() -> [ChatItem; 5] {
    let text = json!({"index": 1, "delta": {"content": "[2]"}, "finish_reason": "length",
        "stop_reason": 5});
    [said(0, "日本"), said(1, "é"), said(0, " [2]"), chunk(&json!([text])), ended(0)]
}

#[tokio::test(start_paused = true)]
async fn a_streamed_answer_is_led_by_its_sources() {
    insta::assert_snapshot!(shown(stream(paris()), found(true)).await);
}

#[tokio::test(start_paused = true)]
async fn a_streamed_answer_without_the_list_has_annotations_for_all_sources() {
    insta::assert_snapshot!(shown(stream(paris()), found(false)).await);
}

#[tokio::test(start_paused = true)]
async fn each_choice_is_led_and_annotated() {
    insta::assert_snapshot!(shown(stream(two()), found(true)).await);
}

#[tokio::test(start_paused = true)]
async fn a_failed_search_is_told_and_nothing_else_changes() {
    insta::assert_snapshot!(shown(stream(paris()), failed()).await);
}

#[tokio::test(start_paused = true)]
async fn a_search_that_found_nothing_is_told_and_nothing_else_changes() {
    let before = shown(stream(paris()), nothing_found()).await;
    let (first, rest) = before.split_once('\n').expect("more than the note");
    assert!(
        first.contains(r#""llm2api_search":{"status":"completed","query":"capitals","results":0}"#)
    );
    let failed = shown(stream(paris()), failed()).await;
    assert_eq!(failed.split_once('\n').expect("more than the note").1, rest);
}

#[tokio::test(start_paused = true)]
async fn whole_answers_gain_the_same() {
    let annotation = json!({"type": "url_citation", "url_citation": {
        "start_index": 0, "end_index": 2, "url": "https://example.org/own", "title": "Own"}});
    let choices = json!([
        {"index": 0, "message": {"role": "assistant", "content": "日本 [2]", "refusal": null,
            "annotations": [annotation, {"type": "other"}]}, "finish_reason": "stop"},
        {"index": 1, "message": {"role": "assistant", "content": null, "annotations": null,
            "tool_calls": [{"id": "1", "type": "function",
                "function": {"name": "now", "arguments": "{}"}}]}, "finish_reason": "tool_calls"},
    ]);
    let mut shows = Vec::new();
    for findings in [found(true), found(false), failed(), nothing_found()] {
        shows.push(shown(whole(&choices), findings).await);
    }
    insta::assert_snapshot!(shows.join("\n\n"));
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_in_pieces_says_once_what_was_found() {
    let body = json!({"id": "chatcmpl-1", "model": "demo", "system_fingerprint": "fp",
        "choices": [{"index": 0, "message": {"content": "Paris [1]"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}});
    let body: CompletionBody = serde_json::from_value(body).expect("an answer");
    let whole = with_findings(ChatStream::whole(Completion::from(body)), found(true));
    let fields = |item: Result<ChatItem>| match item.expect("no error") {
        ChatItem::Chunk(chunk) => chunk.body().extra.keys().cloned().collect::<Vec<_>>(),
        _ => panic!("chunks alone"),
    };
    let fields: Vec<_> = whole.into_chunks(true).map(fields).collect().await;
    assert_eq!(fields[0], ["system_fingerprint", SearchNote::FIELD]);
    assert_eq!(fields[1..], [["system_fingerprint"], ["system_fingerprint"]]);
}

#[tokio::test(start_paused = true)]
async fn a_choice_that_only_calls_tools_or_refuses_is_led_too() {
    let call = json!({"index": 0, "id": "1", "function": {"name": "now", "arguments": "{}"}});
    let calls = || {
        stream([
            chunk(&json!([{"index": 0, "delta": {"tool_calls": [call]}}])),
            chunk(&json!([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}])),
        ])
    };
    let answer = with_findings(calls(), found(true)).collect().await.expect("an answer");
    assert!(answer.text().ends_with("</search>\n\n"), "{}", answer.text());
    assert!(answer.message().is_some_and(|message| message.tool_calls.is_some()));

    let refusal = stream([chunk(&json!([{"index": 0, "delta": {"refusal": "No."}}])), ended(0)]);
    let answer = with_findings(refusal, found(true)).collect().await.expect("an answer");
    assert!(answer.text().ends_with("</search>\n\n"), "{}", answer.text());
}

#[tokio::test(start_paused = true)]
async fn annotations_of_the_upstream_are_moved() {
    let own = json!({"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 2}});
    let items = || {
        let delta = json!({"content": "[1]", "annotations": [own, {"type": "other"}, 1]});
        let nothing = json!({"annotations": null});
        stream([
            chunk(&json!([{"index": 0, "delta": delta, "finish_reason": "stop"}])),
            chunk(&json!([{"index": 0, "delta": nothing}])),
        ])
    };
    insta::assert_snapshot!(shown(items(), found(true)).await);
    let answer = with_findings(items(), found(true)).collect().await.expect("an answer");
    assert_eq!(annotations(&answer).len(), 3 + 3 + 1);
}

fn annotations(answer: &Completion) -> Vec<Value> {
    let list = &answer.message().expect("a choice").extra[ANNOTATIONS];
    list.as_array().expect("a list").clone()
}

#[tokio::test(start_paused = true)]
async fn annotations_of_the_upstream_that_come_behind_the_end_are_left_out() {
    let own = json!({"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 2}});
    let late = chunk(&json!([{"index": 0, "delta": {"annotations": [own]}}]));
    let lines = shown(stream([said(0, "[1]"), ended(0), late]), found(true)).await;
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(lines.iter().filter(|line| line.contains("annotations")).count(), 1);
    assert!(lines[4].contains(r#""delta":{}"#), "{}", lines[4]);
}

#[tokio::test(start_paused = true)]
async fn a_number_in_brackets_cites_nothing_where_nothing_is_to_be_cited() {
    let findings = || Findings { cites: false, ..found(false) };
    let text = r#"{"scores": [1, 2]}"#;
    let message = json!({"role": "assistant", "content": text});
    let answers = [
        stream([said(0, text), ended(0)]),
        whole(&json!([{"index": 0, "message": message, "finish_reason": "stop"}])),
    ];
    for answer in answers {
        let answer = with_findings(answer, findings()).collect().await.expect("an answer");
        let places = annotations(&answer);
        let place = |annotation: &Value| annotation["url_citation"]["start_index"].as_u64();
        let places: Vec<_> = places.iter().map(place).collect();
        assert_eq!(places, [Some(18); 3]);
    }
}

/// Findings with the longest addresses and titles that there are.
fn long(sources: usize) -> Findings {
    let source = |number: usize| {
        let url = format!("https://example.org/{}/{}", "p".repeat(2024), 100 + number);
        let source = Source::new(&url, &"日".repeat(300), "An excerpt.").expect("a page");
        assert_eq!((source.url.len(), source.title.chars().count()), (2048, 200));
        source
    };
    Findings { sources: (0..sources).map(source).collect(), ..found(true) }
}

#[tokio::test(start_paused = true)]
async fn annotations_of_a_choice_stay_within_bounds() {
    let text = "[1]".repeat(1000);
    let answer = || stream([said(0, &text), ended(0)]);
    let few = with_findings(answer(), found(true)).collect().await.expect("an answer");
    assert_eq!(annotations(&few).len(), 3 + 100);

    let streamed = with_findings(answer(), long(8)).collect().await.expect("an answer");
    let whole = answer().collect().await.expect("an answer");
    let whole = with_findings(ChatStream::whole(whole), long(8)).collect().await;
    let list = annotations(&streamed);
    assert_eq!(list, annotations(&whole.expect("an answer")));
    let bytes = Value::from(list.clone()).to_string().len();
    assert!((MOST_BYTES - 4096..=MOST_BYTES).contains(&bytes), "{bytes}");

    // The list of sources yields to the places, of which the first ones stay.
    let began = streamed.text().find("[1][1]").map(|at| streamed.text()[..at].chars().count());
    let first = list[0]["url_citation"]["start_index"].as_u64();
    assert_eq!(first, began.map(|at| at as u64));
}

#[tokio::test(start_paused = true)]
async fn annotations_of_the_upstream_stay_within_bounds_too() {
    let own = json!({"type": "url_citation", "url_citation": {"title": "x".repeat(60_000)}});
    let items = (0..3).map(|_| chunk(&json!([{"index": 0, "delta": {"annotations": [own]}}])));
    let answer = stream(items.chain([said(0, "[1]"), ended(0)]));
    let answer = with_findings(answer, found(true)).collect().await.expect("an answer");
    assert_eq!(annotations(&answer).len(), 3 + 1 + 1);
}

#[tokio::test(start_paused = true)]
async fn who_speaks_is_said_once() {
    let names = |content: &str| {
        chunk(&json!([{"index": 0, "delta": {"role": "assistant", "content": content}}]))
    };
    let thinks = chunk(&json!([{"index": 0, "delta": {"reasoning_content": ""}}]));
    for findings in [found(true), found(false), failed(), nothing_found()] {
        let items = [chunk(&json!([])), thinks.clone(), names("Pa"), said(0, "ris"), ended(0)];
        let lines = shown(stream(items), findings).await;
        let lines: Vec<_> = lines.lines().collect();
        assert!(lines[0].contains(r#""choices":[]"#), "{}", lines[0]);
        let roles: Vec<_> = lines.iter().map(|line| line.matches("role").count()).collect();
        assert_eq!(roles[..2], [0, 1]);
        assert_eq!(roles.iter().sum::<usize>(), 1, "{lines:?}");
        assert!(lines[1].contains(SearchNote::FIELD), "{}", lines[1]);
    }
    let bare = chunk(&json!([{"index": 0, "delta": {"role": "assistant"}}]));
    let lines = shown(stream([bare, said(0, "Paris")]), failed()).await;
    let second = lines.lines().nth(1).expect("three chunks");
    assert!(second.contains(r#""delta":{}"#), "{second}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_back_reads_as_if_nothing_had_been_searched() {
    let call = json!({"id": "1", "type": "function",
        "function": {"name": "now", "arguments": "{}"}});
    let says = json!({"role": "assistant", "content": "Paris [1]", "refusal": null});
    let calls =
        json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": [call]});
    for message in [says, calls] {
        let answer = || whole(&json!([{"index": 0, "message": message, "finish_reason": "stop"}]));
        for block in [true, false] {
            let answer = with_findings(answer(), found(block)).collect().await.expect("an answer");
            let back = back(&answer);
            assert!(back.extra.contains_key(ANNOTATIONS));
            let bare: Message = serde_json::from_value(message.clone()).expect("a message");
            assert_eq!(strip_history(&[back].into()), Some([bare].into()));
        }
    }
}

/// What a client sends back of an answer.
fn back(answer: &Completion) -> Message {
    let message = serde_json::to_value(answer.message()).expect("a message has a JSON form");
    serde_json::from_value(message).expect("a message")
}

#[tokio::test(start_paused = true)]
async fn progress_passes_and_an_answer_without_an_end_is_annotated_at_its_end() {
    let items = [ChatItem::Progress, said(0, "Paris [1]")];
    insta::assert_snapshot!(shown(stream(items), found(true)).await);
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_stays_empty() {
    assert_eq!(shown(stream([]), found(true)).await, "");
}

#[tokio::test(start_paused = true)]
async fn nothing_comes_behind_an_error() {
    let broken = Err(Error::new(ErrorKind::ConnectionReset, "read stream", "the line was cut"));
    let items = [Ok(said(0, "Paris [1]")), broken, Ok(ended(0))];
    let stream = ChatStream::new(futures::stream::iter(items));
    let shown = shown(stream, found(false)).await;
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 3, "{shown}");
    assert!(lines[2].contains("the line was cut"), "{shown}");
    assert!(!shown.contains("annotations") && !shown.contains("\"stop\""), "{shown}");
}

#[cfg(feature = "openai")]
#[tokio::test(start_paused = true)]
async fn what_needs_no_change_keeps_its_bytes() {
    let texts = [
        r#"{"id": "x",  "choices": [{"delta": {"content": "Paris [1]"}}], "odd": 1.50}"#,
        r#"{"id": "x",  "choices": [{"delta": {}, "finish_reason": "stop"}]}"#,
        r#"{"id": "x",  "choices": [], "usage": null}"#,
    ];
    let items = || {
        let wire = |text: &'static str| Chunk::from_wire(text.as_bytes().into(), true, false);
        stream(texts.map(|text| ChatItem::Chunk(wire(text))))
    };
    for findings in [found(true), found(false), failed()] {
        let shown = shown(items(), findings).await;
        let kept: Vec<_> = shown.lines().filter(|line| line.starts_with("{\"id\": ")).collect();
        assert_eq!(kept, texts);
    }
}

#[tokio::test(start_paused = true)]
async fn the_stream_says_what_was_found_and_what_was_ignored() {
    let inner = stream(paris()).with_ignored(vec!["seed".into()]);
    let outer = with_findings(inner, failed());
    assert_eq!(outer.ignored_parameters(), ["seed"]);
    assert_eq!(outer.search_note(), Some(&failed().note));
}

/// Notes how a stream ended.
struct Note(Arc<Mutex<Option<Outcome>>>);

impl Watch for Note {
    fn end(&mut self, ending: Ending<'_>) {
        *self.0.lock().expect("no test panics with it") = Some(ending.outcome());
    }
}

#[tokio::test(start_paused = true)]
async fn who_watches_the_inner_answer_sees_how_it_ended() {
    for (reads, outcome) in [(2, Outcome::Cancelled), (100, Outcome::Completed)] {
        let seen = Arc::new(Mutex::new(None));
        let inner = stream(paris()).with_watch(Note(Arc::clone(&seen)));
        let mut outer = with_findings(inner, found(true));
        for _ in 0..reads {
            outer.next().await;
        }
        if outcome == Outcome::Cancelled {
            assert_eq!(*seen.lock().expect("nobody panicked"), None);
        }
        drop(outer);
        assert_eq!(*seen.lock().expect("nobody panicked"), Some(outcome));
    }
}
