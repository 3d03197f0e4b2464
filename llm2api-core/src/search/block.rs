//! The list of sources that leads an answer, and its way out of the history again.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::Source;
use crate::chat::{Content, Message, Part, Role};

const OPEN: &str = "<search>";
const CLOSE: &str = "</search>";
/// Where the annotations of an answer stand in it.
pub(crate) const ANNOTATIONS: &str = "annotations";

/// The list of sources as it stands in front of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// All of it, with the blank line that parts it from the answer.
    pub(crate) text: String,
    /// Where each source's entry stands, in characters.
    pub(crate) entries: Vec<Range<usize>>,
    /// How long the text is, in characters.
    pub(crate) length: usize,
}

/// Lists sources as numbered links; none where there are none.
///
/// Nothing in a source ends its link or the block.
pub(crate) fn block(sources: &[Source]) -> Option<Block> {
    if sources.is_empty() {
        return None;
    }
    let mut block = Block { text: String::new(), entries: Vec::new(), length: 0 };
    block.push(OPEN);
    // Markdown takes all up to a blank line for HTML, in which there are no links.
    block.push("\n\n");
    for (number, source) in (1..).zip(sources) {
        let entry = format!("{number}. [{}]({})", label(&source.title), target(&source.url));
        let from = block.length;
        block.push(&entry);
        block.entries.push(from..block.length);
        block.push("\n");
    }
    block.push("\n");
    block.push(CLOSE);
    block.push("\n\n");
    Some(block)
}

impl Block {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.length += text.chars().count();
    }
}

/// A title within the brackets of a link.
fn label(title: &str) -> String {
    let mut label = String::with_capacity(title.len());
    for c in title.chars() {
        match c {
            '[' => label.push('('),
            ']' => label.push(')'),
            // Sources have none of these; the border must hold even so.
            '<' => label.push('‹'),
            '>' => label.push('›'),
            '\\' | '`' => label.extend(['\\', c]),
            c if c.is_control() => label.push(' '),
            c => label.push(c),
        }
    }
    label
}

/// An address within the parentheses of a link.
fn target(url: &str) -> String {
    let mut target = String::with_capacity(url.len());
    for c in url.chars() {
        let breaks = matches!(c, '(' | ')' | '<' | '>' | '\\' | '`');
        if breaks || c.is_whitespace() || c.is_control() {
            let mut bytes = [0; 4];
            let bytes = c.encode_utf8(&mut bytes).bytes();
            target.extend(bytes.map(|byte| format!("%{byte:02X}")));
        } else {
            target.push(c);
        }
    }
    target
}

/// Takes the block off that leads a text, and the blank lines behind it; none where none leads.
///
/// What stands inside does not matter: other programs list their sources in other forms.
pub(crate) fn without_block(text: &str) -> Option<&str> {
    let inside = text.trim_start().strip_prefix(OPEN)?;
    let (_, rest) = inside.split_once(CLOSE)?;
    // Looks no further than the answer's first character: many blocks may stand one behind the other.
    let answer = rest.trim_start();
    let blank = &rest[..rest.len() - answer.len()];
    let line = blank.rfind('\n').map_or(0, |at| at + 1);
    Some(if answer.is_empty() { answer } else { &rest[line..] })
}

/// Takes out of the model's earlier answers what a search has added: the blocks that lead them, and
/// the annotations of pages, which point into a text that has a block. None where nothing changes.
pub(crate) fn strip_history(messages: &Arc<[Message]>) -> Option<Arc<[Message]>> {
    let led = |message: &Message| leading_text(message).and_then(without_block).is_some();
    let gained = |message: &Message| led(message) || cites_pages(message);
    messages.iter().any(gained).then(|| messages.iter().cloned().map(stripped).collect())
}

fn stripped(mut message: Message) -> Message {
    if cites_pages(&message) {
        message.extra.shift_remove(ANNOTATIONS);
    }
    match leading_text(&message).and_then(strip).map(str::to_owned) {
        Some(bare) => with_leading_text(message, bare),
        None => message,
    }
}

/// Says whether an answer has annotations, each of a page of the web.
fn cites_pages(message: &Message) -> bool {
    let page = |annotation: &Value| annotation["type"] == "url_citation";
    let list = message.extra.get(ANNOTATIONS).and_then(Value::as_array);
    let pages = list.is_some_and(|list| !list.is_empty() && list.iter().all(page));
    pages && message.role == Role::Assistant
}

/// Takes all blocks off that lead a text, one behind the other.
fn strip(text: &str) -> Option<&str> {
    let mut bare = without_block(text)?;
    while let Some(rest) = without_block(bare) {
        bare = rest;
    }
    Some(bare)
}

/// What the model's answer begins with.
fn leading_text(message: &Message) -> Option<&str> {
    match message.content.as_ref()? {
        _ if message.role != Role::Assistant => None,
        Content::Text(text) => Some(text),
        Content::Parts(parts) => parts.iter().find_map(|part| match part {
            Part::Text { text, .. } => Some(text.as_str()),
            _ => None,
        }),
    }
}

/// Puts a text in the place of the leading one. Upstreams refuse empty texts: an empty part goes, and
/// a turn that only calls tools says nothing.
fn with_leading_text(message: Message, text: String) -> Message {
    let calls = message.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty());
    let content = match message.content {
        Some(Content::Parts(parts)) => with_first_text(parts, text).map(Content::Parts),
        _ => (!text.is_empty() || !calls).then_some(Content::Text(text)),
    };
    Message { content, ..message }
}

fn with_first_text(mut parts: Vec<Part>, text: String) -> Option<Vec<Part>> {
    let at = parts.iter().position(|part| matches!(part, Part::Text { .. }))?;
    if text.is_empty() {
        parts.remove(at);
    } else if let Part::Text { text: old, .. } = &mut parts[at] {
        *old = text;
    }
    (!parts.is_empty()).then_some(parts)
}

#[cfg(test)]
mod tests;
