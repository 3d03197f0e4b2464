//! Makes JSON of what a model meant as JSON.

use serde_json::Value;

use super::reader::Reader;

const FENCE: &str = "```";

/// Turns what a model meant as JSON into JSON.
///
/// JSON comes back as it is, without blanks around it. Of anything else this understands: line
/// breaks and stray quotation marks in strings, trailing and missing commas, single, smart and
/// missing quotation marks, the literals of Python and JavaScript, comments, a fence around it, JSON
/// that was escaped once too often, and an end that was cut off. What is given back can always be
/// read. Nothing comes back where the text is no JSON even so, as prose is not, or where it is nested
/// more than 127 levels deep.
///
/// It takes time in proportion to the text.
///
/// # Example
/// ```
/// use llm2api_core::adapt::json::repair;
///
/// assert_eq!(repair("{'city': 'Paris', 'metro': True,}").unwrap(), r#"{"city":"Paris","metro":true}"#);
/// assert_eq!(repair(r#" {"a": [1, 2]} "#).unwrap(), r#"{"a": [1, 2]}"#);
/// assert_eq!(repair("The weather is fine."), None);
/// ```
pub fn repair(text: &str) -> Option<String> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let text = if is_json(text) { text } else { unfenced(text) };
    if is_json(text) {
        return Some(text.to_owned());
    }
    match unescaped(text) {
        Some(inner) if is_json(&inner) => Some(inner),
        Some(inner) => read(&inner).or_else(|| read(text)),
        None => read(text),
    }
}

fn read(text: &str) -> Option<String> {
    let mut reader = Reader::new(text, 0);
    reader.value().ok()?;
    reader.only_rubbish_follows().then(|| reader.into_json())
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok()
}

/// Takes the fence off, and the name of a language behind it.
fn unfenced(text: &str) -> &str {
    let Some(body) = text.strip_prefix(FENCE) else {
        return text;
    };
    let body = body.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    let body = body.strip_suffix(FENCE).unwrap_or(body);
    body.trim()
}

/// Reads `{\"a\": 1}`, which was made to stand in a string.
fn unescaped(text: &str) -> Option<String> {
    let inside = text.strip_prefix(['{', '['])?.trim_start_matches(['{', '[', ' ']);
    let escaped = inside.starts_with("\\\"") || inside.starts_with("\\n");
    escaped.then(|| serde_json::from_str(&format!("\"{text}\"")).ok()).flatten()
}
