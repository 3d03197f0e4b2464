//! Markup to text, by the tokens of HTML.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use html_escape::decode_html_entities;
use lol_html::html_content::TextChunk;
use lol_html::send::{
    DocumentContentHandlers, Element, ElementContentHandlers, HtmlRewriter, Settings,
};
use lol_html::{MemorySettings, Selector};

use super::clean::Clean;

/// What is open and what is unfinished at the same time, in bytes.
const MEMORY: usize = 4 << 20;

/// What is no text wherever it stands.
static NO_TEXT: LazyLock<Selector> = LazyLock::new(|| selector("script, style, template"));
/// What ends a line before and behind it.
static BLOCKS: LazyLock<Selector> = LazyLock::new(|| {
    selector(
        "address, article, aside, blockquote, body, br, caption, center, dd, details, dialog, div, \
         dl, dt, fieldset, figcaption, figure, footer, form, h1, h2, h3, h4, h5, h6, header, hgroup, \
         hr, li, main, menu, nav, ol, option, p, pre, section, summary, table, tr, ul",
    )
});
static CELLS: LazyLock<Selector> = LazyLock::new(|| selector("td, th"));

type Sink = fn(&[u8]);
type Shared = Arc<Mutex<Found>>;

/// Reads markup piece by piece.
#[derive(Debug)]
pub(in super::super) struct Reader {
    /// None behind what it cannot go on from.
    rewriter: Option<HtmlRewriter<'static, Sink>>,
    found: Shared,
}

/// What was found so far.
#[derive(Debug)]
struct Found {
    text: Clean,
    /// The text since the last tag: an entity may come in two pieces.
    node: String,
    /// The next piece stands where no text is.
    is_left_out: bool,
}

impl Reader {
    /// Reads a title or an excerpt into `text`.
    pub(in super::super) fn excerpt(text: Clean) -> Self {
        let found = Found { text, node: String::new(), is_left_out: false };
        Self::over(Arc::new(Mutex::new(found)))
    }

    fn over(found: Shared) -> Self {
        let settings = Settings::new_send()
            .append_element_content_handler(left_out(&NO_TEXT, &found))
            .append_element_content_handler(gaps(&BLOCKS, &found, "\n"))
            .append_element_content_handler(gaps(&CELLS, &found, " "))
            .append_document_content_handler(texts(&found))
            .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(MEMORY))
            .with_strict(false);
        let sink: Sink = |_| {};
        Self { rewriter: Some(HtmlRewriter::new(settings, sink)), found }
    }

    /// Reads on, and says whether more would change anything.
    pub(in super::super) fn read(&mut self, piece: &str) -> bool {
        let Some(rewriter) = &mut self.rewriter else { return false };
        if rewriter.write(piece.as_bytes()).is_err() {
            // Too much is open. What was read until here is text all the same.
            self.rewriter = None;
        }
        self.rewriter.is_some() && !lock(&self.found).text.is_full()
    }

    /// Returns what was read.
    pub(in super::super) fn finish(mut self) -> Clean {
        if let Some(rewriter) = self.rewriter.take() {
            // Whatever is unfinished here is no text.
            let _ = rewriter.end();
        }
        let mut found = lock(&self.found);
        found.end_node();
        std::mem::replace(&mut found.text, Clean::line(0))
    }
}

// ===== impl Found =====

impl Found {
    fn read(&mut self, chunk: &TextChunk<'_>) {
        if !std::mem::take(&mut self.is_left_out) && !self.text.is_full() {
            self.node.push_str(chunk.as_str());
        }
        if chunk.last_in_text_node() {
            self.end_node();
        }
    }

    fn end_node(&mut self) {
        self.text.push(&decode_html_entities(&self.node));
        self.node.clear();
    }
}

type OnElements = (Cow<'static, Selector>, ElementContentHandlers<'static>);

/// Texts within these elements count for nothing.
fn left_out(elements: &'static Selector, found: &Shared) -> OnElements {
    let found = Arc::clone(found);
    let handlers = ElementContentHandlers::default().text(move |_: &mut TextChunk<'_>| {
        lock(&found).is_left_out = true;
        Ok(())
    });
    (Cow::Borrowed(elements), handlers)
}

/// These elements stand apart from what is before and behind them.
fn gaps(elements: &'static Selector, found: &Shared, gap: &'static str) -> OnElements {
    let found = Arc::clone(found);
    let handlers =
        ElementContentHandlers::default().element(move |element: &mut Element<'_, '_>| {
            lock(&found).text.push(gap);
            let found = Arc::clone(&found);
            if let Some(handlers) = element.end_tag_handlers() {
                handlers.push(Box::new(move |_| {
                    lock(&found).text.push(gap);
                    Ok(())
                }));
            }
            Ok(())
        });
    (Cow::Borrowed(elements), handlers)
}

/// All texts, behind what the handlers of elements have said of them.
fn texts(found: &Shared) -> DocumentContentHandlers<'static> {
    let found = Arc::clone(found);
    DocumentContentHandlers::default().text(move |chunk: &mut TextChunk<'_>| {
        lock(&found).read(chunk);
        Ok(())
    })
}

fn selector(text: &str) -> Selector {
    text.parse().expect("a constant that the tests read")
}

fn lock(found: &Shared) -> MutexGuard<'_, Found> {
    // A handler that panicked has read no more: what is there stays true.
    found.lock().unwrap_or_else(PoisonError::into_inner)
}
