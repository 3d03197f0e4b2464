//! The estimate against the vocabulary it is made for.

use bpe_openai::o200k_base;
use proptest::prelude::*;

use super::{TokenCounter, estimate_tokens};

/// The most that an estimate may be off, in percent of the true count.
const TOLERANCE: u64 = 15;

macro_rules! sample {
    ($path:literal) => {
        ($path, include_str!(concat!("../../../../", $path)))
    };
}

const ENGLISH: [(&str, &str); 6] = [
    sample!("tests/fixtures/text/english-story.txt"),
    sample!("tests/fixtures/text/english-explanation.txt"),
    sample!("tests/fixtures/text/english-answer.txt"),
    sample!("tests/fixtures/text/english-minutes.txt"),
    sample!("CONTRIBUTING.md"),
    sample!("llm2api-core/src/docs/decisions.md"),
];

const CHINESE: [(&str, &str); 4] = [
    sample!("tests/fixtures/text/chinese-story.txt"),
    sample!("tests/fixtures/text/chinese-explanation.txt"),
    sample!("tests/fixtures/text/chinese-answer.txt"),
    sample!("tests/fixtures/text/chinese-essay.txt"),
];

const CODE: [(&str, &str); 7] = [
    sample!("llm2api-core/src/pool/lease.rs"),
    sample!("llm2api-core/src/upstream/openai/view.rs"),
    sample!("llm2api-core/src/store/sqlite/statements.rs"),
    sample!("llm2api-core/Cargo.toml"),
    sample!("tests/python/conftest.py"),
    sample!("tests/python/test_many_cookies.py"),
    sample!("tests/fixtures/chat-ui/v0.20-models-v2.body"),
];

fn check(kind: &str, samples: &[(&str, &str)], count: impl Fn(&str) -> u64) {
    let rows = samples.iter().map(|(name, text)| {
        let (true_count, estimate) = (o200k_base().count(*text) as u64, count(text));
        let off = estimate.abs_diff(true_count) * 100 / true_count;
        (off, format!("{kind:8} {name:50} {true_count:6} {estimate:6} {off:3} %"))
    });
    let (off, table): (Vec<_>, Vec<_>) = rows.unzip();
    assert!(off.iter().all(|off| *off <= TOLERANCE), "\n{}", table.join("\n"));
}

/// Adds up what the pieces cost apart, each of them a token, as an upstream sends them.
fn by_token(text: &str) -> u64 {
    let tokenizer = o200k_base();
    let tokens = tokenizer.encode(text);
    // Some tokens are half a character: those are sent together.
    let mut pieces = Vec::new();
    let mut held = Vec::new();
    for token in tokens {
        held.push(token);
        if let Some(piece) = tokenizer.decode(&held) {
            pieces.push(piece);
            held.clear();
        }
    }
    pieces.iter().map(|piece| estimate_tokens(piece)).sum()
}

#[test]
fn english_prose_is_estimated_within_fifteen_percent() {
    check("English", &ENGLISH, estimate_tokens);
}

#[test]
fn chinese_prose_is_estimated_within_fifteen_percent() {
    check("Chinese", &CHINESE, estimate_tokens);
}

#[test]
fn source_code_and_json_are_estimated_within_fifteen_percent() {
    check("code", &CODE, estimate_tokens);
}

#[test]
fn what_arrives_token_by_token_and_is_counted_apart_is_no_further_off() {
    check("English", &ENGLISH, by_token);
    check("Chinese", &CHINESE, by_token);
    check("code", &CODE, by_token);
}

#[test]
fn nothing_costs_nothing_and_anything_costs_something() {
    assert_eq!(estimate_tokens(""), 0);
    for text in ["a", " ", "\n", ".", "é", "日", "🙂", "7"] {
        assert!(estimate_tokens(text) >= 1, "{text:?}");
    }
}

proptest! {
    #[test]
    fn however_a_text_is_cut_the_count_is_that_of_the_whole(
        pieces in proptest::collection::vec("[a-zA-Z0-9 \n.,(){}日本é🙂]{0,6}", 0..40),
    ) {
        let mut counter = TokenCounter::new();
        pieces.iter().for_each(|piece| counter.push(piece));
        prop_assert_eq!(counter.tokens(), estimate_tokens(&pieces.concat()));
    }
}
