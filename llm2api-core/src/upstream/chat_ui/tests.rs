//! The recordings of real servers, cut in every way.

use std::fmt::Write as _;
use std::path::PathBuf;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;

use super::config::Family;
use super::devalue;
use super::stored::{Conversation, StoredAnswer};
use super::turn::{Head, Turn};
use super::wire::{FeatureFlags, ListedModel, PageData, Superjson, User};
use crate::chat::ChatItem;
use crate::credential::Credential;
use crate::http::SseDecoder;
use crate::upstream::decode::Decode;

const V2: Family = Family::V2 { login: false };
const LIMIT: usize = 1 << 20;

/// All streams that were recorded.
const STREAMS: [(&str, Family); 15] = [
    ("v0.20-plain", V2),
    ("v0.20-reasoning", V2),
    ("v0.20-tool", V2),
    ("v0.20-silent-restart", V2),
    ("v0.20-interrupted", V2),
    ("v0.20-no-final-answer", V2),
    ("v0.20-empty", V2),
    ("v0.20-error-429", V2),
    ("v0.20-error-500", V2),
    ("v0.20-error-mid-stream", V2),
    ("v0.20-sse-reattach", V2),
    ("v0.9.2-plain", Family::Y2024),
    ("v0.9.2-websearch", Family::Y2024),
    ("v0.9.2-error-500", Family::Y2024),
    ("v0.9.2-error-mid-stream", Family::Y2024),
];

