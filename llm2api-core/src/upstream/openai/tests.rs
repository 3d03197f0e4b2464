//! Streams of every kind of server, event by event.

mod odd_servers;
mod reasoning;
mod shapes;
mod whole;

use bytes::Bytes;
use futures::executor::block_on;
use futures::stream;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::decoder::Decoder;
use super::view::look_at_chunk;
use crate::chat::{ChatItem, ChatRequest, ChatStream, ChunkBody, CompletionBody, FinishReason};
use crate::credential::Credential;
use crate::error::{ErrorKind, Result};
use crate::upstream::decode::Decode;

fn request() -> ChatRequest {
    ChatRequest::new("m").with_stream(true)
}

/// Decodes a body that arrives in these pieces.
fn items(request: &ChatRequest, pieces: &[Bytes]) -> Result<Vec<ChatItem>> {
    let mut decoder = Decoder::new(request, &Credential::anonymous("x"), 1 << 20);
    let mut items = Vec::new();
    for piece in pieces {
        decoder.push(piece.clone());
        while let Some(item) = decoder.next()? {
            items.push(item);
        }
    }
    decoder.finish()?;
    Ok(items)
}

fn body(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect::<Vec<_>>().concat()
}

fn collect(events: &[Value]) -> Result<CompletionBody> {
    let items = items(&request(), &[Bytes::from(body(events))])?;
    block_on(ChatStream::new(stream::iter(items.into_iter().map(Ok))).collect())?.into_body()
}

fn chunk(delta: &Value, reason: &Value) -> Value {
    json!({
        "id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    })
}

fn stop() -> Value {
    chunk(&json!({}), &json!("stop"))
}

#[test]
fn what_the_look_accepts_can_be_read_and_follows_the_schema() {
    let good = chunk(&json!({"role": "assistant", "content": "Hi"}), &Value::Null);
    let change = |at: &str, value: Value| {
        let mut chunk = good.clone();
        *chunk.pointer_mut(at).unwrap_or_else(|| panic!("no {at}")) = value;
        chunk
    };
    assert!(look_at_chunk(&good.to_string()).is_some());
    let wrong = [
        change("/id", Value::Null),
        change("/model", Value::Null),
        change("/object", json!("chunk")),
        change("/created", json!(1.5)),
        change("/choices/0/index", json!("0")),
        change("/choices/0/finish_reason", json!("eos")),
        change("/choices/0", json!({"index": 0, "delta": {}})),
        change("/choices/0", json!({"index": 0, "message": {}, "finish_reason": null})),
        change("/choices/0/delta/role", json!("bot")),
        change("/choices/0/delta/content", json!(["Hi"])),
        change("/choices/0/delta", json!({"tool_calls": [{"id": "a"}]})),
        change("/choices/0/delta", json!({"tool_calls": [{"index": 0, "type": 5}]})),
    ];
    for chunk in wrong {
        assert!(look_at_chunk(&chunk.to_string()).is_none(), "{chunk}");
    }
    let mut with_error = stop();
    with_error["error"] = json!({"message": "broke"});
    assert!(look_at_chunk(&with_error.to_string()).is_none());
}

#[test]
fn an_error_beside_a_finish_is_an_error() {
    let mut end = stop();
    end["error"] = json!({"message": "broke", "code": 429});
    let error = collect(&[end]).expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::RateLimited);
}

#[test]
fn repaired_chunks_keep_their_text() {
    let events = [
        json!({"choices": [{"delta": {"role": "", "content": "H"}}]}),
        json!({"id": null, "choices": [{"message": {"content": "i"}, "index": 0}]}),
        json!({"choices": [{"delta": {"content": null}, "finish_reason": "eos_token"}]}),
    ];
    let whole = collect(&events).expect("an answer");
    assert_eq!(whole.choices[0].message.content.as_deref(), Some("Hi"));
    assert_eq!(whole.choices[0].finish_reason, Some(FinishReason::Stop));
}

#[test]
fn what_cannot_be_read_is_an_error_and_not_an_empty_text() {
    let text = body(&[chunk(&json!({"content": "Hi"}), &Value::Null)]);
    let text = text.replace("\"created\"", "\"odd\":1e999,\"created\"") + &body(&[stop()]);
    let items = items(&request(), &[Bytes::from(text)]).expect("passes on as it is");
    let whole = block_on(ChatStream::new(stream::iter(items.into_iter().map(Ok))).collect());
    assert_eq!(whole.expect_err("unreadable").kind(), ErrorKind::UpstreamProtocol);
}

#[test]
fn a_service_that_gave_up_is_no_stop() {
    for reason in ["abort", "insufficient_system_resource", "network_error"] {
        let events =
            [chunk(&json!({"content": "Hi"}), &Value::Null), chunk(&json!({}), &json!(reason))];
        let error = collect(&events).expect_err(reason);
        assert_eq!(error.kind(), ErrorKind::UpstreamIncomplete, "{reason}");
    }
}

#[test]
fn calls_are_told_apart_by_the_number_they_came_with() {
    let piece = |index: u32, id: &str, arguments: &str| {
        chunk(
            &json!({"tool_calls": [{"index": index, "id": id, "type": "function",
                "function": {"name": "f", "arguments": arguments}}]}),
            &Value::Null,
        )
    };
    let end = chunk(&json!({}), &json!("tool_calls"));
    // The numbers start at 1, and id and name are repeated.
    let events =
        [piece(1, "a", "{"), piece(2, "b", "["), piece(1, "a", "}"), piece(2, "b", "]"), end];
    let whole = collect(&events).expect("an answer");
    let calls = whole.choices[0].message.tool_calls.clone().expect("calls");
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (&*call.id, &*call.function.name, &*call.function.arguments))
        .collect();
    assert_eq!(seen, [("a", "f", "{}"), ("b", "f", "[]")]);
}

