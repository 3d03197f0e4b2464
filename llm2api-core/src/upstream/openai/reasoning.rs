//! Reasoning under the names that servers give it.

use serde_json::Value;

use crate::chat::Extra;

/// Fills `reasoning_content`, which the clients of vLLM and DeepSeek read, from `reasoning` or
/// `reasoning_details`, which stay for those of OpenRouter. Says whether that changed it.
pub(super) fn rename(reasoning_content: &mut Option<String>, extra: &Extra) -> bool {
    if reasoning_content.as_ref().is_some_and(|text| !text.is_empty()) {
        return false;
    }
    let names = ["reasoning", "reasoning_details"].into_iter();
    let mut texts = names.filter_map(|name| extra.get(name)).map(text);
    let Some(text) = texts.find(|text| !text.is_empty()) else {
        return false;
    };
    *reasoning_content = Some(text);
    true
}

/// Returns the thoughts among the parts of a content, as Mistral's models send them.
pub(super) fn of_parts(parts: &[Value]) -> String {
    parts.iter().filter_map(|part| part.get("thinking")).map(text).collect()
}

/// Returns the text of a string, of an object that has one, or of a list of such.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(part).collect(),
        value => part(value),
    }
}

fn part(value: &Value) -> String {
    let names = ["text", "summary", "content", "thinking"];
    let found = names.into_iter().find_map(|name| value.get(name).and_then(Value::as_str));
    found.or_else(|| value.as_str()).unwrap_or_default().to_owned()
}
