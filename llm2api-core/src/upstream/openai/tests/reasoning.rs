//! Reasoning under every name, streamed and whole.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::{body, chunk, collect, items, request, stop};
use crate::chat::{AssistantMessage, ChatItem};
use crate::credential::Credential;
use crate::upstream::openai::decoder::read_whole;

fn message(events: &[Value]) -> AssistantMessage {
    collect(events).expect("an answer").choices[0].message.clone()
}

fn whole(message: &Value) -> AssistantMessage {
    let answer = json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    });
    let body = Bytes::from(answer.to_string());
    let answer = read_whole(body, &request(), &Credential::anonymous("x")).expect("an answer");
    answer.into_body().expect("a body").choices[0].message.clone()
}

/// The reasoning and the text.
fn said(message: &AssistantMessage) -> (&str, &str) {
    let reasoning = message.reasoning_content.as_deref().unwrap_or_default();
    (reasoning, message.content.as_deref().unwrap_or_default())
}

#[test]
fn a_leading_tag_is_reasoning_in_both_modes() {
    let cases = [
        ("<think>Hm.</think>Yes.", "Hm.", "Yes."),
        ("\n<think>Hm.</think>\n\nYes.", "Hm.", "\n\nYes."),
        ("<think>never closed", "never closed", ""),
        ("Yes, <think>", "", "Yes, <think>"),
        ("<b>", "", "<b>"),
        ("<thi", "", "<thi"),
        ("\n", "", "\n"),
    ];
    for (text, reasoning, content) in cases {
        let streamed = message(&[chunk(&json!({"content": text}), &Value::Null), stop()]);
        assert_eq!(said(&streamed), (reasoning, content), "{text}");
        let whole = whole(&json!({"role": "assistant", "content": text}));
        assert_eq!(said(&whole), (reasoning, content), "{text}");
    }
}

#[test]
fn reasoning_gets_our_name_and_keeps_its_own() {
    let cases = [
        json!({"reasoning": "Hm."}),
        json!({"reasoning": {"text": "Hm."}}),
        json!({"reasoning": "", "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]}),
        json!({"reasoning_details": [{"type": "reasoning.summary", "summary": "Hm."}]}),
        json!({"reasoning_content": "Hm.", "reasoning": "Hm."}),
    ];
    for delta in cases {
        let streamed = message(&[
            chunk(&delta, &Value::Null),
            chunk(&json!({"content": "Yes."}), &json!("stop")),
        ]);
        assert_eq!(said(&streamed), ("Hm.", "Yes."), "{delta}");
        let mut message = delta.clone();
        message["role"] = json!("assistant");
        message["content"] = json!("Yes.");
        let whole = whole(&message);
        assert_eq!(said(&whole), ("Hm.", "Yes."), "{delta}");
        for (name, value) in delta.as_object().expect("an object") {
            let kept = name == "reasoning_content" || whole.extra.get(name) == Some(value);
            assert!(kept, "{name} of {delta}");
        }
    }
}

#[test]
fn thoughts_among_the_parts_of_a_content_are_reasoning() {
    let parts = json!([
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Yes."},
    ]);
    let streamed = message(&[chunk(&json!({"content": parts}), &Value::Null), stop()]);
    assert_eq!(said(&streamed), ("Hm.", "Yes."));
    assert_eq!(said(&whole(&json!({"role": "assistant", "content": parts}))), ("Hm.", "Yes."));
}

#[test]
fn chunks_that_need_nothing_pass_byte_for_byte() {
    let role = chunk(&json!({"role": "assistant", "content": ""}), &Value::Null);
    let events = [
        chunk(&json!({"content": "<think>Hm.</think>"}), &Value::Null),
        role.clone(),
        chunk(&json!({"content": "Yes"}), &Value::Null),
        chunk(&json!({"content": "<think>"}), &Value::Null),
        chunk(&json!({"reasoning_content": "Hm."}), &Value::Null),
        stop(),
    ];
    let written = |events: &[Value]| -> Vec<String> {
        let items = items(&request(), &[Bytes::from(body(events))]).expect("an answer");
        let json = |item: &ChatItem| match item {
            ChatItem::Chunk(chunk) => {
                let mut json = Vec::new();
                chunk.write_json(&mut json);
                String::from_utf8(json).expect("text")
            }
            _ => panic!("no stream"),
        };
        items.iter().map(json).collect()
    };
    let sent: Vec<_> = events.iter().map(Value::to_string).collect();
    assert_eq!(written(&events)[1..], sent[1..], "after the tag");
    assert_eq!(written(&events[1..]), sent[1..], "without a tag");
}

#[test]
fn each_choice_has_reasoning_of_its_own() {
    let choice = |index: u32, text: &str| {
        let mut chunk = chunk(&json!({"content": text}), &Value::Null);
        chunk["choices"][0]["index"] = json!(index);
        chunk
    };
    let mut end = stop();
    end["choices"] = json!([
        {"index": 0, "delta": {}, "finish_reason": "stop"},
        {"index": 1, "delta": {}, "finish_reason": "stop"},
    ]);
    let events = [
        choice(0, "<think>"),
        choice(1, "One."),
        choice(0, "Hm."),
        choice(1, "<think>"),
        choice(0, "</think>Two."),
        end,
    ];
    let answer = collect(&events).expect("an answer");
    assert_eq!(said(&answer.choices[0].message), ("Hm.", "Two."));
    assert_eq!(said(&answer.choices[1].message), ("", "One.<think>"));
}

/// Cuts a text into pieces at these places.
fn pieces(text: &str, cuts: &[Index]) -> Vec<String> {
    let borders: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut ends: Vec<_> = cuts.iter().map(|cut| borders[cut.index(borders.len())]).collect();
    ends.extend([0, text.len()]);
    ends.sort_unstable();
    ends.windows(2).map(|ends| text[ends[0]..ends[1]].to_owned()).collect()
}

proptest! {
    #[test]
    fn however_a_text_is_cut_no_tag_comes_out(
        lead in "( |\n){0,2}(<think>)?",
        thought in "[a-z<>/é]{0,12}",
        text in "(</think>)?[a-z<>/é \n]{0,12}",
        cuts in proptest::collection::vec(any::<Index>(), 0..12),
        ends_with_text in any::<bool>(),
    ) {
        let text = format!("{lead}{thought}{text}");
        let answer = |pieces: &[String]| {
            let deltas = pieces.iter().map(|piece| json!({"content": piece}));
            let mut events: Vec<_> = deltas.map(|delta| chunk(&delta, &Value::Null)).collect();
            match events.last_mut().filter(|_| ends_with_text) {
                Some(last) => last["choices"][0]["finish_reason"] = json!("stop"),
                None => events.push(stop()),
            }
            let message = message(&events);
            let (reasoning, content) = said(&message);
            (reasoning.to_owned(), content.to_owned())
        };
        prop_assume!(!text.is_empty());
        let (reasoning, content) = answer(&pieces(&text, &cuts));
        prop_assert_eq!(&answer(std::slice::from_ref(&text)), &(reasoning.clone(), content.clone()));
        if lead.ends_with("<think>") {
            prop_assert!(!content.trim_start().starts_with("<think>") || text.contains("</think><"));
            prop_assert!(!reasoning.contains("</think>"));
        } else {
            prop_assert_eq!(content, text);
        }
    }
}
