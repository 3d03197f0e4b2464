//! Answers that break after their first content.

use llm2api_tests::pieces::{chunk, failure, opening, text};
use llm2api_tests::plan::ANSWER;
use llm2api_tests::processes::{CHAT_UI, OPENAI};
use llm2api_tests::{Step, each};
use serde_json::json;

use crate::{LANES, ask, stage};

/// What was said before the break.
const SAID: [&str; 2] = ["Größe ", "日本 🙂"];
const INCOMPLETE: &str = "upstream_incomplete";

/// How an answer breaks, and the code of the error that says so.
type Break = (&'static str, Vec<Step>, &'static str);

/// The bytes of a piece up to the first byte of its first character beyond ASCII, that one included.
fn torn(piece: Step) -> Step {
    let text = match piece {
        Step::Line(line) => format!("{line}\n"),
        Step::Event(event) => format!("data: {event}\n\n"),
        other => panic!("no piece: {other:?}"),
    };
    let wide = text.bytes().position(|byte| !byte.is_ascii()).expect("a wide character");
    Step::Bytes(text.as_bytes()[..=wide].to_vec())
}

/// How the answers of every kind break.
fn common(kind: &str) -> Vec<Break> {
    let torn = || torn(text(kind, "wide 語"));
    vec![
        ("FIN", vec![Step::Cut], INCOMPLETE),
        ("RST", vec![Step::Reset], INCOMPLETE),
        ("an end in order", vec![Step::End], INCOMPLETE),
        ("an error inside", vec![failure(kind, "mock: overloaded", 503)], INCOMPLETE),
        ("FIN inside a character", vec![torn(), Step::Cut], INCOMPLETE),
        ("an end inside a character", vec![torn(), Step::End], INCOMPLETE),
        ("bytes past the framing", vec![Step::Raw(b"\r\nno chunk\r\n".to_vec())], INCOMPLETE),
    ]
}

fn openai() -> Vec<Break> {
    let more = chunk(&json!({"content": "more"}), None).to_string();
    let half = format!("data: {}", &more[..more.len() / 2]);
    let invalid = [b"data: {\"id\":\"", &[0xff][..], b"\"}\n\n"].concat();
    let finish = chunk(&json!({}), Some("stop")).to_string();
    vec![
        ("[DONE] without a reason", vec![Step::Done], INCOMPLETE),
        ("half an event", vec![Step::Chunk(half.clone()), Step::Cut], INCOMPLETE),
        ("an end inside an event", vec![Step::Chunk(half.clone()), Step::End], INCOMPLETE),
        // Without the empty line behind it, it is no event yet.
        (
            "a reason that is no event",
            vec![Step::Chunk(format!("data: {finish}")), Step::Cut],
            INCOMPLETE,
        ),
        ("no JSON", vec![Step::Chunk(format!("{half}\n\n")), Step::Done], "upstream_protocol"),
        ("no UTF-8", vec![Step::Bytes(invalid), Step::Done], "upstream_protocol"),
    ]
}

fn chat_ui() -> Vec<Break> {
    let last = |text: &str, interrupted: bool| {
        Step::Line(json!({"type": "finalAnswer", "text": text, "interrupted": interrupted}))
    };
    let broken = || Step::Chunk("{\"type\": \"stream\", \"tok\n".to_owned());
    let finished = || Step::Line(json!({"type": "status", "status": "finished"}));
    vec![
        ("a broken line, no final text", vec![broken(), finished()], INCOMPLETE),
        ("stopped", vec![last("Größe ", true)], "upstream_stopped"),
        ("begun anew", vec![last("Something else", false)], "upstream_diverged"),
    ]
}

fn breaks(kind: &str) -> Vec<Break> {
    [common(kind), if kind == CHAT_UI { chat_ui() } else { openai() }].concat()
}

#[tokio::test]
async fn g07_what_breaks_ends_with_a_typed_error_and_is_sent_once() {
    let cases = LANES.into_iter().flat_map(|(kind, stream)| {
        breaks(kind).into_iter().map(move |broken| (kind, stream, broken))
    });
    each(cases, async |(kind, stream, (name, end, code))| {
        let stage = stage(kind, 2, &[]).await;
        let said = SAID.map(|piece| text(kind, piece)).to_vec();
        let told = ask(&stage, stream, &[[opening(kind), said, end].concat()]).await;
        let what = format!("{kind}, streamed {stream}, {name}: {told:?}");
        let status = if stream { 200 } else { 502 };
        assert_eq!(told.refusal(), (status, code.to_owned()), "{what}");
        assert_eq!(told.text(), if stream { SAID.concat() } else { String::new() }, "{what}");
        assert!(!told.body.contains('\u{fffd}'), "{what}");
        let log = stage.upstream.log();
        assert_eq!((log.senders().len(), log.generations), (1, 1), "{what}");
    })
    .await;
}

/// An object of which only a part comes is nothing that anybody has seen: it is asked for again.
#[tokio::test]
async fn g07_half_an_object_is_asked_for_again_and_never_passed_on() {
    let whole = json!({"id": "x", "choices": [{"index": 0, "message": {"content": "half"}}]});
    let whole = whole.to_string();
    let half = whole[..whole.len() / 2].to_owned();
    let head = |length: usize| Step::Status {
        status: 200,
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("content-length".into(), length.to_string()),
        ],
    };
    let cases = [
        (
            "too short",
            vec![head(whole.len()), Step::Chunk(half.clone()), Step::Cut],
            "upstream_reset",
        ),
        ("no JSON", vec![head(half.len()), Step::Chunk(half)], "upstream_protocol"),
    ];
    each(cases, async |(name, steps, code)| {
        let told = ask(&stage(OPENAI, 2, &[]).await, false, &vec![steps.clone(); 3]).await;
        assert_eq!(told.refusal(), (502, code.to_owned()), "{name}: {told:?}");
        assert!(!told.body.contains("half"), "{name}: {told:?}");
        let told = ask(&stage(OPENAI, 2, &[]).await, false, &[steps]).await;
        assert!(told.is_whole(), "{name}: {told:?}");
        assert_eq!(told.text(), ANSWER, "{name}");
    })
    .await;
}
