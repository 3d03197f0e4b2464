//! Literals and numbers, in the spellings of several languages.

use std::borrow::Cow;

use serde_json::Number;

/// Returns the JSON literal that this word means.
pub(super) fn literal(word: &str) -> Option<&'static str> {
    match word {
        "true" | "True" | "TRUE" => Some("true"),
        "false" | "False" | "FALSE" => Some("false"),
        "null" | "None" | "NULL" | "Null" | "nil" | "undefined" | "NaN" | "nan" | "Infinity"
        | "-Infinity" | "+Infinity" | "inf" | "-inf" => Some("null"),
        _ => None,
    }
}

/// Returns the JSON literal or number that this word means. Where the text is `cut` behind it, the
/// beginning of one will do.
pub(super) fn read(word: &str, cut: bool) -> Option<Cow<'_, str>> {
    if let Some(literal) = literal(word) {
        return Some(literal.into());
    }
    number(word).or_else(|| if cut { beginning(word) } else { None })
}

/// Reads a number as JSON, Python or JavaScript write it; one that is too large becomes `null`.
fn number(word: &str) -> Option<Cow<'_, str>> {
    if is_json(word) {
        return Some(word.into());
    }
    let digits = word.trim_start_matches('+').replace('_', "");
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", &*digits),
    };
    if let Some(hexadecimal) = digits.strip_prefix("0x") {
        let value = u64::from_str_radix(hexadecimal, 16).ok()?;
        return Some(format!("{sign}{value}").into());
    }
    let begins = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let value: f64 = Some(digits).filter(|_| begins)?.parse().ok()?;
    if !value.is_finite() {
        return Some("null".into());
    }
    // Leading zeros are those of a code or a telephone number, and would be lost in a number.
    let code = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if code && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Some(format!("\"{word}\"").into());
    }
    let plain = format!("{sign}{}", filled(digits));
    Some(if is_json(&plain) { plain.into() } else { format!("{sign}{value}").into() })
}

/// Puts the digits around a point that JSON wants: `.5` and `5.` become `0.5` and `5.0`.
fn filled(digits: &str) -> String {
    let lead = if digits.starts_with('.') { "0" } else { "" };
    let tail = if digits.ends_with('.') { "0" } else { "" };
    format!("{lead}{digits}{tail}")
}

fn is_json(word: &str) -> bool {
    let begins = word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    begins && serde_json::from_str::<Number>(word).is_ok()
}

/// Completes what the end of the text has cut off.
fn beginning(word: &str) -> Option<Cow<'_, str>> {
    let literals = ["true", "false", "null", "True", "False", "None"];
    if let Some(whole) = literals.iter().find(|whole| whole.starts_with(word) && !word.is_empty()) {
        return literal(whole).map(Into::into);
    }
    let number = word.trim_end_matches(['.', '-', '+', 'e', 'E']);
    if is_json(number) { Some(number.into()) } else { None }
}
