//! Searches: what the SearXNG face answers to which words, and what it was asked.
//!
//! A query has five results a page on pages 1 to 3, numbered on from page to page; the last one of a
//! page is the first one of the next, and odd ones carry markup and entities. Number 2 for the query
//! `red fox` is `https://site2.example/red-fox`, `Result 2 for red fox`, `Excerpt 2 about red fox.`
//!
//! | word | answer |
//! |---|---|
//! | none | the results |
//! | `!!name`, whatever the name | 302 to another service, as external bangs are answered |
//! | `SXNOJSON` | 403 in HTML: `json` is not among the `search.formats` of this instance |
//! | `SXLIMIT` | 429 as its limiter answers: plain words as HTML, no `Retry-After` |
//! | `SXRETRY` | 429 with `Retry-After: 7`, as a proxy before it answers |
//! | `SXHTML` | 200 and a page where JSON was asked for |
//! | `SX500` | 500 with `{"error": "search error"}` |
//! | `SXDROP` | closes without an answer |
//! | `SXSTALL` | nothing at all |
//! | `SXSTALLBODY` | the head and half of the body, then nothing |
//! | `SXBROKEN` | half of the JSON, with the length of that half |
//! | `SXEMPTY` | no results |
//! | `SXSICK` | no results, and `unresponsive_engines` names the engine and `timeout` |
//! | `SXHUGE` | 20,000 results, about 10 MB |
//! | `SXINJECT` | on page 1, results whose titles, texts and addresses try to get out of their place; none on others |
//!
//! Words are matched whole; the first one in a query counts. A [`Script`](crate::Script) for the path
//! `/searxng/search` stands before all of this.

use crate::http::decode_percent;
use crate::log::{Received, Snapshot};

/// Path of the searches.
const PATH: &str = "/searxng/search";

/// A search as it was asked for; what was not sent is none.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// use llm2api_tests::{Options, Simulator, processes::http};
///
/// let simulator = Simulator::start(Options::default()).await?;
/// let url = format!("{}/search?q=red+fox&format=json", simulator.searxng_url());
/// let answer = http().get(url).send().await.unwrap().text().await.unwrap();
/// assert!(answer.contains("https://site2.example/red-fox"));
/// assert_eq!(simulator.log().searches()[0].q.as_deref(), Some("red fox"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Search {
    /// What is searched for.
    pub q: Option<String>,
    /// Form of the answer.
    pub format: Option<String>,
    /// Page of the results.
    pub pageno: Option<String>,
    /// Language of the results.
    pub language: Option<String>,
    /// Categories of engines.
    pub categories: Option<String>,
    /// How old results may be.
    pub time_range: Option<String>,
}

impl Search {
    fn of(received: &Received) -> Option<Self> {
        let (path, query) = received.path.split_once('?').unwrap_or((&received.path, ""));
        (path == PATH).then(|| Self {
            q: parameter(query, "q"),
            format: parameter(query, "format"),
            pageno: parameter(query, "pageno"),
            language: parameter(query, "language"),
            categories: parameter(query, "categories"),
            time_range: parameter(query, "time_range"),
        })
    }
}

impl Snapshot {
    /// The searches that came, in order.
    pub fn searches(&self) -> Vec<Search> {
        self.requests.iter().filter_map(Search::of).collect()
    }
}

/// Value of `name` in a query string as HTML forms write it, where `+` is a space.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    Some(decode_percent(&value.replace('+', " ")))
}
