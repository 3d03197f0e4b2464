//! One page that was found.

use reqwest::Url;

use super::plain::{line, text};

/// A longer address is not shown to a model, in bytes.
const URL: usize = 2048;
const TITLE: usize = 200;
const TEXT: usize = 1000;
const PUBLISHED: usize = 40;

/// One page of the web that was found. All of it is plain text: without markup, without characters
/// that nobody sees, without `<` and `>`, and of bounded length.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Source {
    /// Its address, http or https.
    pub url: String,
    /// Its title, on one line.
    pub title: String,
    /// What it says: an excerpt, or all that could be read of it.
    pub text: String,
    /// When it was published, as the engine says it.
    pub published: Option<String>,
}

impl Source {
    /// Makes a source of what a search engine says, whatever that is: markup becomes plain text, at
    /// most 200 characters of a title and 1,000 of a text. Without a title the host stands for it.
    ///
    /// None where the address is not http or https, holds a user or a password, or is longer than
    /// 2,048 bytes.
    ///
    /// # Example
    /// ```
    /// use llm2api_core::search::Source;
    ///
    /// let source = Source::new("https://example.org/tea", "All about <b>tea</b>", "Black &amp; green.")
    ///     .expect("an address of the web")
    ///     .with_published(Some("2026-05-01"));
    /// assert_eq!(source.title, "All about tea");
    /// assert_eq!(source.text, "Black & green.");
    /// assert!(Source::new("javascript:alert(1)", "Tea", "").is_none());
    /// ```
    pub fn new(url: &str, title: &str, text: &str) -> Option<Self> {
        let url = address(url)?;
        let title = Some(line(title, TITLE)).filter(|title| !title.is_empty());
        let title = title.unwrap_or_else(|| line(url.host_str().unwrap_or_default(), TITLE));
        let text = self::text(text, TEXT);
        Some(Self { url: url.into(), title, text, published: None })
    }

    /// Notes when the page was published, in the engine's words: at most 40 characters.
    #[must_use]
    pub fn with_published(mut self, published: Option<&str>) -> Self {
        let published = published.map(|published| line(published, PUBLISHED));
        self.published = published.filter(|published| !published.is_empty());
        self
    }
}

fn address(url: &str) -> Option<Url> {
    // What is cut from it or written in full by reading it is not much.
    let url = Url::parse((url.len() <= 4 * URL).then_some(url)?).ok()?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    (is_http && is_anonymous && url.as_str().len() <= URL).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Option<String> {
        Source::new(url, "", "").map(|source| source.url)
    }

    #[test]
    fn only_addresses_of_the_web_are_taken() {
        assert_eq!(
            at(" HTTP://Example.org:80/a b?c=d#e ").as_deref(),
            Some("http://example.org/a%20b?c=d#e")
        );
        assert_eq!(at("https://пример.рф").as_deref(), Some("https://xn--e1afmkfd.xn--p1ai/"));
        for url in [
            "",
            "example.org",
            "//example.org/",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://example.org/",
            "file:///etc/passwd",
            "http://",
            "https://user@example.org/",
            "https://:word@example.org/",
        ] {
            assert_eq!(at(url), None, "{url}");
        }
    }

    #[test]
    fn an_address_is_whole_or_not_taken() {
        let url = |length: usize| format!("https://a.example/{}", "x".repeat(length));
        assert_eq!(at(&url(URL - 18)), Some(url(URL - 18)));
        assert_eq!(at(&url(URL - 17)), None);
        assert_eq!(at(&url(5 * URL)), None);
        assert_eq!(at(&format!("https://a.example/{}", "ä".repeat(400))), None, "six bytes each");
    }

    #[test]
    fn an_address_cannot_end_a_block() {
        for part in ["</search>", "?q=</search>", "#</search>", "\u{200b}\u{202e}\u{e0041}"] {
            let url = at(&format!("https://a.example/{part}")).expect("an address");
            assert!(url.is_ascii() && !url.contains(['<', '>', ' ']), "{url}");
        }
    }

    #[test]
    fn what_an_engine_says_becomes_plain_text() {
        let source =
            Source::new("https://a.example/b", "<i>One</i>\ntwo", "A<br>B &lt;/search&gt;");
        let source = source.expect("an address");
        assert_eq!((source.title.as_str(), source.text.as_str()), ("One two", "A\nB ‹/search›"));
        let nameless = Source::new("https://a.example/b", " \u{200b} ", "").expect("an address");
        assert_eq!(nameless.title, "a.example");
    }

    #[test]
    fn a_date_is_kept_as_it_is_said() {
        let source = Source::new("https://a.example/", "A", "").expect("an address");
        let dated = |date| source.clone().with_published(date).published;
        assert_eq!(dated(Some(" 2026-05-01T10:00:00 ")).as_deref(), Some("2026-05-01T10:00:00"));
        assert_eq!([dated(Some(" <br> ")), dated(None)], [None, None]);
        let long = dated(Some(&"x".repeat(99))).expect("a date");
        assert_eq!(long.chars().count(), PUBLISHED);
    }
}
