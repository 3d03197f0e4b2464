//! Looks ahead, never far, to tell a quotation mark that ends a string from one that belongs to it.

use super::quote::Quote;
use super::word;

/// How many bytes are looked at.
const WINDOW: usize = 256;

/// Where a string stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Before the colon of a member.
    Key,
    /// Behind it.
    Member,
    /// In an array.
    Item,
    /// Outside everything.
    Alone,
}

/// Says whether the mark before `rest` ends its string; `depth` brackets are open there.
pub(super) fn ends_string(rest: &str, place: Place, depth: usize) -> bool {
    let rest = window(rest);
    let next = past_blanks(rest);
    let Some(c) = next.chars().next() else {
        return true;
    };
    let gap = next.len() < rest.len();
    match (place, c) {
        (_, '`') if next.starts_with("```") => true,
        (Place::Key, c) => matches!(c, ':' | '：' | ',' | '}' | ']'),
        (Place::Alone, _) => false,
        (_, '}' | ']') => ends_container(next, depth),
        (Place::Member, ',') => member_follows(past_commas(next)),
        (Place::Item, ',') => item_follows(past_commas(next)),
        (Place::Member, _) => gap && key_follows(next),
        (Place::Item, c) => gap && (Quote::opened_by(c).is_some() || matches!(c, '{' | '[')),
    }
}

/// Returns what follows blanks and comments.
pub(super) fn past_blanks(text: &str) -> &str {
    let mut rest = text.trim_start_matches(is_blank);
    while let Some(end) = comment(rest) {
        rest = rest[end..].trim_start_matches(is_blank);
    }
    rest
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}

/// Returns the length of the comment that `text` begins with.
fn comment(text: &str) -> Option<usize> {
    let end = |mark: &str| text.find(mark).map_or(text.len(), |at| at + mark.len());
    if text.starts_with("//") || text.starts_with('#') {
        Some(end("\n"))
    } else if text.starts_with("/*") {
        Some(end("*/"))
    } else {
        None
    }
}

fn past_commas(mut text: &str) -> &str {
    while let Some(rest) = text.strip_prefix(',') {
        text = past_blanks(rest);
    }
    text
}

/// Says whether closing brackets may stand here: what follows them tells.
fn ends_container(text: &str, depth: usize) -> bool {
    let rest = text.trim_start_matches(|c: char| is_blank(c) || c == '}' || c == ']');
    let closed = text[..text.len() - rest.len()].matches(['}', ']']).count();
    let Some(c) = rest.chars().next() else {
        return true;
    };
    let quoted = Quote::opened_by(c).is_some() && !rest.starts_with("```");
    match closed >= depth {
        // Behind the end stands prose, if anything. A mark that ends something is no prose.
        true => !(quoted && past_blanks(&rest[c.len_utf8()..]).starts_with(['}', ']', ','])),
        false if quoted => key_follows(rest),
        false => matches!(c, ',' | '{' | '[' | '`' | '/' | '#') || key_follows(rest),
    }
}

fn member_follows(text: &str) -> bool {
    text.is_empty() || text.starts_with(['}', ']']) || key_follows(text)
}

fn item_follows(text: &str) -> bool {
    let Some(c) = text.chars().next() else {
        return true;
    };
    Quote::opened_by(c).is_some()
        || c.is_ascii_digit()
        || matches!(c, '{' | '[' | ']' | '}' | '-' | '.')
        || word::literal(name(text)).is_some()
}

/// Says whether a key and its colon stand here, or more than can be seen.
fn key_follows(text: &str) -> bool {
    let rest = match text.chars().next().and_then(Quote::opened_by) {
        Some(quote) => past_string(text, quote),
        None => Some(&text[name(text).len()..]).filter(|rest| rest.len() < text.len()),
    };
    let colon = |rest: &str| rest.is_empty() || rest.starts_with([':', '：']);
    rest.map(past_blanks).is_some_and(colon)
}

/// Returns what follows the string that `text` begins with: nothing where its end cannot be seen.
fn past_string(text: &str, quote: Quote) -> Option<&str> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if !escaped && quote.closed_by(c) {
            return text.get(at + c.len_utf8()..);
        }
        escaped = !escaped && c == '\\';
    }
    Some("")
}

/// Returns the name that `text` begins with.
pub(super) fn name(text: &str) -> &str {
    let end = text.find(|c: char| !is_of_name(c)).unwrap_or(text.len());
    &text[..end]
}

/// Says whether a name without marks around it may hold this character.
pub(super) fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '.')
}

fn window(text: &str) -> &str {
    let mut end = WINDOW.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
