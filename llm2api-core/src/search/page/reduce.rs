//! A page to what it says.

use super::charset::decode;
use crate::http::{Page, PageKind};
use crate::search::plain::{Clean, Reader, start};

/// A page that says less than this, in characters, is an empty shell.
const LEAST: usize = 80;
/// What is read at once, in bytes: others have their turn in between.
const PIECE: usize = 64 << 10;

/// Reduces a page to the text that people read on it, at most `most` characters; lines stay apart.
///
/// Menus, forms, headers and footers are left out, and what is hidden. Where a page says which part
/// of it matters, by `<main>` or `<article>`, the text is that of this part. Like all text of a
/// [`Source`](crate::search::Source) it holds no `<` and no `>` and no characters that nobody sees.
///
/// None where less than 80 characters are left, or where it is no text at all.
///
/// # Example
/// ```
/// use llm2api_core::http::Page;
/// use llm2api_core::search::reduce;
///
/// let says = "Tea is a drink that is made of leaves. It is green or black, and it is never blue.";
/// let html = format!("<nav>Home</nav><p>{says}</p><script>track()</script>");
/// let page = Page::new("text/html; charset=utf-8", html).expect("a page");
/// assert_eq!(reduce(&page, 1000).as_deref(), Some(says));
/// ```
pub fn reduce(page: &Page, most: usize) -> Option<String> {
    let text = decode(page);
    let mut reduction = Reduction::new(page.kind, &text, most);
    while reduction.step() {}
    reduction.finish()
}

/// Reduces a page, and lets others have their turn.
pub(super) async fn reduce_in_turns(page: &Page, most: usize) -> Option<String> {
    let text = decode(page);
    let mut reduction = Reduction::new(page.kind, &text, most);
    while reduction.step() {
        tokio::task::yield_now().await;
    }
    reduction.finish()
}

/// A page that is being reduced.
#[derive(Debug)]
struct Reduction<'a> {
    rest: &'a str,
    reading: Reading,
}

#[derive(Debug)]
enum Reading {
    Html(Box<Reader>),
    Text(Clean),
}

impl<'a> Reduction<'a> {
    fn new(kind: PageKind, text: &'a str, most: usize) -> Self {
        let reading = match kind {
            PageKind::Html => Reading::Html(Box::new(Reader::page(most))),
            PageKind::Text => Reading::Text(Clean::lines(most)),
        };
        Self { rest: text, reading }
    }

    /// Reads a piece, and says whether there is another one.
    fn step(&mut self) -> bool {
        let piece = start(self.rest, PIECE);
        self.rest = &self.rest[piece.len()..];
        let goes_on = match &mut self.reading {
            Reading::Html(reader) => reader.read(piece),
            Reading::Text(clean) => {
                clean.push(piece);
                !clean.is_full()
            }
        };
        goes_on && !self.rest.is_empty()
    }

    fn finish(self) -> Option<String> {
        let clean = match self.reading {
            Reading::Html(reader) => reader.finish(),
            Reading::Text(clean) => clean,
        };
        let length = clean.length();
        let text = clean.into_text();
        (length >= LEAST && is_readable(&text, length)).then_some(text)
    }
}

/// Says whether nearly all of a text could be decoded: no pictures, no wrong encoding.
fn is_readable(text: &str, length: usize) -> bool {
    text.matches(char::REPLACEMENT_CHARACTER).count() * 20 < length
}
