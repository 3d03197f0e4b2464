//! What holds for any answer, wherever it is cut.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::tag::{Look, look};
use super::super::{Found, normalise_answer};
use super::{read, request, told, toolbox};
use crate::adapt::tools::Toolbox;

/// Pieces from which answers are made that are near to calls.
const PIECES: [&str; 58] = [
    "<tool_call>",
    "</tool_call>",
    "<tool_call>{",
    "<tool_call name=\"now\">",
    "<function=now>",
    "</function>",
    "<invoke name=\"now\">",
    "</invoke>",
    "<function_calls>",
    "</function_calls>",
    "<parameter=a>",
    "</parameter>",
    "[TOOL_CALLS]",
    "[ARGS]",
    "<|python_tag|>",
    "<|eom_id|>",
    "<tool_response>",
    "</tool_response>",
    "<|tool_call|>",
    "<|/tool_call|>",
    "{\"name\":",
    "{\"name\":\"now\",\"arguments\":{}}",
    "\"arguments\":",
    "\"now\"",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    ":",
    ",",
    "'",
    "```",
    "```json\n",
    "\n",
    " ",
    "\t",
    "<",
    ">",
    "<tool",
    "_call",
    "=",
    "name",
    "é",
    "漢",
    "a",
    "1",
    "True",
    "<tool_call",
    " name=\"now\">",
    "</",
    "now",
    "{}",
    "(",
    "  \n",
    "<func",
    "tion=now>",
];

fn answers() -> impl Strategy<Value = String> {
    proptest::collection::vec(select(&PIECES[..]), 0..24).prop_map(|pieces| pieces.concat())
}

fn cut<'a>(text: &'a str, cuts: &[Index]) -> Vec<&'a str> {
    let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    ends.retain(|end| text.is_char_boundary(*end));
    ends.push(text.len());
    ends.sort_unstable();
    let mut from = 0;
    let piece = |end| {
        let piece = &text[from..end];
        from = end;
        piece
    };
    ends.into_iter().map(piece).collect()
}

/// Says whether a tag stands in a text that should have none.
fn holds_tag(text: &str) -> bool {
    let tag_at = |(at, _)| matches!(look(&text[at..]), Look::Is(tag, _) if tag.stands_alone());
    text.char_indices().any(tag_at)
}

fn text(found: &[Found]) -> String {
    let text = |found: &Found| match found {
        Found::Text(text) => text.clone(),
        _ => String::new(),
    };
    found.iter().map(text).collect()
}

/// Any JSON object.
fn objects() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        select(&PIECES[..]).prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map("[a-z]{1,6}", value, 0..4)
        .prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn g13_however_an_answer_is_cut_the_same_calls_are_found(answer in answers(), cuts in proptest::collection::vec(any::<Index>(), 0..8)) {
        let toolbox = toolbox();
        let whole = read(&toolbox, &[&answer]);
        prop_assert_eq!(read(&toolbox, &cut(&answer, &cuts)), whole.clone());
        let characters: Vec<_> = answer.split_inclusive(|_| true).collect();
        prop_assert_eq!(read(&toolbox, &characters), whole);
    }

    #[test]
    fn no_tag_comes_out_as_text(answer in answers()) {
        let text = text(&read(&toolbox(), &[&answer]));
        prop_assert!(!holds_tag(&text), "{}", text);
    }

    #[test]
    fn text_without_brackets_stays_as_it_is(answer in "[a-z \n\"':,.!é漢1-9]{0,80}") {
        let expected = if answer.is_empty() { vec![] } else { vec![Found::Text(answer.clone())] };
        prop_assert_eq!(read(&toolbox(), &[&answer]), expected);
    }

    #[test]
    fn a_valid_call_is_never_changed(arguments in objects(), pretty in any::<bool>(), before in "[a-z ]{0,8}") {
        let toolbox = toolbox();
        let arguments = match pretty {
            true => serde_json::to_string_pretty(&arguments).expect("JSON"),
            false => arguments.to_string(),
        };
        let expected = format!("call now {arguments}\n");
        let call = format!("{{\"name\": \"now\", \"arguments\": {arguments}}}");
        let tagged = format!("<tool_call>\n{call}\n</tool_call>");
        prop_assert_eq!(told(&toolbox, &tagged), expected.clone());
        let behind_text = told(&toolbox, &format!("{before}\n{tagged}"));
        prop_assert!(behind_text.ends_with(&expected), "{}", behind_text);
        prop_assert_eq!(told(&toolbox, &call), expected.clone());
        prop_assert_eq!(told(&toolbox, &format!("<function=now>{arguments}</function>")), expected);
    }

    #[test]
    fn what_is_normalised_stays_so(arguments in objects(), text in "[a-z .]{0,12}") {
        let pretty = serde_json::to_string_pretty(&arguments).expect("JSON");
        let wrote = format!("{text}<function=now>{pretty}</function>");
        let sent = format!(
            "{text}\n<tool_call>\n{{\"name\":\"now\",\"arguments\":{arguments}}}\n</tool_call>"
        );
        let once = normalise_answer(&wrote);
        prop_assert_eq!(normalise_answer(&sent), once.clone());
        prop_assert_eq!(normalise_answer(&once), once);
    }
}

