//! The client.

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, ACCEPT_LANGUAGE};
use reqwest::Url;

use super::commands::disarmed;
use super::explain;
use super::wire::Answer;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{HttpClient, Wait};
use crate::limits::Limits;
use crate::search::{Query, Search, Source, TimeRange, no_question};

/// Bytes of an answer; usual ones have a hundredth.
const LONGEST: usize = 4 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A SearXNG.
///
/// # Example
/// ```
/// use llm2api_core::search::{SearXng, TimeRange};
///
/// # fn main() -> llm2api_core::Result<()> {
/// let engine = SearXng::new("http://127.0.0.1:8888")?
///     .with_categories(["general", "news"])
///     .with_time_range(TimeRange::Month);
/// # drop(engine);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SearXng {
    url: Url,
    client: HttpClient,
    categories: String,
    time_range: Option<TimeRange>,
}

impl SearXng {
    /// Takes the base address of a SearXNG, to which `/search` is added.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for a URL that is not http or https, or has a user, a query or a
    /// fragment; where the system's certificates cannot be read.
    pub fn new(url: &str) -> Result<Self> {
        let mut url = base(url).ok_or_else(wrong_url)?;
        let path = format!("{}/search", url.path().trim_end_matches('/'));
        url.set_path(&path);
        // The whole search has a deadline: nothing here waits longer than that.
        let limits =
            Limits { connect_timeout: CONNECT_TIMEOUT, body_limit: LONGEST, ..Limits::default() };
        let client = HttpClient::new(&limits, url.scheme() == "https")?;
        Ok(Self { url, client, categories: String::new(), time_range: None })
    }

    /// Searches in these categories; by default in those that SearXNG has set up.
    #[must_use]
    pub fn with_categories<C: AsRef<str>>(
        mut self,
        categories: impl IntoIterator<Item = C>,
    ) -> Self {
        let names: Vec<_> = categories.into_iter().map(|name| name.as_ref().to_owned()).collect();
        self.categories = names.join(",");
        self
    }

    /// Finds only what is no older; by default anything.
    #[must_use]
    pub fn with_time_range(mut self, range: impl Into<Option<TimeRange>>) -> Self {
        self.time_range = range.into();
        self
    }

    /// Writes the question down.
    fn ask(&self, words: &str, query: &Query, page: NonZeroU32) -> Url {
        let mut url = self.url.clone();
        let language = query.language().unwrap_or("all");
        let mut pairs = url.query_pairs_mut();
        pairs.append_pair("q", words);
        pairs.append_pair("format", "json");
        pairs.append_pair("language", language);
        pairs.append_pair("pageno", &page.to_string());
        if !self.categories.is_empty() {
            pairs.append_pair("categories", &self.categories);
        }
        if let Some(range) = self.time_range {
            pairs.append_pair("time_range", range.as_str());
        }
        drop(pairs);
        url
    }

    async fn fetch(&self, url: &Url, language: &str) -> Result<Bytes> {
        let wait = Wait::for_response(self.client.limits());
        let request = self.client.request(&Method::GET, url.as_str());
        let request = request.header(ACCEPT, "application/json").header(ACCEPT_LANGUAGE, language);
        let response = self.client.send(request, wait).await.map_err(explain::no_answer)?;
        let status = response.status();
        if status != 200 {
            return Err(explain::status(status).with_retry_after(response.retry_after()));
        }
        let response = response.unpacked().map_err(explain::no_answer)?;
        if response.media_type() != "application/json" {
            return Err(explain::no_results());
        }
        response.bytes(wait).await.map_err(explain::no_answer)
    }
}

#[async_trait]
impl Search for SearXng {
    async fn page(&self, query: &Query, page: NonZeroU32) -> Result<Vec<Source>> {
        let words = disarmed(query.text());
        if words.is_empty() {
            return Err(no_question());
        }
        let url = self.ask(&words, query, page);
        let language = query.language().unwrap_or("*");
        let body = match self.fetch(&url, language).await {
            // A connection that was kept may be dead: asking again does no harm.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                self.fetch(&url, language).await?
            }
            other => other?,
        };
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|error| explain::no_results().with_source(error))?;
        match answer.all_failed() {
            Some(engines) if page == NonZeroU32::MIN => Err(explain::no_engine(engines)),
            _ => Ok(answer.sources()),
        }
    }
}

fn base(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_plain = url.username().is_empty() && url.password().is_none();
    (is_http && is_plain && url.query().is_none() && url.fragment().is_none()).then_some(url)
}

fn wrong_url() -> Error {
    let message = "the address of SearXNG cannot be used: write it as https://host[:port]/path, \
                   without a password, `?` and `#`";
    Error::new(ErrorKind::Configuration, "set up search", message)
}
