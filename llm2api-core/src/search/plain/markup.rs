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
/// What frames a page, is filled in, or is hidden; and marks of notes and of editors, which would read
/// like ours. Not `<form>`: there are pages that are one.
static FRAME: LazyLock<Selector> = LazyLock::new(|| {
    selector(
        "script, style, template, title, noscript, svg, math, iframe, object, canvas, audio, video, \
         nav, header, footer, aside, [role=navigation i], [role=banner i], [role=contentinfo i], \
         button, select, textarea, label, datalist, [role=search i], \
         [hidden], [aria-hidden=true i], [style*='display:none' i], [style*='display: none' i], \
         sup.reference, .mw-editsection",
    )
});
/// The part of a page that matters.
static MAIN: LazyLock<Selector> = LazyLock::new(|| selector("main, article, [role=main i]"));
/// Where line breaks count.
static WRITTEN: LazyLock<Selector> = LazyLock::new(|| selector("pre"));
/// What ends a line before and behind it.
static BLOCKS: LazyLock<Selector> = LazyLock::new(|| {
    selector(
        "address, article, aside, blockquote, body, br, caption, center, dd, details, dialog, div, \
         dl, dt, fieldset, figcaption, figure, footer, form, h1, h2, h3, h4, h5, h6, header, hgroup, \
         hr, li, main, menu, nav, ol, option, p, pre, section, summary, table, tr, ul",
    )
});
static CELLS: LazyLock<Selector> = LazyLock::new(|| selector("td, th"));

/// A part that says less, in characters, is not the one that matters.
const LEAST_OF_MAIN: usize = 200;

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
    /// That of the part that matters, where one is looked for.
    main: Option<Clean>,
    /// The text since the last tag: an entity may come in two pieces.
    node: String,
    place: Place,
}

/// Where the next piece of text stands.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    is_left_out: bool,
    is_in_main: bool,
    keeps_breaks: bool,
}

impl Reader {
    /// Reads a title or an excerpt into `text`; its line breaks count.
    pub(in super::super) fn excerpt(text: Clean) -> Self {
        let found = Arc::new(Mutex::new(Found::new(text, None)));
        let settings = settings(&found, &NO_TEXT);
        Self::over(found, settings)
    }

    /// Reads the text that people read on a page, at most `most` characters.
    pub(in super::super) fn page(most: usize) -> Self {
        let found = Found::new(Clean::lines(most), Some(Clean::lines(most)));
        let found = Arc::new(Mutex::new(found));
        let settings = settings(&found, &FRAME)
            .append_element_content_handler(place(&MAIN, &found, |place| place.is_in_main = true))
            .append_element_content_handler(place(&WRITTEN, &found, |place| {
                place.keeps_breaks = true;
            }));
        Self::over(found, settings)
    }

    fn over(found: Shared, settings: Settings<'static, 'static>) -> Self {
        let settings = settings
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
        self.rewriter.is_some() && !lock(&self.found).is_full()
    }

    /// Returns what was read.
    pub(in super::super) fn finish(mut self) -> Clean {
        if let Some(rewriter) = self.rewriter.take() {
            // Whatever is unfinished here is no text.
            let _ = rewriter.end();
        }
        lock(&self.found).take()
    }
}

// ===== impl Found =====

impl Found {
    fn new(text: Clean, main: Option<Clean>) -> Self {
        Self { text, main, node: String::new(), place: Place::default() }
    }

    fn is_full(&self) -> bool {
        self.main.as_ref().unwrap_or(&self.text).is_full()
    }

    fn gap(&mut self, gap: &str) {
        self.text.push(gap);
        if let Some(main) = &mut self.main {
            main.push(gap);
        }
    }

    fn read(&mut self, chunk: &TextChunk<'_>) {
        let place = std::mem::take(&mut self.place);
        if !place.is_left_out && !self.is_full() {
            self.node.push_str(chunk.as_str());
        }
        if chunk.last_in_text_node() {
            self.end_node(place);
        }
    }

    fn end_node(&mut self, place: Place) {
        let node = std::mem::take(&mut self.node);
        let mut node = decode_html_entities(&node);
        if self.main.is_some() && !place.keeps_breaks && node.contains(['\n', '\r']) {
            node = node.replace(['\n', '\r'], " ").into();
        }
        self.text.push(&node);
        if let Some(main) = self.main.as_mut().filter(|_| place.is_in_main) {
            main.push(&node);
        }
    }

    /// Takes the part that matters, or all.
    fn take(&mut self) -> Clean {
        self.end_node(Place::default());
        let text = std::mem::replace(&mut self.text, Clean::line(0));
        let main = self.main.take();
        main.filter(|main| main.is_full() || main.length() >= LEAST_OF_MAIN).unwrap_or(text)
    }
}

/// What is the same for all readers, the texts themselves apart.
fn settings(found: &Shared, left_out: &'static Selector) -> Settings<'static, 'static> {
    Settings::new_send()
        .append_element_content_handler(place(left_out, found, |place| place.is_left_out = true))
        .append_element_content_handler(gaps(&BLOCKS, found, "\n"))
        .append_element_content_handler(gaps(&CELLS, found, " "))
}

type OnElements = (Cow<'static, Selector>, ElementContentHandlers<'static>);

/// Notes where the texts within these elements stand.
fn place(elements: &'static Selector, found: &Shared, note: fn(&mut Place)) -> OnElements {
    let found = Arc::clone(found);
    let handlers = ElementContentHandlers::default().text(move |_: &mut TextChunk<'_>| {
        note(&mut lock(&found).place);
        Ok(())
    });
    (Cow::Borrowed(elements), handlers)
}

/// These elements stand apart from what is before and behind them.
fn gaps(elements: &'static Selector, found: &Shared, gap: &'static str) -> OnElements {
    let found = Arc::clone(found);
    let handlers =
        ElementContentHandlers::default().element(move |element: &mut Element<'_, '_>| {
            lock(&found).gap(gap);
            let found = Arc::clone(&found);
            if let Some(handlers) = element.end_tag_handlers() {
                handlers.push(Box::new(move |_| {
                    lock(&found).gap(gap);
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
