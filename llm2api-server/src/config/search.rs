//! How the web is searched.

use std::time::Duration;

use llm2api_core::search::{SearXng, TimeRange, WebSearch};

use super::error::ConfigError;
use super::settings::Settings;
use super::value;

const LANGUAGE: &str = "write `auto`, `all`, or a code such as `de` or `pt-BR`";

/// How the web is searched: a SearXNG, and what is made of what it finds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchConfig {
    /// Base URL of the SearXNG.
    pub url: String,
    /// Categories to search in; those that the SearXNG has set up where there are none.
    pub categories: Vec<String>,
    /// How old results may be; any age where absent.
    pub time_range: Option<TimeRange>,
    /// `auto`, `all` or a code.
    pub language: String,
    /// Results that the model reads.
    pub results: usize,
    /// Pages of results that are asked for while there are too few.
    pub result_pages: u32,
    /// Pages that were found and are read themselves.
    pub read_pages: usize,
    /// Whether answers begin with a `<search>` block.
    pub block: bool,
    /// Whether the model is asked first what to search for.
    pub rewrite: bool,
    /// One search with all that belongs to it.
    pub timeout: Duration,
    /// How long results serve for the same question; not at all where it is nothing.
    pub cache: Duration,
}

impl SearchConfig {
    /// Makes what searches.
    ///
    /// # Errors
    /// As [`SearXng::new`].
    pub(crate) fn engine(&self) -> llm2api_core::Result<WebSearch> {
        let engine = SearXng::new(&self.url)?
            .with_categories(&self.categories)
            .with_time_range(self.time_range);
        Ok(WebSearch::new(engine)
            .with_language(&self.language)
            .with_results(self.results)
            .with_result_pages(self.result_pages)
            .with_read_pages(self.read_pages)
            .with_block(self.block)
            .with_rewriting(self.rewrite)
            .with_timeout(self.timeout)
            .with_cache(self.cache))
    }
}

impl Settings {
    /// Reads how the web is searched; none where nobody searches.
    pub(super) fn search(&self) -> Result<Option<SearchConfig>, ConfigError> {
        let url = self.text("SEARXNG_URL").to_owned();
        let config = SearchConfig {
            url,
            categories: value::list(self.text("SEARCH_CATEGORIES")).map(str::to_owned).collect(),
            time_range: time_range(self.text("SEARCH_TIME_RANGE")),
            language: self.read("SEARCH_LANGUAGE", language)?.to_owned(),
            results: self.read("SEARCH_RESULTS", value::count)? as usize,
            result_pages: self.read("SEARCH_RESULT_PAGES", value::count)?,
            read_pages: self.read("SEARCH_READ_PAGES", value::number)? as usize,
            block: self.read("SEARCH_BLOCK", value::switch)?,
            rewrite: self.read("SEARCH_REWRITE", value::switch)?,
            timeout: self.duration("SEARCH_TIMEOUT")?,
            cache: self.duration("SEARCH_CACHE")?,
        };
        Ok(Some(config).filter(|config| !config.url.is_empty()))
    }

    /// Says so where every chat is to be searched for and nothing can be.
    pub(super) fn search_warning(&self) -> Option<String> {
        let every_chat = self.read("TOOL_ALL_IN_ONE", value::switch).is_ok_and(|on| on);
        (every_chat && self.text("SEARXNG_URL").is_empty()).then(|| {
            "TOOL_ALL_IN_ONE is true but there is no SEARXNG_URL: nothing is searched, and every \
             answer of /v1/chat/completions says so"
                .to_owned()
        })
    }
}

/// Reads the language of a search.
pub(super) fn language(text: &str) -> Result<&str, &'static str> {
    let (code, country) = text.split_once('-').unwrap_or((text, "XX"));
    let is_code = (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase());
    let is_country = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
    let is_word = ["auto", "all"].contains(&text);
    if is_word || (is_code && is_country) { Ok(text) } else { Err(LANGUAGE) }
}

/// The table has let no other words pass.
fn time_range(text: &str) -> Option<TimeRange> {
    TimeRange::ALL.into_iter().find(|range| range.as_str() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Kind, Sources, TABLE};

    fn config(environment: &[(&str, &str)], file: &str) -> Config {
        let environment = environment.iter().map(|(name, text)| ((*name).into(), (*text).into()));
        let file = Some(("llm2api.toml".into(), file.into()));
        let sources = Sources { environment: environment.collect(), file, ..Sources::default() };
        Settings::resolve(&sources).and_then(|settings| settings.config()).expect("valid")
    }

    #[test]
    fn languages_are_codes_as_searxng_takes_them() {
        for text in ["auto", "all", "de", "pt-BR", "fil", "zh-TW"] {
            assert_eq!(language(text), Ok(text));
        }
        for text in ["", "de-", "-DE", "german", "DE", "de_CH", "de-ch", "de-CHE", "d", "pt-BR-x"] {
            assert_eq!(language(text), Err(LANGUAGE), "{text}");
        }
    }

    #[test]
    fn every_range_of_the_engine_can_be_written() {
        let row = TABLE.iter().find(|row| row.name == "SEARCH_TIME_RANGE").expect("a row");
        let Kind::Choice(words) = row.kind else { panic!("one of these words") };
        assert_eq!(*words, TimeRange::ALL.map(TimeRange::as_str));
        assert_eq!(time_range("week"), Some(TimeRange::Week));
        assert_eq!(time_range(""), None);
    }

    #[test]
    fn a_search_is_set_up_as_it_is_written() {
        let nothing = config(&[("SEARCH_RESULTS", "5")], "");
        assert_eq!((nothing.search, nothing.search_every_chat), (None, false));
        assert!(nothing.warnings.is_empty(), "{:?}", nothing.warnings);
        let text = r#"
            [server]
            searxng_url = "http://127.0.0.1:8888/searxng/"
            tool_all_in_one = true
            search_categories = ["general", "news"]
            search_time_range = "month"
            search_language = "pt-BR"
            search_results = 5
            search_result_pages = 2
            search_read_pages = 3
            search_block = false
            search_rewrite = true
            search_timeout = "4s"
            search_cache = 0
        "#;
        let config = config(&[], text);
        assert!(config.search_every_chat && config.warnings.is_empty());
        let search = config.search.expect("a search");
        insta::assert_debug_snapshot!(search);
        let engine = SearXng::new("http://127.0.0.1:8888/searxng").expect("a good address");
        let engine = engine.with_categories(["general", "news"]).with_time_range(TimeRange::Month);
        let core = WebSearch::new(engine)
            .with_language("pt-BR")
            .with_results(5)
            .with_result_pages(2)
            .with_read_pages(3)
            .with_block(false)
            .with_rewriting(true)
            .with_timeout(Duration::from_secs(4))
            .with_cache(Duration::ZERO);
        let ours = search.engine().expect("a good address");
        assert_eq!(format!("{ours:?}"), format!("{core:?}"), "nothing is left behind");
    }

    #[test]
    fn the_search_goes_by_the_defaults_of_core() {
        let url = "http://127.0.0.1:8888";
        let config = config(&[("SEARXNG_URL", url)], "");
        let ours = config.search.expect("a search").engine().expect("a good address");
        let core = WebSearch::searxng(url).expect("a good address");
        assert_eq!(format!("{ours:?}"), format!("{core:?}"), "the table and core agree");
    }

    #[test]
    fn searching_for_every_chat_with_nothing_is_warned_of() {
        let config = config(&[("TOOL_ALL_IN_ONE", "true")], "");
        assert!(config.search_every_chat && config.search.is_none());
        insta::assert_snapshot!(config.warnings.join("\n"));
    }
}
