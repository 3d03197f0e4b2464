//! Calls, reasons, roles and fields as odd servers send them.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{body, chunk, collect, items, request, stop};
use crate::chat::{ChatItem, FinishReason, Role, ToolCallDelta};
use crate::credential::Credential;
use crate::upstream::openai::decoder::read_whole;

/// The pieces of calls that come out, for pieces that go in.
fn calls(pieces: &[Value]) -> Vec<ToolCallDelta> {
    let deltas = pieces.iter().map(|piece| match piece {
        Value::Array(_) => json!({"tool_calls": piece}),
        piece => json!({"tool_calls": [piece]}),
    });
    let mut events: Vec<_> = deltas.map(|delta| chunk(&delta, &Value::Null)).collect();
    events.push(chunk(&json!({}), &json!("tool_calls")));
    let items = items(&request(), &[Bytes::from(body(&events))]).expect("an answer");
    let of = |item: &ChatItem| match item {
        ChatItem::Chunk(chunk) => chunk.body().choices[0].delta.tool_calls.clone(),
        _ => panic!("no stream"),
    };
    items.iter().filter_map(of).flatten().collect()
}

/// Each call as a client puts it together that joins what has one number: id, name, arguments.
fn joined(pieces: &[Value]) -> Vec<(String, String, String)> {
    let mut joined: Vec<(String, String, String)> = Vec::new();
    for call in calls(pieces) {
        let at = usize::try_from(call.index).expect("small");
        assert!(at <= joined.len(), "a number is left out");
        if at == joined.len() {
            assert_eq!(call.kind.as_deref(), Some("function"));
            joined.push(Default::default());
        }
        let function = call.function.unwrap_or_default();
        joined[at].0 += &call.id.unwrap_or_default();
        joined[at].1 += &function.name.unwrap_or_default();
        joined[at].2 += &function.arguments.unwrap_or_default();
    }
    joined
}

fn piece(index: Option<u32>, id: &str, name: &str, arguments: &str) -> Value {
    let mut piece = json!({"function": {"arguments": arguments}});
    if let Some(index) = index {
        piece["index"] = json!(index);
    }
    if !id.is_empty() {
        piece["id"] = json!(id);
    }
    if !name.is_empty() {
        piece["function"]["name"] = json!(name);
        piece["type"] = json!("function");
    }
    piece
}

fn both() -> Vec<(String, String, String)> {
    [("a", "f", "{}"), ("b", "g", "[]")]
        .map(|(id, name, arguments)| (id.into(), name.into(), arguments.into()))
        .into()
}

#[test]
fn g14_calls_get_distinct_numbers_from_zero_whatever_the_server_numbers() {
    let servers = [
        ("as the schema has it", [Some(0), Some(0), Some(1), Some(1)]),
        ("from one", [Some(1), Some(1), Some(2), Some(2)]),
        ("with gaps", [Some(7), Some(7), Some(3), Some(3)]),
        ("always zero", [Some(0); 4]),
        ("not at all", [None; 4]),
        ("in first pieces only", [Some(0), None, Some(1), None]),
    ];
    for (name, [first, more, second, rest]) in servers {
        let once = [
            piece(first, "a", "f", "{"),
            piece(more, "", "", "}"),
            piece(second, "b", "g", "["),
            piece(rest, "", "", "]"),
        ];
        assert_eq!(joined(&once), both(), "{name}");
        let ids_repeated = [
            piece(first, "a", "f", "{"),
            piece(more, "a", "", "}"),
            piece(second, "b", "g", "["),
            piece(rest, "b", "", "]"),
        ];
        assert_eq!(joined(&ids_repeated), both(), "{name}, ids repeated");
        let all_repeated = [
            piece(first, "a", "f", "{"),
            piece(more, "a", "f", "}"),
            piece(second, "b", "g", "["),
            piece(rest, "b", "g", "]"),
        ];
        assert_eq!(joined(&all_repeated), both(), "{name}, ids and names repeated");
        let whole = [json!([piece(first, "a", "f", "{}"), piece(second, "b", "g", "[]")])];
        assert_eq!(joined(&whole), both(), "{name}, whole calls in one piece");
    }
}

#[test]
fn g14_pieces_of_two_calls_may_take_turns() {
    for numbers in [[Some(0), Some(1)], [Some(1), Some(2)], [None, None], [Some(0), Some(0)]] {
        let [first, second] = numbers;
        let pieces = [
            piece(first, "a", "f", "{"),
            piece(second, "b", "g", "["),
            piece(first, "a", "", "}"),
            piece(second, "b", "", "]"),
        ];
        assert_eq!(joined(&pieces), both(), "{numbers:?}");
    }
}

