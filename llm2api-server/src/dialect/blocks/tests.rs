use llm2api_core::chat::FunctionDelta;
use llm2api_core::{ChunkChoice, CompletionBody};
use proptest::prelude::*;

use super::*;

fn chunk(delta: Delta) -> ChunkBody {
    ChunkBody::new("chatcmpl-1", "demo", ChunkChoice::from(delta))
}

fn call(index: u32, id: &str, name: &str, arguments: &str) -> Delta {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let function = FunctionDelta { name: given(name), arguments: given(arguments) };
    let call = ToolCallDelta {
        index,
        id: given(id),
        function: Some(function),
        ..ToolCallDelta::default()
    };
    Delta { tool_calls: Some(vec![call]), ..Delta::default() }
}

/// Tells the steps of an answer, each on a line.
fn told(deltas: Vec<Delta>) -> Vec<String> {
    let mut blocks = Blocks::default();
    let mut steps = Vec::new();
    for delta in deltas {
        steps.extend(blocks.push(chunk(delta)).expect("is small"));
    }
    blocks.finish(&mut steps);
    let row = blocks.row();
    let line = |step| match step {
        Step::Begin(at) => format!("{at} begins: {:?}", row[at].kind),
        Step::Grow(at, range) => format!("{at} + {}", &row[at].text[range]),
        Step::End(at) => format!("{at} ends"),
    };
    steps.into_iter().map(line).collect()
}

#[test]
fn one_block_follows_the_other() {
    let deltas = vec![
        Delta::assistant(),
        Delta::reasoning("Hm"),
        Delta::reasoning("m."),
        Delta::text("Let me"),
        Delta::text(" see."),
        call(0, "a", "look", ""),
        call(0, "", "", "{\"q\":"),
        call(0, "", "", "1}"),
        call(1, "b", "look", "{}"),
        Delta::text("Well."),
    ];
    insta::assert_snapshot!(told(deltas).join("\n"));
}

#[test]
fn calls_whose_pieces_are_mixed_stay_open_beside_each_other() {
    let deltas = vec![
        call(0, "a", "look", "{\"q\":"),
        call(1, "b", "see", "{\"r\":"),
        call(0, "", "", "1}"),
        Delta::text("\n"),
        call(1, "", "", "2}"),
    ];
    insta::assert_snapshot!(told(deltas).join("\n"));
}

#[test]
fn a_call_without_arguments_ends_before_the_text_behind_it() {
    for next in [Delta::text("Well."), Delta::reasoning("Hm.")] {
        let told = told(vec![call(0, "a", "look", ""), next, call(0, "", "", "")]);
        assert_eq!(told[1], "0 ends", "{told:?}");
        assert!(told[2].starts_with("1 begins"), "{told:?}");
    }
}

#[test]
fn arguments_behind_the_end_of_their_call_are_an_error() {
    let mut blocks = Blocks::default();
    blocks.push(chunk(call(0, "a", "look", ""))).expect("is small");
    blocks.push(chunk(Delta::text("Well."))).expect("is small");
    let error = blocks.push(chunk(call(0, "", "", "{}"))).expect_err("comes too late");
    assert_eq!(error.kind(), ErrorKind::UpstreamProtocol);
}

#[test]
fn calls_under_one_number_are_told_apart_by_their_ids() {
    let deltas = vec![call(0, "a", "look", "{}"), call(0, "b", "look", "{\"q\":1}")];
    insta::assert_snapshot!(told(deltas).join("\n"));
}

#[test]
fn a_call_begins_when_its_name_is_known_and_repeats_of_it_are_nothing() {
    let deltas = vec![
        call(0, "a", "", ""),
        call(0, "", "", "{"),
        call(0, "a", "look", "\"q\""),
        call(0, "a", "look", ":1}"),
    ];
    insta::assert_snapshot!(told(deltas).join("\n"));
}

