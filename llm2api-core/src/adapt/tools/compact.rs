//! Writes calls the one way that histories and comparisons use.

use serde_json::Value;

use super::shape::{Arguments, FoundCall};
use crate::adapt::json;

/// Renders a call without its id: the name, and the arguments as compact JSON.
pub(super) fn render(name: &str, arguments: &str) -> String {
    let name = Value::from(name);
    format!("<tool_call>\n{{\"name\":{name},\"arguments\":{}}}\n</tool_call>", compact(arguments))
}

/// Renders a call as it was found.
pub(super) fn render_found(call: &FoundCall) -> String {
    match &call.arguments {
        Arguments::Json(text) => render(&call.name, text),
        Arguments::Fields(fields) => {
            let pair = |(name, text): &(String, String)| {
                let is_json = serde_json::from_str::<Value>(text).is_ok();
                let value =
                    if is_json { text.clone() } else { Value::from(text.as_str()).to_string() };
                format!("{}:{value}", Value::from(name.as_str()))
            };
            let pairs: Vec<_> = fields.iter().map(pair).collect();
            render(&call.name, &format!("{{{}}}", pairs.join(",")))
        }
    }
}

/// Writes JSON without blanks and without needless escapes; numbers and the order of keys stay. What
/// is no JSON, nor can be made JSON, becomes a string.
fn compact(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return "{}".into();
    }
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return squeeze(text);
    }
    match json::repair(text) {
        Some(repaired) => squeeze(&repaired),
        None => Value::from(text).to_string(),
    }
}

/// Takes the blanks out of valid JSON.
fn squeeze(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        out.extend(rest[..start].split_ascii_whitespace());
        let length = string_length(&rest[start..]);
        let string = &rest[start..start + length];
        match serde_json::from_str::<String>(string) {
            Ok(text) => out.push_str(&Value::from(text).to_string()),
            // A lone surrogate: legal JSON that no text can hold.
            Err(_) => out.push_str(string),
        }
        rest = &rest[start + length..];
    }
    out.extend(rest.split_ascii_whitespace());
    out
}

/// The length of the string that `text` begins with, its quotes included.
fn string_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_blanks_and_needless_escapes_go() {
        let text = "{ \"b\" : [ 1.50, 12345678901234567890123 ],\n\"a\": \"\\u00e9 \\\" \\/ x\" }";
        assert_eq!(compact(text), "{\"b\":[1.50,12345678901234567890123],\"a\":\"é \\\" / x\"}");
        assert_eq!(compact(" "), "{}");
    }

    proptest! {
        #[test]
        fn what_is_written_compactly_means_the_same(text in r#"\{"a": ?("[ a-z\\n{}\[\],:é]{0,9}"|[0-9]{1,5}) ?\}"#) {
            let value: Result<Value, _> = serde_json::from_str(&text);
            prop_assume!(value.is_ok());
            let once = compact(&text);
            prop_assert_eq!(serde_json::from_str::<Value>(&once).ok(), value.ok());
            prop_assert_eq!(compact(&once), once);
        }
    }
}
