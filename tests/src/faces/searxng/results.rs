//! What is found: the same for the same query and page.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// Name of the only engine.
pub(super) const ENGINE: &str = "mock";
/// Results of a page.
const A_PAGE: u64 = 5;
/// Results from the first of a page to the first of the next one: one comes on both.
const STRIDE: u64 = A_PAGE - 1;
/// Pages that have results.
const PAGES: u64 = 3;

/// A result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) url: String,
    pub(super) title: String,
    pub(super) content: String,
    /// Day on which it was published.
    pub(super) published: Option<String>,
}

/// The results of a page, numbered from 1 over all pages.
pub(super) fn hits(query: &str, page: u64) -> Vec<Hit> {
    if !(1..=PAGES).contains(&page) {
        return Vec::new();
    }
    let first = STRIDE * (page - 1) + 1;
    (first..first + A_PAGE).map(|number| hit(query, number)).collect()
}

/// The result with this number; odd ones have markup and entities, as some engines leave them.
fn hit(query: &str, number: u64) -> Hit {
    let content = if number.is_multiple_of(2) {
        format!("Excerpt {number} about {query}.")
    } else {
        format!("<b>Excerpt {number}</b> about {query}. Fish &amp; chips.")
    };
    Hit {
        url: format!("https://site{number}.example/{}", slug(query)),
        title: format!("Result {number} for {query}"),
        content,
        published: number.is_multiple_of(3).then(|| format!("2026-08-{:02}", number % 28 + 1)),
    }
}

/// The words of a query in small letters, for a path.
fn slug(query: &str) -> String {
    let words = query.split(|character: char| !character.is_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let mut slug = String::new();
    for byte in words.join("-").bytes() {
        match byte {
            0..0x80 => slug.push(char::from(byte)),
            byte => _ = write!(slug, "%{byte:02X}"),
        }
    }
    slug
}

/// A whole answer in JSON.
pub(super) fn answer(query: &str, hits: &[Hit]) -> Value {
    let results: Vec<_> = (1..).zip(hits).map(|(position, hit)| result(hit, position)).collect();
    json!({
        "query": query, "number_of_results": 0, "results": results, "answers": [],
        "corrections": [], "infoboxes": [], "suggestions": [], "unresponsive_engines": [],
    })
}

/// The same results as an engine delivers them.
pub(super) fn of_engine(hits: &[Hit]) -> Value {
    let result = |hit: &Hit| json!({"url": hit.url, "title": hit.title, "content": hit.content});
    json!({"results": hits.iter().map(result).collect::<Vec<_>>()})
}

/// A result with all fields of SearXNG's main results.
fn result(hit: &Hit, position: u32) -> Value {
    let day = hit.published.as_deref();
    json!({
        "url": hit.url, "engine": ENGINE, "parsed_url": parsed(&hit.url),
        "template": "default.html", "title": hit.title, "content": hit.content, "img_src": "",
        "iframe_src": "", "audio_src": "", "thumbnail": "",
        "publishedDate": day.map(|day| format!("{day}T00:00:00")),
        "pubdate": day.map(|day| format!("{day} 00:00:00")).unwrap_or_default(),
        "length": null, "views": "", "author": "", "metadata": "", "priority": "",
        "engines": [ENGINE], "open_group": false, "close_group": false, "positions": [position],
        "score": 1.0 / f64::from(position), "category": "general",
    })
}

/// Scheme, host, path, parameters, query and fragment, as Python's `urlparse` splits them.
fn parsed(url: &str) -> [&str; 6] {
    let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let Some(rest) = rest.strip_prefix("//") else {
        return [scheme, "", rest, "", query, fragment];
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    [scheme, host, path, "", query, fragment]
}