#[test]
fn other_choices_than_the_first_are_left_out() {
    let mut blocks = Blocks::default();
    let second = ChunkChoice { index: 1, ..ChunkChoice::from(Delta::text("no")) };
    blocks.push(ChunkBody::new("id", "demo", second)).expect("is small");
    assert!(blocks.row().is_empty());
}

#[test]
fn an_answer_without_end_is_given_up() {
    let mut blocks = Blocks::default();
    let text = "x".repeat(MOST - FRAME);
    blocks.push(chunk(Delta::text(text))).expect("fits");
    let error = blocks.push(chunk(Delta::text("y"))).expect_err("is too much");
    assert_eq!(error.kind(), ErrorKind::UpstreamProtocol);
    let error = blocks.push(chunk(call(0, "a", "", "y"))).expect_err("is too much");
    assert_eq!(error.kind(), ErrorKind::UpstreamProtocol);
}

#[test]
fn an_answer_of_very_many_blocks_is_given_up() {
    let mut blocks = Blocks::default();
    let mut deltas = [Delta::text("x"), Delta::reasoning("y")].into_iter().cycle();
    let most = MOST / FRAME;
    let given_up = deltas.by_ref().take(most + 1).any(|delta| blocks.push(chunk(delta)).is_err());
    assert!(given_up && blocks.row().len() < most);
}

#[test]
fn a_whole_answer_has_the_same_blocks() {
    let json = r#"{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[
        {"index":0,"finish_reason":"tool_calls","stop_reason":"END","message":{
            "role":"assistant","content":"Yes.","reasoning_content":"Hm.","refusal":null,
            "tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}}],
        "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#;
    let body: CompletionBody = serde_json::from_str(json).expect("a completion");
    let blocks = Blocks::of(body.into()).expect("is small");
    let kinds: Vec<_> = blocks.row().iter().map(|block| &block.kind).collect();
    let function = Kind::Call { id: "a".into(), name: "f".into() };
    assert_eq!(kinds, [&Kind::Reasoning, &Kind::Text, &function]);
    let texts: Vec<_> = blocks.row().iter().map(|block| block.text.as_str()).collect();
    assert_eq!(texts, ["Hm.", "Yes.", "{}"]);
    assert_eq!(blocks.finish, Some(FinishReason::ToolCalls));
    assert_eq!(blocks.stop.as_deref(), Some("END"));
    assert_eq!(blocks.usage.expect("is there").completion_tokens, 4);
}

fn any_delta() -> impl Strategy<Value = Delta> {
    let piece = "[a-z{}\":1 é日]{0,4}";
    prop_oneof![
        piece.prop_map(Delta::text),
        piece.prop_map(Delta::reasoning),
        piece.prop_map(|text| Delta { refusal: Some(text), ..Delta::default() }),
        (0_u32..3, "[ab]?", "[fg]?", piece)
            .prop_map(|(index, id, name, text)| call(index, &id, &name, &text)),
    ]
}

proptest! {
    #[test]
    fn every_block_begins_once_grows_to_its_text_and_ends_once(
        deltas in proptest::collection::vec(any_delta(), 0..24),
    ) {
        let mut blocks = Blocks::default();
        let mut steps = Vec::new();
        for delta in deltas {
            // Arguments that come too late are refused and change nothing.
            steps.extend(blocks.push(chunk(delta)).into_iter().flatten());
        }
        blocks.finish(&mut steps);
        let mut seen = vec![(false, String::new(), false); blocks.row().len()];
        for step in steps {
            match step {
                Step::Begin(at) => {
                    prop_assert!(!seen[at].0);
                    seen[at].0 = true;
                }
                Step::Grow(at, range) => {
                    prop_assert!(seen[at].0 && !seen[at].2 && !range.is_empty());
                    seen[at].1.push_str(&blocks.row()[at].text[range]);
                }
                Step::End(at) => {
                    prop_assert!(seen[at].0 && !seen[at].2);
                    seen[at].2 = true;
                }
            }
        }
        for (block, (begun, text, ended)) in blocks.row().iter().zip(seen) {
            prop_assert!(begun && ended);
            prop_assert_eq!(&block.text, &text);
        }
    }
}
