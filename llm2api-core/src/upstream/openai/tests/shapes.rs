//! Chunks that are known again by their shape, and what only looks like one.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{chunk, request};
use crate::chat::ChatItem;
use crate::credential::Credential;
use crate::error::Result;
use crate::upstream::decode::Decode;
use crate::upstream::openai::decoder::Decoder;
use crate::upstream::openai::shape::Shape;

fn decoder() -> Decoder {
    Decoder::new(&request(), &Credential::anonymous("x"), 1 << 20)
}

fn read(decoder: &mut Decoder, json: &[u8]) -> Result<Option<ChatItem>> {
    decoder.push(Bytes::from([b"data: ", json, b"\n\n"].concat()));
    decoder.next()
}

/// What stands in an item; ids and times that the decoder has made up are left out.
fn seen(item: &ChatItem) -> (Value, bool, bool) {
    let ChatItem::Chunk(chunk) = item else { panic!("{item:?}") };
    let mut json = Vec::new();
    chunk.write_json(&mut json);
    let mut json: Value = serde_json::from_slice(&json).expect("what goes on is JSON");
    assert_eq!(serde_json::to_value(chunk.body()).expect("it has a form")["id"], json["id"]);
    if json["id"].as_str().is_some_and(|id| id.starts_with("chatcmpl-")) {
        json["id"] = Value::Null;
        json["created"] = Value::Null;
    }
    (json, chunk.has_content(), chunk.has_usage())
}

/// Reads events until one fails, and tells all that comes of them; `forgetful` reads each as if it
/// were the first.
fn outcome(events: &[Vec<u8>], forgetful: bool) -> (Vec<(Value, bool, bool)>, Option<String>) {
    let mut decoder = decoder();
    let mut items = Vec::new();
    for event in events {
        let mut next = read(&mut decoder, event);
        loop {
            match next {
                Ok(Some(item)) => items.push(seen(&item)),
                Ok(None) => break,
                Err(error) => return (items, Some(format!("{:?} {error}", error.kind()))),
            }
            if forgetful {
                decoder.shape = Shape::default();
            }
            next = decoder.next();
        }
    }
    let end = decoder.finish().err();
    (items, end.map(|error| format!("{:?} {error}", error.kind())))
}