#[test]
fn the_newer_name_of_reasoning_is_content_and_is_collected() {
    let events = [
        chunk(&json!({"reasoning": "one "}), &Value::Null),
        chunk(&json!({"reasoning": "two"}), &Value::Null),
        stop(),
    ];
    let items = items(&request(), &[Bytes::from(body(&events))]).expect("an answer");
    assert!(items[0].has_content());
    let whole = collect(&events).expect("an answer");
    assert_eq!(whole.choices[0].message.extra["reasoning"], "one two");
}

#[test]
fn every_answer_that_was_asked_for_must_end() {
    let mut request = request();
    request.n = Some(2);
    let body = Bytes::from(body(&[chunk(&json!({"content": "Hi"}), &Value::Null), stop()]));
    assert!(items(&request, std::slice::from_ref(&body)).is_err(), "the second never came");
    let done = Bytes::from_static(b"data: [DONE] \n\n");
    assert!(items(&request, &[body, done]).is_ok(), "the server says that it is done");
}

#[test]
fn what_follows_done_is_no_part_of_the_answer() {
    let mut text = body(&[chunk(&json!({"content": "Hi"}), &Value::Null), stop()]);
    text.push_str("data: [DONE]\n\n");
    text.push_str(&body(&[chunk(&json!({"content": "smuggled"}), &Value::Null)]));
    assert_eq!(items(&request(), &[Bytes::from(text)]).expect("an answer").len(), 2);
}

#[test]
fn absurd_counts_do_not_overflow() {
    let usage = json!({"prompt_tokens": 1e30, "completion_tokens": 5});
    let whole = collect(&[
        chunk(&json!({"content": "Hi"}), &Value::Null),
        stop(),
        json!({"choices": [], "usage": usage}),
    ]);
    assert!(whole.is_ok());
}

proptest! {
    #[test]
    fn g13_every_cut_gives_the_same(cuts in proptest::collection::vec(any::<Index>(), 0..12)) {
        let text = body(&[
            chunk(&json!({"role": "assistant", "content": ""}), &Value::Null),
            chunk(&json!({"content": "日本 🙂 \"q\"\n"}), &Value::Null),
            json!({"choices": [{"delta": {"content": "é"}}]}),
            stop(),
        ]) + ": comment\n\ndata: [DONE]\n\n";
        let bytes = text.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<_> =
            at.windows(2).map(|ends| Bytes::copy_from_slice(&bytes[ends[0]..ends[1]])).collect();
        let text = |pieces: &[Bytes]| -> String {
            let items = items(&request(), pieces).expect("an answer");
            items.iter().map(|item| match item {
                ChatItem::Chunk(chunk) => chunk.text().to_owned(),
                item => panic!("{item:?}"),
            }).collect()
        };
        prop_assert_eq!(text(&pieces), "日本 🙂 \"q\"\né");
    }

    /// Whatever the look accepts, the typed chunk can read.
    #[test]
    fn the_look_and_the_type_agree(text in "[a-z\\\\\"u0-9]{0,8}", odd in any::<u8>()) {
        let json = format!(
            r#"{{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","odd":{odd},"choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]}}"#
        );
        if look_at_chunk(&json).is_some() {
            prop_assert!(serde_json::from_str::<ChunkBody>(&json).is_ok(), "{}", json);
        }
    }
}
