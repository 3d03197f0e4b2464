//! The list of sources that leads an answer, and its way out of the history again.

use std::ops::Range;
use std::sync::Arc;

use super::Source;
use crate::chat::{Content, Message, Part, Role};

const OPEN: &str = "<search>";
const CLOSE: &str = "</search>";

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

/// Takes the blocks off that lead the model's earlier answers; none where nothing changes.
pub(crate) fn strip_history(messages: &Arc<[Message]>) -> Option<Arc<[Message]>> {
    let led = |message: &Message| leading_text(message).and_then(without_block).is_some();
    messages.iter().any(led).then(|| messages.iter().cloned().map(stripped).collect())
}

fn stripped(mut message: Message) -> Message {
    let bare = leading_text(&message).and_then(strip).map(str::to_owned);
    if let Some(bare) = bare
        && let Some(text) = leading_text_mut(&mut message)
    {
        *text = bare;
    }
    message
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

fn leading_text_mut(message: &mut Message) -> Option<&mut String> {
    match message.content.as_mut()? {
        Content::Text(text) => Some(text),
        Content::Parts(parts) => parts.iter_mut().find_map(|part| match part {
            Part::Text { text, .. } => Some(text),
            _ => None,
        }),
    }
}

#[cfg(test)]
mod tests;
