//! Titles and excerpts of strangers as plain text, which may stand between borders of ours.
//!
//! What comes out has no `<` and no `>`, no control characters and none that nobody sees, whatever
//! went in, and it has an end. Entities are decoded once, after the tags are gone: `&amp;lt;` becomes
//! `&lt;` and no tag.

use html_escape::decode_html_entities;

pub(super) use self::clean::Clean;
pub(super) use self::markup::Reader;

mod clean;
mod markup;
#[cfg(test)]
pub(super) mod tests;

/// More of a title or an excerpt is not looked at, in bytes.
const READ: usize = 64 << 10;

/// Returns markup as one line of plain text, at most `most` characters.
pub(crate) fn line(markup: &str, most: usize) -> String {
    plain(markup, Clean::line(most))
}

/// Returns markup as plain text, at most `most` characters; line breaks stay, empty lines go.
pub(crate) fn text(markup: &str, most: usize) -> String {
    plain(markup, Clean::lines(most))
}

fn plain(markup: &str, mut clean: Clean) -> String {
    let markup = start(markup, READ);
    if markup.contains('<') {
        let mut reader = Reader::excerpt(clean);
        reader.read(markup);
        return reader.finish().into_text();
    }
    match markup.contains('&') {
        true => clean.push(&decode_html_entities(markup)),
        false => clean.push(markup),
    }
    clean.into_text()
}

/// The first bytes of a text, at most so many, in whole characters.
pub(super) fn start(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}
