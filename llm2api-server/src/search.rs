//! What searches the web for an engine.

use std::num::NonZeroU32;

use async_trait::async_trait;
use llm2api_core::search::{Query, Search, Source, WebSearch};
use llm2api_core::{Error, ErrorKind, Result};

use crate::config::Config;

/// Makes what `config` says; none where nobody is to search.
///
/// # Errors
/// [`ErrorKind::Configuration`] for an address that cannot be used.
pub(crate) fn web_search(config: &Config) -> Result<Option<WebSearch>> {
    match &config.search {
        Some(search) => search.engine().map(Some),
        None => Ok(config.search_every_chat.then(|| WebSearch::new(NoEngine))),
    }
}

/// Stands where every chat is to be searched for and nothing can be: each answer says so.
#[derive(Debug)]
struct NoEngine;

#[async_trait]
impl Search for NoEngine {
    async fn page(&self, _: &Query, _: NonZeroU32) -> Result<Vec<Source>> {
        let message = "TOOL_ALL_IN_ONE is true but there is no SEARXNG_URL";
        let error = Error::new(ErrorKind::Configuration, "search", message);
        Err(error.with_code("search_not_configured"))
    }
}