fn fixture(name: &str) -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("../tests/fixtures/chat-ui").join(format!("{name}.body"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Turns the re-attach recording, which is server-sent events, into the lines that it carries.
fn lines(name: &str, pieces: &[Bytes]) -> Vec<Bytes> {
    if name != "v0.20-sse-reattach" {
        return pieces.to_vec();
    }
    let mut decoder = SseDecoder::new(LIMIT);
    let mut lines = Vec::new();
    for piece in pieces {
        decoder.push(piece.clone());
        while let Some(event) = decoder.next().expect("small events") {
            if event.name == "update" {
                lines.push(Bytes::from([&event.data[..], b"\n"].concat()));
            }
        }
    }
    lines
}

/// What the client would get: a chunk a line, then how it ended.
fn transcript(name: &str, family: Family, pieces: &[Bytes]) -> String {
    let mut head = Head::new("chatcmpl-1", "m");
    head.created = 1;
    let mut turn = Turn::new(head, family, &Credential::anonymous("x"), LIMIT);
    let mut out = String::new();
    for piece in lines(name, pieces) {
        turn.push(piece);
        if let Err(error) = drain(&mut turn, &mut out) {
            write!(out, "error {}: {error}", error.code()).expect("a String takes everything");
            return out;
        }
    }
    match turn.finish().and_then(|()| drain(&mut turn, &mut out)) {
        Ok(()) => out.push_str("whole"),
        Err(error) => {
            write!(out, "error {}: {error}", error.code()).expect("a String takes everything");
        }
    }
    out
}

fn drain(turn: &mut Turn, out: &mut String) -> crate::Result<()> {
    while let Some(ChatItem::Chunk(chunk)) = turn.next()? {
        let mut json = Vec::new();
        chunk.write_json(&mut json);
        out.push_str(&String::from_utf8(json).expect("JSON is UTF-8"));
        out.push('\n');
    }
    Ok(())
}

fn cut(body: &[u8], mut at: Vec<usize>) -> Vec<Bytes> {
    at.extend([0, body.len()]);
    at.sort_unstable();
    at.windows(2).map(|ends| Bytes::copy_from_slice(&body[ends[0]..ends[1]])).collect()
}

#[test]
fn every_recording_becomes_these_chunks() {
    for (name, family) in STREAMS {
        let body = Bytes::from(fixture(name));
        insta::assert_snapshot!(name, transcript(name, family, &[body]));
    }
}

#[test]
fn byte_by_byte_gives_the_same() {
    for (name, family) in STREAMS {
        let body = fixture(name);
        let bytes = cut(&body, (0..body.len()).collect());
        let whole = transcript(name, family, &[Bytes::from(body)]);
        assert_eq!(transcript(name, family, &bytes), whole, "{name}");
    }
}

proptest! {
    #[test]
    fn every_cut_gives_the_same(
        which in 0..STREAMS.len(),
        cuts in proptest::collection::vec(any::<Index>(), 0..20),
    ) {
        let (name, family) = STREAMS[which];
        let body = fixture(name);
        let at = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        let whole = transcript(name, family, &[Bytes::copy_from_slice(&body)]);
        prop_assert_eq!(transcript(name, family, &cut(&body, at)), whole);
    }

    #[test]
    fn g07_a_cut_answer_is_never_whole(which in 0..STREAMS.len(), end in any::<Index>()) {
        let (name, family) = STREAMS[which];
        let body = fixture(name);
        let end = end.index(body.len());
        let text = String::from_utf8_lossy(&body[..end]);
        // Until the upstream has said that the answer is final, nothing may look finished.
        let said = text.contains("\"interrupted\":false}") || text.contains("\"finished\"}");
        let got = transcript(name, family, &[Bytes::copy_from_slice(&body[..end])]);
        prop_assert!(said || !got.contains("finish_reason\":\"stop"), "{}", got);
        prop_assert!(said || !got.ends_with("whole"), "{}", got);
    }
}

#[test]
fn a_tool_round_keeps_the_text_before_it() {
    let got = transcript("v0.20-tool", V2, &[Bytes::from(fixture("v0.20-tool"))]);
    assert!(got.contains("Let me check. "), "{got}");
    assert!(got.ends_with("whole"), "{got}");
}

#[test]
fn reasoning_updates_become_reasoning_content() {
    let body = concat!(
        r#"{"type":"reasoning","subtype":"status","status":"Thinking"}"#,
        "\n",
        r#"{"type":"reasoning","subtype":"stream","token":"Hm."}"#,
        "\n",
        r#"{"type":"stream","token":"Yes\u0000\u0000"}"#,
        "\n",
        r#"{"type":"finalAnswer","text":"Yes","interrupted":false}"#,
        "\n",
    );
    insta::assert_snapshot!(transcript("", V2, &[Bytes::from(body)]));
}

#[test]
fn a_page_is_no_answer() {
    let got = transcript("", V2, &[Bytes::from("<!doctype html>\n<html></html>\n")]);
    assert!(got.starts_with("error upstream_protocol"), "{got}");
}

#[test]
fn g08_a_broken_line_is_skipped_and_the_final_text_fills_the_gap() {
    let body = concat!(
        r#"{"type":"status","status":"started"}"#,
        "\n{\"type\":\"stream\",\"token\":\"Hel",
        "\n",
        r#"{"type":"finalAnswer","text":"Hello","interrupted":false}"#,
        "\n",
    );
    let got = transcript("", V2, &[Bytes::from(body)]);
    assert!(got.contains("\"content\":\"Hello\"") && got.ends_with("whole"), "{got}");
}

#[test]
fn the_other_recordings_are_understood() {
    let read = |name: &str| fixture(name);
    let models = |listed: Vec<ListedModel>| {
        let models = listed.into_iter().filter_map(|model| model.into_model("x"));
        models.map(|model| format!("{} vision={:?}", model.id, model.vision)).collect::<Vec<_>>()
    };
    let v2: Superjson<Vec<ListedModel>> = parse(&read("v0.20-models-v2"));
    let legacy: Vec<ListedModel> = parse(&read("v0.20-models-legacy"));
    let old: Vec<ListedModel> = parse(&read("v0.9.2-models"));
    let flags: Superjson<FeatureFlags> = parse(&read("v0.20-feature-flags"));
    let user: Superjson<Option<User>> = parse(&read("v0.20-user-anonymous"));
    let conversation: Superjson<Conversation> = parse(&read("v0.20-conversation-v2"));
    let page: PageData = parse(&read("v0.9.2-data-json-01"));
    let layout: PageData = parse(&read("v0.9.2-data-json-11"));
    insta::assert_debug_snapshot!((
        models(v2.json),
        models(legacy),
        models(old),
        ("login", flags.json.login_enabled),
        ("user", user.json.is_some()),
        ("root", conversation.json.root().map(str::to_owned)),
        (
            "root before",
            devalue::conversation(&page).and_then(|found| found.root().map(str::to_owned))
        ),
        ("models before", models(devalue::models(&layout))),
        ("login before", devalue::login_enabled(&layout), devalue::signed_in(&layout)),
    ));
}

fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> T {
    serde_json::from_slice(body).expect("a recording that parses")
}

fn whole(lines: &[&str]) -> String {
    let body = lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat();
    transcript("", V2, &[Bytes::from(body)])
}

#[test]
fn nothing_is_said_after_the_end() {
    let got = whole(&[
        r#"{"type":"stream","token":"Hi"}"#,
        r#"{"type":"finalAnswer","text":"Hi","interrupted":false}"#,
        r#"{"type":"stream","token":"more"}"#,
        r#"{"type":"finalAnswer","text":"Hi again","interrupted":false}"#,
    ]);
    assert!(got.ends_with("whole") && !got.contains("more") && !got.contains("again"), "{got}");
    assert_eq!(got.matches("\"stop\"").count(), 1, "{got}");
}

#[test]
fn a_broken_line_without_a_final_text_is_lost_content() {
    let got = whole(&[
        r#"{"type":"stream","token":"Hello "}"#,
        r#"{"type":"stream","tok"#,
        r#"{"type":"stream","token":" world"}"#,
        r#"{"type":"status","status":"finished"}"#,
    ]);
    assert!(got.contains("error upstream_incomplete") && !got.contains("\"stop\""), "{got}");
}

#[test]
fn json_that_is_no_update_is_not_the_protocol() {
    let got = whole(&[r#"{"detail":"proxy says no"}"#]);
    assert!(got.starts_with("error upstream_protocol"), "{got}");
}

#[test]
fn an_endless_answer_is_given_up() {
    let token = format!(r#"{{"type":"stream","token":"{}"}}"#, "x".repeat(1 << 16));
    let got = whole(&vec![token.as_str(); 20]);
    assert!(got.contains("error upstream_protocol"), "{got:.200}");
}

/// A turn that was given these lines, and then this record of its generation.
fn resumed(lines: &str, record: &str) -> String {
    let head = Head::new("chatcmpl-1", "m");
    let mut turn = Turn::new(head, V2, &Credential::anonymous("x"), LIMIT);
    let mut out = String::new();
    turn.push(Bytes::copy_from_slice(lines.as_bytes()));
    drain(&mut turn, &mut out).expect("lines that are understood");
    turn.read_record();
    turn.push(Bytes::copy_from_slice(record.as_bytes()));
    let ended = drain(&mut turn, &mut out).and_then(|()| turn.finish());
    match ended.and_then(|()| drain(&mut turn, &mut out)) {
        Ok(()) => said(&out) + " whole",
        Err(error) => format!("{} {}", said(&out), error.code()),
    }
}

/// The text of a transcript.
fn said(out: &str) -> String {
    let content = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        line["choices"][0]["delta"]["content"].as_str().map(str::to_owned)
    };
    out.lines().filter_map(content).collect()
}

fn event(number: u64, update: &str) -> String {
    format!("id: {number}\nevent: update\ndata: {update}\n\n")
}

const HELLO: &str = r#"{"type":"stream","token":"Hello "}"#;
const WORLD: &str = r#"{"type":"stream","token":"world"}"#;
const FINAL: &str = r#"{"type":"finalAnswer","text":"Hello world","interrupted":false}"#;

#[test]
fn a_record_that_comes_again_is_not_given_twice() {
    let lines = format!("{HELLO}\n");
    let record = [event(1, HELLO), event(2, WORLD), event(3, FINAL)].concat();
    assert_eq!(resumed(&lines, &record), "Hello world whole");
    // A server that does not heed from where it was asked.
    let twice = [event(1, HELLO), event(2, WORLD), event(1, HELLO), event(2, WORLD)].concat();
    assert_eq!(resumed("", &(twice + &event(3, FINAL))), "Hello world whole");
}

#[test]
fn an_empty_event_is_no_update() {
    assert_eq!(resumed("", "event: update\ndata:\n\n"), " upstream_protocol");
}

#[test]
fn a_number_that_is_missing_after_a_tool_is_lost_content() {
    let tool = r#"{"type":"tool","subtype":"call","uuid":"u"}"#;
    let last = r#"{"type":"finalAnswer","text":"world","interrupted":false}"#;
    let whole = [event(1, HELLO), event(2, tool), event(3, WORLD), event(4, last)].concat();
    assert_eq!(resumed("", &whole), "Hello world whole");
    let hole = [event(1, HELLO), event(3, tool), event(4, WORLD), event(5, last)].concat();
    assert_eq!(resumed("", &hole), "Hello world upstream_incomplete");
}

#[test]
fn thoughts_that_the_server_has_taken_out_are_not_given_twice() {
    let head = Head::new("chatcmpl-1", "m");
    let mut turn = Turn::new(head, V2, &Credential::anonymous("x"), LIMIT);
    let mut out = String::new();
    turn.push(Bytes::from("{\"type\":\"stream\",\"token\":\"<think>Hm</think>Hel\"}\n"));
    drain(&mut turn, &mut out).expect("a line");
    let stored =
        StoredAnswer { text: "Hello".into(), reasoning: "Hm".into(), ..Default::default() };
    turn.take_stored(stored).expect("the same answer");
    drain(&mut turn, &mut out).expect("the rest");
    assert_eq!(said(&out), "Hello");
    assert_eq!(out.matches("\"reasoning_content\":\"Hm\"").count(), 1, "{out}");
}
