//! One page that was found.

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
    /// Provisional.
    pub fn new(url: &str, title: &str, text: &str) -> Option<Self> {
        let url =
            reqwest::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let plain = |text: &str| text.replace('<', "‹").replace('>', "›");
        Some(Self { url: url.into(), title: plain(title), text: plain(text), published: None })
    }

    /// Provisional.
    #[must_use]
    pub fn with_published(mut self, published: Option<&str>) -> Self {
        self.published = published.map(str::to_owned);
        self
    }
}
