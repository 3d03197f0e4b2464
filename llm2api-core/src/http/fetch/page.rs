//! A page of the web, as it was fetched.

use bytes::Bytes;

/// What a page is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageKind {
    /// HTML or XHTML.
    Html,
    /// Plain text.
    Text,
}

impl PageKind {
    /// The kind of a `content-type`.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        let media_type = content_type.split(';').next()?.trim().to_ascii_lowercase();
        match media_type.as_str() {
            "text/html" | "application/xhtml+xml" => Some(Self::Html),
            "text/plain" => Some(Self::Text),
            _ => None,
        }
    }
}

/// A page of the web as it was fetched, or its beginning.
///
/// # Example
/// ```
/// use llm2api_core::http::{Page, PageKind};
///
/// let page = Page::new("text/html; charset=Windows-1251", "<p>…</p>").expect("a page");
/// assert_eq!(page.kind, PageKind::Html);
/// assert_eq!(page.charset.as_deref(), Some("Windows-1251"));
/// assert!(Page::new("image/png", "…").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// What it is written in.
    pub kind: PageKind,
    /// How its characters are encoded, as the server says it.
    pub charset: Option<String>,
    /// The page, or its beginning.
    pub bytes: Bytes,
}

impl Page {
    /// Makes a page of what a server sends under a `content-type`: None unless that is `text/html`,
    /// `application/xhtml+xml` or `text/plain`.
    pub fn new(content_type: &str, bytes: impl Into<Bytes>) -> Option<Self> {
        let kind = PageKind::of(content_type)?;
        let charset = content_type.split(';').find_map(charset).map(str::to_owned);
        Some(Self { kind, charset, bytes: bytes.into() })
    }
}

fn charset(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=')?;
    let value = value.trim().trim_matches(['"', '\'']);
    (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_says_what_a_page_is() {
        for (content_type, kind, charset) in [
            ("text/html", PageKind::Html, None),
            ("TEXT/HTML;charset=utf-8", PageKind::Html, Some("utf-8")),
            ("text/html ; a=b ; Charset = \"GBK\"", PageKind::Html, Some("GBK")),
            ("application/xhtml+xml; charset='x'", PageKind::Html, Some("x")),
            ("text/plain; charset=", PageKind::Text, None),
            ("text/plain;charset", PageKind::Text, None),
        ] {
            let page = Page::new(content_type, "").expect("a page");
            assert_eq!((page.kind, page.charset.as_deref()), (kind, charset), "{content_type}");
        }
        for other in ["", ";", "text/htmlx", "text/css", "application/json", "image/svg+xml"] {
            assert_eq!(Page::new(other, ""), None, "{other}");
        }
    }
}