#[test]
fn each_tool_call_is_cut_at_each_place() {
    let toolbox = toolbox();
    let answer = "Hä?\n<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\": \"</tool_call>\"}}\n\
                  </tool_call>\n<function=now><parameter=a>1</parameter></function> <";
    let whole = read(&toolbox, &[answer]);
    assert_eq!(whole.len(), 4, "{whole:?}");
    for (one, _) in answer.char_indices() {
        for (two, _) in answer.char_indices().filter(|(two, _)| *two >= one) {
            let pieces = [&answer[..one], &answer[one..two], &answer[two..]];
            assert_eq!(read(&toolbox, &pieces), whole, "cut at {one} and {two}");
        }
    }
}

/// How long a long run of `unit` takes to read in small pieces.
fn time(before: &str, unit: &str, length: usize) -> Duration {
    let answer = format!("{before}{}", unit.repeat(length / unit.len()));
    let pieces: Vec<_> = answer.split_inclusive(['l', '[', 'n']).collect();
    let toolbox = toolbox();
    let start = Instant::now();
    read(&toolbox, &pieces);
    start.elapsed()
}

/// Four times the length takes four times as long; sixteen times would be quadratic.
fn is_linear(before: &str, unit: &str) -> bool {
    let (short, long) = (time(before, unit, 25_000), time(before, unit, 100_000));
    long < short * 10 + Duration::from_millis(20)
}

#[test]
fn hostile_answers_take_linear_time() {
    let units = [
        "<tool_call>",
        "<tool_call>{",
        "<tool_call>{\"</tool_call>",
        "<function=f><parameter=x></function>",
        "<function=f><parameter=x>",
        "[",
        "<",
        " ",
        "[TOOL_CALLS]",
        "[TOOL_CALLS]{\"a\":\"",
        "```",
        "</tool_call>",
        "<tool_call>\n",
        "{\"name\":",
        "<invoke name=\"",
        "<tool_call>[\"x</tool_call>\",",
        "{\"name\":\"now\"}",
        "<tool_call>{\"name\":\"now\"}",
        "<parameter=a>",
        "<parameter name=\"a\">",
    ];
    for unit in units {
        for before in ["", "x\n", "{\"name\":", "<function=f>", "<invoke name='f'>"] {
            // Another program may take the processor meanwhile, but hardly each time.
            assert!((0..5).any(|_| is_linear(before, unit)), "{before} {unit}");
        }
    }
}

#[test]
fn a_closing_tag_in_a_string_that_never_ends_is_seen_at_any_cut() {
    let toolbox = toolbox();
    let answers = [
        "<tool_call>{\"name\":\"write\",\"arguments\":{\"text\":\"a</tool_call> b",
        "<function=write><parameter=text>a</function> b",
    ];
    for answer in answers {
        let whole = read(&toolbox, &[answer]);
        assert_eq!(whole.len(), 2, "{whole:?}");
        for (at, _) in answer.char_indices() {
            let pieces = [&answer[..at], &answer[at..]];
            assert_eq!(read(&toolbox, &pieces), whole, "cut at {at}");
        }
    }
}

#[test]
fn only_one_call_comes_where_parallel_ones_are_off() {
    let fields = json!({"tools": super::tools(), "parallel_tool_calls": false});
    let toolbox = Toolbox::of(&request(&fields)).expect("valid").expect("tools");
    let call = r#"<tool_call>{"name":"now","arguments":{}}</tool_call>"#;
    assert_eq!(told(&toolbox, &format!("{call}\n{call} and more")), "call now {}\n");
}

#[test]
fn arguments_that_nothing_closes_are_read_in_linear_time() {
    let time = |count: usize| {
        let answer = format!("<function=f>{}</function>", "<parameter=a>".repeat(count));
        let start = Instant::now();
        normalise_answer(&answer);
        start.elapsed()
    };
    let linear = || time(32_000) < time(8_000) * 10 + Duration::from_millis(20);
    assert!((0..5).any(|_| linear()));
}
