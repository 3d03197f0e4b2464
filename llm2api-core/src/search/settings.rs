//! How to search.

use std::sync::Arc;
use std::time::Duration;

use super::options::MOST_RESULTS;
use super::query::Language;
use super::{ReadPages, SearXng, Search};
use crate::error::Result;

/// How old what is found may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeRange {
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

impl TimeRange {
    /// Every range, the shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Year];

    /// Returns the range as SearXNG calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

/// How a client searches the web, and what it makes of what it finds.
///
/// A request asks for it by [`web_search_options`](crate::ChatRequest::with_web_search).
///
/// # Example
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::search::WebSearch;
/// use llm2api_core::{ChatRequest, Client, Message};
///
/// let search = WebSearch::searxng("http://127.0.0.1:8888")?.with_results(5);
/// let client = Client::builder().with_web_search(search).build().await?;
/// let question = Message::user("Who won the Nobel Prize in Physics this year?");
/// let request = ChatRequest::new("demo").with_message(question).with_web_search();
/// let answer = client.chat(request).await?;
/// println!("{:?}", answer.search_note());
/// println!("{}", answer.collect().await?.text());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct WebSearch {
    pub(crate) engine: Arc<dyn Search>,
    pub(crate) every_call: bool,
    pub(crate) block: bool,
    pub(crate) rewrite: bool,
    pub(crate) language: Language,
    pub(super) results: usize,
    pub(super) result_pages: u32,
    pub(super) read_pages: usize,
    pub(super) reader: Option<Arc<dyn ReadPages>>,
    pub(crate) timeout: Duration,
    pub(super) cache: Duration,
}

impl WebSearch {
    /// Searches with an engine of yours.
    pub fn new(engine: impl Search) -> Self {
        Self {
            engine: Arc::new(engine),
            every_call: false,
            block: true,
            rewrite: false,
            language: Language::OfQuestion,
            results: 8,
            result_pages: 3,
            read_pages: 0,
            reader: None,
            timeout: Duration::from_secs(10),
            cache: Duration::from_secs(300),
        }
    }

    /// Searches with the SearXNG at this base address.
    ///
    /// # Errors
    /// As [`SearXng::new`].
    pub fn searxng(url: &str) -> Result<Self> {
        Ok(Self::new(SearXng::new(url)?))
    }

    /// Sets whether every call is searched for, and not only those that ask for it; off by default.
    #[must_use]
    pub fn with_every_call(mut self, every_call: bool) -> Self {
        self.every_call = every_call;
        self
    }

    /// Sets whether answers begin with a `<search>` block that lists what was found; on by default.
    /// An answer that has to be JSON never does. Annotations come always.
    #[must_use]
    pub fn with_block(mut self, block: bool) -> Self {
        self.block = block;
        self
    }

    /// Sets whether the model is asked first, within the call's send budget, what to search for; off
    /// by default, when the person's own words are looked for.
    #[must_use]
    pub fn with_rewriting(mut self, rewrite: bool) -> Self {
        self.rewrite = rewrite;
        self
    }

    /// Sets the language of what is found: a code such as `de`, `all` for any, or `auto`, the
    /// default, for that of the question.
    #[must_use]
    pub fn with_language(mut self, language: &str) -> Self {
        self.language = match language {
            "auto" => Language::OfQuestion,
            "all" => Language::Any,
            code => Language::Fixed(code.into()),
        };
        self
    }

    /// Sets how many results the model reads, 8 by default; a request may ask for half or twice as
    /// many, up to 50.
    #[must_use]
    pub fn with_results(mut self, results: usize) -> Self {
        self.results = results.clamp(1, MOST_RESULTS);
        self
    }

    /// Sets how many pages of results are asked for, one after the other, as long as there are too
    /// few; 3 by default.
    #[must_use]
    pub fn with_result_pages(mut self, pages: u32) -> Self {
        self.result_pages = pages.max(1);
        self
    }

    /// Sets of how many results, the best first, the pages themselves are fetched and read, at public
    /// addresses alone; none by default. At most 4,000 characters of a page are shown to the model.
    #[must_use]
    pub fn with_read_pages(mut self, pages: usize) -> Self {
        self.read_pages = pages;
        self
    }

    /// Sets what fetches pages, in the place of a
    /// [`PublicFetcher`](crate::http::PublicFetcher).
    #[must_use]
    pub fn with_reader(mut self, reader: impl ReadPages) -> Self {
        self.reader = Some(Arc::new(reader));
        self
    }

    /// Sets how long a search may take with all that belongs to it, 10 s by default, and no longer
    /// than half of the call's [total time](crate::Limits::total_timeout). After that the answer is
    /// without search. Asking the model for the query has half of it.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long results are good for others who ask the same, 5 minutes by default; none at all
    /// where it is nothing.
    #[must_use]
    pub fn with_cache(mut self, life: Duration) -> Self {
        self.cache = life;
        self
    }
}
