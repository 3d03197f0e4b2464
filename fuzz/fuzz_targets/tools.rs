//! However an answer is cut, the same calls are found, and no tag comes out as text.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use llm2api_core::ChatRequest;
use llm2api_core::adapt::tools::{Found, Toolbox, normalise_answer};
use serde_json::Value;

const REQUEST: &[u8] =
    br#"{"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": [
    {"type": "function", "function": {"name": "now"}},
    {"type": "function", "function": {"name": "get_weather", "parameters": {
        "type": "object", "required": ["city"],
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}}}]}"#;

/// Tags that are never text, whatever stands around them.
const TAGS: [&str; 7] = [
    "<tool_call>",
    "</tool_call>",
    "<function=now>",
    "<invoke name=\"now\">",
    "<function_calls>",
    "[TOOL_CALLS]",
    "<|python_tag|>",
];

static TOOLBOX: LazyLock<Toolbox> = LazyLock::new(|| {
    let request = ChatRequest::from_json(REQUEST).expect("the request is valid");
    Toolbox::of(&request).expect("the tools are valid").expect("tools are offered")
});

/// What was found, with texts that follow one another put together.
fn read<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Vec<Found> {
    let mut parser = TOOLBOX.parser();
    let mut all: Vec<_> = pieces.into_iter().flat_map(|piece| parser.push(piece)).collect();
    all.extend(parser.finish());
    let mut joined: Vec<Found> = Vec::new();
    for found in all {
        match (joined.last_mut(), found) {
            (Some(Found::Text(before)), Found::Text(text)) => before.push_str(&text),
            (_, found) => joined.push(found),
        }
    }
    joined
}

fn check(found: &[Found]) {
    let mut text = String::new();
    for found in found {
        match found {
            Found::Text(piece) => text.push_str(piece),
            Found::Call(call) => {
                let Ok(ready) = TOOLBOX.check(call) else { continue };
                let arguments: Value = serde_json::from_str(&ready.arguments).expect("is JSON");
                assert!(arguments.is_object());
            }
            _ => {}
        }
    }
    for tag in TAGS {
        assert!(!text.contains(tag), "{tag} came out");
    }
}

fuzz_target!(|input: (u16, &str)| {
    let (cut, answer) = input;
    let whole = read([answer]);
    check(&whole);
    let cut =
        (0..=usize::from(cut).min(answer.len())).rev().find(|at| answer.is_char_boundary(*at));
    let (head, tail) = answer.split_at(cut.unwrap_or(0));
    assert_eq!(read([head, tail]), whole, "cut at {}", head.len());
    assert_eq!(read(answer.split_inclusive(|_| true)), whole, "character by character");
    normalise_answer(answer);
});