/// A chunk as most servers write it, with this between the quotes of its text.
fn plain(id: &str, index: u32, text: &[u8]) -> Vec<u8> {
    let before = format!(
        r#"{{"id":"{id}","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":{index},"delta":{{"content":""#
    );
    [before.as_bytes(), text, br#""},"finish_reason":null}]}"#].concat()
}

fn two_choices(text: &str, other: &str) -> Value {
    let mut two = chunk(&json!({"content": text}), &Value::Null);
    let more = json!({"index": 1, "delta": {"content": other}, "finish_reason": null});
    two["choices"].as_array_mut().expect("a list").push(more);
    two
}

#[test]
fn a_chunk_of_the_same_shape_is_known() {
    let mut decoder = decoder();
    for text in ["Hi", " ", "日本", "<think>", r#"a \"b\"\n"#] {
        let json = plain("x", 0, text.as_bytes());
        assert_eq!(decoder.shape.fits(&json), text != "Hi", "{text}");
        let item = read(&mut decoder, &json).expect("a chunk").expect("it is whole");
        assert_eq!(seen(&item), (serde_json::from_slice(&json).expect("JSON"), true, false));
    }
}

#[test]
fn only_what_says_no_more_than_a_text_is_kept() {
    let text = json!({"content": "Hi"});
    let tools = json!({"content": "Hi", "tool_calls": [{"index": 0, "id": "a"}]});
    let mut counts = chunk(&text, &Value::Null);
    counts["usage"] = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
    let two = two_choices("Hi", "Ho");
    let odd = [
        chunk(&json!({"content": ""}), &Value::Null),
        chunk(&json!({"content": null}), &Value::Null),
        chunk(&json!({"reasoning": "Hi"}), &Value::Null),
        chunk(&json!({"content": "Hi", "reasoning": "Hm"}), &Value::Null),
        chunk(&text, &json!("stop")),
        chunk(&tools, &Value::Null),
        counts,
        two,
    ];
    for chunk in odd.map(|chunk| chunk.to_string().into_bytes()) {
        let mut decoder = decoder();
        read(&mut decoder, &plain("x", 0, b"Hi")).expect("a chunk");
        read(&mut decoder, &chunk).expect("a chunk");
        assert!(!decoder.shape.fits(&chunk), "{}", String::from_utf8_lossy(&chunk));
        assert!(decoder.shape.fits(&plain("x", 0, b"Hi")), "the one before is kept");
    }
}

#[test]
fn an_escaped_text_is_known_but_not_kept() {
    let (mut decoder, json) = (decoder(), plain("x", 0, b"a\\nb"));
    read(&mut decoder, &json).expect("a chunk");
    assert!(!decoder.shape.fits(&json));
    read(&mut decoder, &plain("x", 0, b"Hi")).expect("a chunk");
    assert!(decoder.shape.fits(&json));
}

#[test]
fn what_may_be_a_tag_is_not_known_before_its_choice_began_without_one() {
    for text in ["<think>", "<", " ", "\\n"] {
        let (mut decoder, json) = (decoder(), plain("x", 0, text.as_bytes()));
        for _ in 0..2 {
            read(&mut decoder, &json).expect("a chunk");
            assert!(!decoder.shape.fits(&json), "{text}");
        }
    }
    let mut decoder = decoder();
    read(&mut decoder, &plain("x", 0, b"Hi")).expect("a chunk");
    assert!(!decoder.shape.fits(&plain("x", 1, b"<think>")), "another choice");
}

#[test]
fn a_field_that_stands_twice_is_never_known() {
    let twice = |texts: &str| plain("x", 0, texts.as_bytes());
    let (json, again) = (twice(r#"a","content":"b"#), twice(r#"a","content":"c"#));
    let mut decoder = decoder();
    for event in [&json, &again] {
        read(&mut decoder, event).expect("a chunk");
        assert!(!decoder.shape.fits(&json) && !decoder.shape.fits(&again));
    }
    read(&mut decoder, &plain("x", 0, b"Hi")).expect("a chunk");
    assert!(!decoder.shape.fits(&json) && !decoder.shape.fits(&again));
}

#[test]
fn a_text_that_quotes_the_field_does_not_hide_it() {
    let odd = r#""odd":{"content":"Hi"},"odder":"\"delta\":{\"content\":\"Hi\"}","created""#;
    let change = |text: &str| {
        let json = String::from_utf8(plain("x", 0, text.as_bytes())).expect("text");
        json.replace("\"created\"", odd).into_bytes()
    };
    let mut decoder = decoder();
    read(&mut decoder, &change("Hello")).expect("a chunk");
    assert!(decoder.shape.fits(&change("there")));
    let other = String::from_utf8(change("there")).expect("text").replace("\"Hi\"", "\"Ho\"");
    assert!(!decoder.shape.fits(other.as_bytes()));
}

/// What stands between the quotes of a text: plain, escaped, tags, and what is no JSON or no text.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let odd: [&[u8]; 14] = [
        b"",
        b"<",
        b"think>",
        b"<think>",
        b"</think>",
        b" ",
        b"\\n",
        b"\\u00e9",
        b"\\x",
        b"\\",
        b"\"",
        b"\xff",
        b"\t",
        b"\",\"content\":\"b",
    ];
    prop_oneof![
        4 => "[a-cé🙂]{1,3}".prop_map(String::into_bytes),
        3 => vec(select(odd.to_vec()), 1..3).prop_map(|parts| parts.concat()),
    ]
}

/// Chunks of other kinds.
fn others() -> impl Strategy<Value = Vec<u8>> {
    let call = |index: u32, id: &str, name: &str| {
        let call = json!({"index": index, "id": id, "function": {"name": name, "arguments": "{"}});
        chunk(&json!({"content": "a", "tool_calls": [call]}), &Value::Null)
    };
    let chunks = [
        chunk(&json!({"role": "assistant", "content": ""}), &Value::Null),
        chunk(&json!({"reasoning": "Hm"}), &Value::Null),
        chunk(&json!({"content": "a", "reasoning_content": "b"}), &Value::Null),
        chunk(&json!({"content": "a"}), &json!("stop")),
        chunk(&json!({}), &json!("stop")),
        json!({"choices": [{"delta": {"content": "a"}}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
        json!({"error": {"message": "broke"}}),
        call(0, "a", "f"),
        call(7, "b", "g"),
        two_choices("a", "<think>b"),
    ];
    let chunks = chunks.map(|chunk| chunk.to_string());
    select([&chunks[..], &["[DONE]".to_owned()]].concat()).prop_map(String::into_bytes)
}

fn events() -> impl Strategy<Value = Vec<u8>> {
    let ids = prop_oneof![6 => Just("x"), 1 => Just("y")];
    let indices = prop_oneof![6 => Just(0), 2 => Just(1), 1 => Just(63), 1 => Just(64)];
    let plain = (ids, indices, texts()).prop_map(|(id, index, text)| plain(id, index, &text));
    let cut = (texts(), 0..160_usize).prop_map(|(text, length)| {
        let mut json = self::plain("x", 0, &text);
        json.truncate(length);
        json
    });
    prop_oneof![12 => plain, 1 => cut, 2 => others()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    /// Whatever a server sends, to know shapes again changes nothing.
    #[test]
    fn shapes_change_nothing(events in vec(events(), 1..12)) {
        prop_assert_eq!(outcome(&events, false), outcome(&events, true));
    }
}
