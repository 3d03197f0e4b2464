//! The block in all its forms, and the laws of taking it off again.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::chat::{Extra, ToolCall};

fn source(title: &str, url: &str) -> Source {
    Source { url: url.into(), title: title.into(), text: "An excerpt.".into(), published: None }
}

fn cut<'a>(text: &'a str, range: &Range<usize>) -> &'a str {
    let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let from = ends.nth(range.start).expect("a character of the text");
    let to = ends.nth(range.end - range.start - 1).expect("a character of the text");
    &text[from..to]
}

fn calling(message: Message) -> Message {
    Message { tool_calls: Some(vec![ToolCall::default()]), ..message }
}

fn nothing() -> Message {
    Message { role: Role::Assistant, ..Message::default() }
}

fn history(texts: &[&str]) -> Arc<[Message]> {
    texts.iter().map(|text| Message::assistant(*text)).collect()
}

#[test]
fn sources_are_listed_as_links() {
    let sources = [
        source("Paris [travel] `guide`", "https://example.org/Paris_(France)?a=b c"),
        source("日本 \\ café", "https://example.com/"),
    ];
    let block = block(&sources).expect("two sources");
    insta::assert_snapshot!(block.text, @r"
    <search>

    1. [Paris (travel) \`guide\`](https://example.org/Paris_%28France%29?a=b%20c)
    2. [日本 \\ café](https://example.com/)

    </search>
    ");
    assert!(block.text.ends_with("</search>\n\n"));
    assert_eq!(block.length, block.text.chars().count());
    assert_eq!(cut(&block.text, &block.entries[1]), "2. [日本 \\\\ café](https://example.com/)");
}

#[test]
fn no_sources_make_no_block() {
    assert_eq!(block(&[]), None);
}

#[test]
fn only_a_closed_block_at_the_beginning_is_one() {
    let cases = [
        ("<search>\n1. x\n</search>\n\nParis.", Some("Paris.")),
        (" \n<search>anything\n\nelse</search>\r\n\r\n\nParis.", Some("Paris.")),
        ("<search></search>\n    code", Some("    code")),
        ("<search></search> Paris.", Some(" Paris.")),
        ("<search></search>\n \n ", Some("")),
        ("<search></search>a</search>", Some("a</search>")),
        ("<search>never closed", None),
        ("Look: <search></search>", None),
        ("<searching></search>", None),
        ("</search>", None),
        ("", None),
    ];
    for (text, rest) in cases {
        assert_eq!(without_block(text), rest, "{text:?}");
    }
}

#[test]
fn a_history_without_blocks_is_not_copied() {
    let messages: Arc<[Message]> = [
        Message::user("<search>1</search>\n\nmine"),
        Message::system("<search>1</search>\n\nmine"),
        Message::assistant("See <search>1</search>"),
        nothing(),
    ]
    .into();
    assert_eq!(strip_history(&messages), None);
}

#[test]
fn blocks_of_earlier_answers_go_and_all_else_stays() {
    let refusal = Part::Refusal { refusal: "<search>1</search>no".into(), extra: Extra::new() };
    let parts = |text: &str| {
        vec![refusal.clone(), Part::text_part(text), Part::text_part("<search>2</search>b")]
    };
    let messages = |block: &str| -> Arc<[Message]> {
        [
            Message::user("<search>1</search>\n\nmine"),
            Message::assistant(format!("{block}Paris.")),
            Message::assistant(parts(&format!("{block}a"))),
            calling(Message::assistant(format!("{block}I look."))),
        ]
        .into()
    };
    let led = messages("<search>1</search>\n\n<search>\n2\n</search>\n\n");
    assert_eq!(strip_history(&led), Some(messages("")));
}

#[test]
fn a_turn_that_said_nothing_else_says_nothing() {
    let block = "<search>1</search>\n\n";
    let image = || Part::image("https://a.example/i.png");
    let cases = [
        (calling(Message::assistant(block)), calling(nothing())),
        (Message::assistant(block), Message::assistant("")),
        (calling(Message::assistant(vec![Part::text_part(block)])), calling(nothing())),
        (Message::assistant(vec![Part::text_part(block)]), nothing()),
        (
            Message::assistant(vec![Part::text_part(block), image()]),
            Message::assistant(vec![image()]),
        ),
    ];
    for (led, bare) in cases {
        assert_eq!(strip_history(&[led].into()), Some([bare].into()));
    }
}

#[test]
fn annotations_of_pages_go_with_the_text_that_they_point_into() {
    let annotated = |role: Role, text: &str, list: Value| {
        let extra = [("annotations".to_owned(), list)].into_iter().collect();
        Message { extra, ..Message::new(role, text) }
    };
    let page = || json!({"type": "url_citation", "url_citation": {"url": "https://a.example/"}});
    for text in ["<search>1</search>\n\nParis.", "Paris."] {
        let messages = [annotated(Role::Assistant, text, json!([page(), page()]))].into();
        assert_eq!(strip_history(&messages), Some([Message::assistant("Paris.")].into()));
    }
    for other in [json!([page(), {"type": "file_citation"}]), json!([]), json!(null), json!([1])] {
        let messages = [annotated(Role::Assistant, "Paris.", other)].into();
        assert_eq!(strip_history(&messages), None);
    }
    assert_eq!(strip_history(&[annotated(Role::User, "Paris.", json!([page()]))].into()), None);
}

#[test]
fn four_million_bytes_of_blocks_come_off_at_once() {
    for between in ["", " ", "\n", "\n \n"] {
        let block = format!("<search></search>{between}");
        let text = block.repeat((4 << 20) / block.len());
        let messages = history(&[&format!("{text}Paris.")]);
        let began = Instant::now();
        let stripped = strip_history(&messages).expect("blocks");
        assert!(began.elapsed() < Duration::from_secs(1), "{between:?}: {:?}", began.elapsed());
        assert_eq!(stripped[0].text().trim_start(), "Paris.");
    }
}

proptest! {
    #[test]
    fn what_led_an_answer_comes_off_it_again(
        titles in vec(r"([\[\]()\\`a日<>\n]|</search>){0,8}", 1..5),
        urls in vec(r"https://a\.example/([()\[\]\\`a日<> ]|</search>){0,8}", 5),
        answer in r"(([a日\[\]<>]|<search>)([a日\[\] \n]|</search>|<search>){0,8})?",
        blocks in 1_usize..3,
    ) {
        prop_assume!(without_block(&answer).is_none());
        let sources: Vec<_> =
            titles.iter().zip(&urls).map(|(title, url)| source(title, url)).collect();
        let block = block(&sources).expect("a source at least");
        let led = format!("{}{answer}", block.text.repeat(blocks));
        prop_assert_eq!(strip(&led), Some(answer.as_str()));
        let stripped = strip_history(&history(&["before", &led]));
        prop_assert_eq!(stripped, Some(history(&["before", &answer])));
    }

    #[test]
    fn no_source_breaks_its_line_or_its_link(
        title in r"([\[\]()\\`a日<>\n\r]|</search>){0,12}",
        url in r"https://a\.example/([()\[\]\\`a日<> \n]|</search>){0,12}",
    ) {
        let block = block(&[source(&title, &url)]).expect("a source");
        let entry = cut(&block.text, &block.entries[0]);
        prop_assert_eq!(block.text.clone(), format!("<search>\n\n{entry}\n\n</search>\n\n"));
        let link = entry.strip_prefix("1. [").and_then(|link| link.strip_suffix(')'));
        let (title, url) = link.and_then(|link| link.split_once("](")).expect("a link");
        prop_assert!(!title.contains(['[', ']', '<', '>', '\n', '\r']), "{}", title);
        prop_assert!(!url.contains(['(', ')', '<', '>', ' ', '\n', '\\', '`']), "{}", url);
        let escapes = title.chars().rev().take_while(|c| *c == '\\').count();
        prop_assert!(escapes & 1 == 0, "the bracket behind {} is escaped", title);
    }
}
