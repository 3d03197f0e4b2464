//! Decides whether an answer may be a call without any tag.

use super::shape::without_fence;
use super::strict::{Progress, Tracker};
use super::tag::{Look, Tag, look};

/// How far into an answer its first key is looked for, in bytes.
const FARTHEST: usize = 256;
/// The languages that a fence around a call may name.
const LANGUAGES: [&str; 7] = ["", "json", "xml", "text", "tool_call", "tool_calls", "tool_code"];
/// The keys that a call may begin with.
const KEYS: [&str; 8] =
    ["name", "arguments", "parameters", "function", "function_call", "tool_calls", "type", "id"];

/// What an answer begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Too little is there to know.
    Unknown,
    /// JSON that may be a call.
    Bare,
    /// A fence of so many bytes, in which a tag follows.
    Fence(usize),
    /// Anything else.
    Prose,
}

/// Judges the beginning of an answer.
pub(super) fn judge(answer: &str) -> Verdict {
    let text = answer.trim_ascii_start();
    let verdict = match text.as_bytes().first() {
        None => Verdict::Unknown,
        Some(b'`') => judge_fence(answer, text),
        Some(b'{' | b'[') => judge_json(text),
        Some(_) => Verdict::Prose,
    };
    match verdict {
        Verdict::Unknown if answer.len() > FARTHEST => Verdict::Prose,
        verdict => verdict,
    }
}

fn judge_fence(answer: &str, text: &str) -> Verdict {
    let Some(inner) = text.strip_prefix("```") else {
        return if "```".starts_with(text) { Verdict::Unknown } else { Verdict::Prose };
    };
    let Some((language, inner)) = inner.split_once('\n') else {
        let begins = |language: &&str| language.starts_with(inner.trim_ascii());
        return if LANGUAGES.iter().any(begins) { Verdict::Unknown } else { Verdict::Prose };
    };
    let inner = inner.trim_ascii_start();
    match inner.as_bytes().first() {
        _ if !LANGUAGES.contains(&language.trim_ascii()) => Verdict::Prose,
        None => Verdict::Unknown,
        Some(b'{') => judge_json(inner),
        Some(_) => match (look(inner), inner.starts_with('[')) {
            (Look::Is(Tag::Open(..) | Tag::Wrapper, _), _) => {
                Verdict::Fence(answer.len() - inner.len())
            }
            (Look::Maybe { .. }, _) => Verdict::Unknown,
            (_, true) => judge_json(inner),
            _ => Verdict::Prose,
        },
    }
}

/// Decides by the first key.
fn judge_json(text: &str) -> Verdict {
    match look(text) {
        Look::Is(..) => return Verdict::Prose,
        Look::Maybe { .. } if text.len() > 1 => return Verdict::Unknown,
        _ => {}
    }
    let inner = text.trim_start_matches(|c: char| c == '[' || c.is_ascii_whitespace());
    let Some(inner) = inner.strip_prefix('{') else {
        return if inner.is_empty() { Verdict::Unknown } else { Verdict::Prose };
    };
    let inner = inner.trim_ascii_start();
    let key = inner.trim_start_matches(['"', '\'', '“']);
    let end = key.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    match end {
        Some(end) if KEYS.contains(&&key[..end]) => Verdict::Bare,
        None => Verdict::Unknown,
        Some(_) => Verdict::Prose,
    }
}

/// Says whether only brackets can be missing at the end of a bare answer.
pub(super) fn is_whole(answer: &str) -> bool {
    let text = without_fence(answer.trim());
    if text.ends_with(['}', ']']) {
        return true;
    }
    let mut tracker = Tracker::default();
    text.bytes().all(|byte| tracker.push(byte) == Progress::Goes) && tracker.may_stop()
}
