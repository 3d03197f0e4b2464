//! The upstream's bytes in pieces of any size.

use llm2api_tests::Step;
use llm2api_tests::pieces::{chunk, end, opening, text};
use llm2api_tests::processes::{CHAT_UI, OPENAI, Outcome};
use serde_json::{Value, json};

use crate::{LANES, ask, stage};

const WORDS: [&str; 4] = ["Größe ", "日本語の文", " 🙂👩‍👩‍👧", " \"quoted\"\\\n\u{2028}end"];
/// The whole in one piece comes first.
const SIZES: [usize; 6] = [usize::MAX, 1, 2, 3, 5, 64];

/// The body of a stream, as text.
fn body(kind: &str) -> String {
    let words = WORDS.map(|word| text(kind, word)).to_vec();
    let steps = [opening(kind), words, end(kind, &WORDS.concat())].concat();
    let texts = steps.into_iter().map(|step| match step {
        Step::Line(line) => format!("{line}\n"),
        Step::Event(event) => format!("data: {event}\n\n"),
        Step::Done => "data: [DONE]\n\n".to_owned(),
        Step::KeepAlive if kind == OPENAI => ": keep-alive\n\n".to_owned(),
        Step::KeepAlive => "\n".to_owned(),
        other => panic!("no piece: {other:?}"),
    });
    texts.collect()
}

fn pieces(body: &str, size: usize) -> impl Iterator<Item = Step> {
    body.as_bytes().chunks(size).map(|piece| Step::Bytes(piece.to_vec()))
}

/// What a client gets, without what differs from answer to answer.
fn comparable(told: &Outcome) -> Vec<Value> {
    let mut objects = told.objects();
    for object in &mut objects {
        (object["id"], object["created"]) = (Value::Null, Value::Null);
    }
    objects
}

#[tokio::test]
async fn g13_however_a_stream_is_split_the_client_gets_the_same() {
    for (kind, stream) in LANES {
        let stage = stage(kind, 1, &[]).await;
        let body = body(kind);
        let mut whole = None;
        for size in SIZES {
            let told = ask(&stage, stream, &[pieces(&body, size).collect()]).await;
            let what = format!("{kind}, streamed {stream}, in pieces of {size}: {told:?}");
            assert!(told.is_whole(), "{what}");
            assert_eq!(told.text(), WORDS.concat(), "{what}");
            let whole = whole.get_or_insert_with(|| comparable(&told));
            assert_eq!(comparable(&told), *whole, "{what}");
            if (kind, stream) == (OPENAI, true) {
                assert_eq!(told.body, body.replace(": keep-alive\n\n", ""), "byte for byte");
            }
        }
    }
}

#[tokio::test]
async fn g13_however_an_object_is_split_the_client_gets_its_bytes() {
    let message = json!({"role": "assistant", "content": WORDS.concat()});
    let mut object = chunk(&json!({}), None);
    object["object"] = "chat.completion".into();
    object["choices"] = json!([{"index": 0, "message": message, "finish_reason": "stop"}]);
    let body = object.to_string();
    let stage = stage(OPENAI, 1, &[]).await;
    let head = vec![("content-type".to_owned(), "application/json".to_owned())];
    let head = Step::Status { status: 200, headers: head };
    for size in SIZES {
        let steps = [head.clone()].into_iter().chain(pieces(&body, size)).collect();
        let told = ask(&stage, false, &[steps]).await;
        assert_eq!(told.body, body, "in pieces of {size}");
    }
}

/// A line end of either kind, in two pieces or not, is one end.
#[tokio::test]
async fn g13_line_ends_and_marks_may_be_split_as_well() {
    let plain = body(OPENAI);
    let marked = format!("\u{feff}{}", plain.replace('\n', "\r\n"));
    let stage = stage(OPENAI, 1, &[]).await;
    for size in SIZES {
        let told = ask(&stage, true, &[pieces(&marked, size).collect()]).await;
        assert_eq!(told.body, plain.replace(": keep-alive\n\n", ""), "in pieces of {size}");
    }
    let torn = body(CHAT_UI).replace('\n', "\r\n");
    let stage = crate::stage(CHAT_UI, 1, &[]).await;
    for size in SIZES {
        let told = ask(&stage, true, &[pieces(&torn, size).collect()]).await;
        assert!(told.is_whole() && told.text() == WORDS.concat(), "in pieces of {size}: {told:?}");
    }
}