#[test]
fn g14_an_id_that_changes_with_every_piece_makes_no_call() {
    let pieces = [
        piece(Some(0), "a", "f", "{"),
        piece(Some(0), "x", "", "}"),
        piece(Some(1), "b", "g", "["),
        piece(Some(1), "y", "", "]"),
    ];
    assert_eq!(joined(&pieces), both());
}

#[test]
fn g14_calls_without_ids_get_some() {
    let pieces = [piece(None, "", "f", "{}"), piece(None, "", "g", "[]")];
    let calls = joined(&pieces);
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|(id, ..)| id.starts_with("call_")), "{calls:?}");
    assert_ne!(calls[0].0, calls[1].0);
    // The same, numbered zero again.
    let again = joined(&[piece(Some(0), "", "f", "{}"), piece(Some(0), "", "g", "[]")]);
    assert_eq!(again.len(), 2);
}

#[test]
fn g14_well_formed_pieces_pass_byte_for_byte() {
    let first = chunk(&json!({"tool_calls": [piece(Some(0), "a", "f", "")]}), &Value::Null);
    let more = json!({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]});
    let events = [first, chunk(&more, &Value::Null), chunk(&json!({}), &json!("tool_calls"))];
    let items = items(&request(), &[Bytes::from(body(&events))]).expect("an answer");
    for (item, event) in items.iter().zip(&events) {
        let ChatItem::Chunk(chunk) = item else { panic!("{item:?}") };
        let mut json = Vec::new();
        chunk.write_json(&mut json);
        assert_eq!(String::from_utf8(json).expect("text"), event.to_string());
    }
}

#[test]
fn g14_whole_calls_have_ids_and_no_numbers() {
    let answer = json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": null,
            "tool_calls": [piece(Some(0), "", "f", "{}"), piece(Some(0), "", "f", "{}")],
        }}],
    });
    let answer = read_whole(answer.to_string().into(), &request(), &Credential::anonymous("x"));
    let body = answer.expect("an answer").into_body().expect("a body");
    let calls = body.choices[0].message.tool_calls.clone().expect("calls");
    assert!(calls.iter().all(|call| call.id.starts_with("call_") && call.extra.is_empty()));
    assert_ne!(calls[0].id, calls[1].id);
}

#[test]
fn g15_unknown_values_from_an_upstream_fail_no_call() {
    let strange = [json!("eos"), json!("stop_sequence"), json!("STOP"), json!("end_turn")];
    for reason in strange {
        let mut first = chunk(&json!({"role": "bot", "content": "Hi"}), &Value::Null);
        first["service_tier"] = json!("gold");
        first["system_fingerprint"] = json!(7);
        let end = chunk(&json!({}), &reason);
        let answer = collect(&[first.clone(), end]).expect("an answer");
        assert_eq!(answer.choices[0].finish_reason, Some(FinishReason::Stop), "{reason}");
        assert_eq!(answer.choices[0].message.role, Role::Assistant);
        assert_eq!(answer.choices[0].message.content.as_deref(), Some("Hi"));
        assert!(answer.extra.is_empty(), "{:?}", answer.extra);
    }
    let kept = ["auto", "default", "flex", "scale", "priority"];
    for tier in kept {
        let mut first = chunk(&json!({"content": "Hi"}), &Value::Null);
        first["service_tier"] = json!(tier);
        assert_eq!(collect(&[first, stop()]).expect("an answer").extra["service_tier"], tier);
    }
}

#[test]
fn g15_unknown_values_in_a_whole_answer_fail_no_call() {
    let good = json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "service_tier": "gold", "system_fingerprint": [],
        "choices": [{"index": 0, "finish_reason": "weird", "message": {
            "role": "bot", "content": "Hi",
            "tool_calls": [{"id": "a", "type": "tool", "function": {"name": "f", "arguments": "{}"}}],
        }}],
    });
    let read = |answer: &Value| {
        let answer = read_whole(answer.to_string().into(), &request(), &Credential::anonymous("x"));
        answer.expect("an answer").into_body().expect("a body")
    };
    let body = read(&good);
    assert_eq!(body.choices[0].finish_reason, Some(FinishReason::Stop));
    assert_eq!(body.choices[0].message.role, Role::Assistant);
    assert_eq!(body.choices[0].message.tool_calls.as_ref().expect("calls")[0].kind, "function");
    assert!(body.extra.is_empty(), "{:?}", body.extra);
    // Whatever else is left out is filled in.
    for at in
        ["/id", "/object", "/created", "/model", "/choices/0/index", "/choices/0/finish_reason"]
    {
        let (parent, name) = at.rsplit_once('/').expect("a pointer");
        let mut answer = good.clone();
        let parent = answer.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
        parent.remove(name);
        assert_eq!(read(&answer).choices[0].message.content.as_deref(), Some("Hi"), "{at}");
    }
}
