//! Makes what a model wrote comparable with what a client sends back.

use serde::de::IgnoredAny;

use super::compact::render_found;
use super::parser::{Found, ToolParser};
use crate::adapt::{ThinkSplitter, Thought};

/// Returns an answer in the form in which answers are compared.
///
/// Leading reasoning in `<think>` is left away, so is a code fence around JSON that is everything;
/// calls, in whatever form the model wrote them, are rendered as
/// [`render_history`](super::render_history) renders them; blanks at both ends go, and lines end in one
/// way. All else counts as it is written, tags that are no call included, so that an edit is seen.
///
/// # Example
/// ```
/// use llm2api_core::adapt::tools::normalise_answer;
///
/// let wrote = "<think>Now.</think>\n<function=now>{ }</function>";
/// let sent_back = "<tool_call>\n{\"name\":\"now\",\"arguments\":{}}\n</tool_call>";
/// assert_eq!(normalise_answer(wrote), normalise_answer(sent_back));
/// ```
pub fn normalise_answer(text: &str) -> String {
    let text = without_reasoning(&text.replace("\r\n", "\n"));
    let text = without_fence(text.trim());
    let found = ToolParser::verbatim().read(text).into_iter();
    let pieces = found.map(|found| match found {
        Found::Text(text) => text.trim().to_owned(),
        Found::Call(call) => render_found(&call),
        Found::Broken(broken) => broken.body.trim().to_owned(),
    });
    pieces.filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join("\n")
}

fn without_reasoning(text: &str) -> String {
    let mut splitter = ThinkSplitter::new();
    let thoughts = splitter.push(text).chain(splitter.finish());
    let spoken = |thought| match thought {
        Thought::Text(text) => Some(text),
        Thought::Reasoning(_) => None,
    };
    thoughts.filter_map(spoken).collect()
}

/// Takes the fence away that stands around everything, if that is JSON: a client that asked for JSON
/// sends it back without one.
fn without_fence(text: &str) -> &str {
    let Some(inner) = text.strip_prefix("```").and_then(|text| text.strip_suffix("```")) else {
        return text;
    };
    match inner.split_once('\n') {
        Some((_, body)) if serde_json::from_str::<IgnoredAny>(body).is_ok() => body.trim(),
        _ => text,
    }
}
