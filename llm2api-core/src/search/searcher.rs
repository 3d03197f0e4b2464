//! A search from the question to the list of sources.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::merge::Merged;
use super::options::{Options, Size};
use super::page::read_first;
use super::query::Question;
use super::rest::Rest;
use super::shelf::Shelf;
use super::{Query, ReadPages, Source, WebSearch};
use crate::chat::Message;
use crate::clock::after;
use crate::error::{Error, ErrorKind, Result};
use crate::http::PublicFetcher;

/// How long a page of results is waited for where there are some already.
const LATER_PAGE: Duration = Duration::from_secs(3);
/// Characters of a page that are shown to a model.
const PAGE: usize = 4_000;

/// Searches as the settings say.
#[derive(Debug)]
pub(crate) struct Searcher {
    settings: WebSearch,
    reader: Option<Arc<dyn ReadPages>>,
    shelf: Shelf,
    rest: Rest,
}

impl Searcher {
    /// Goes by the settings.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where pages are to be read and nothing can.
    pub(crate) fn new(settings: WebSearch) -> Result<Self> {
        let reader = reader(&settings)?;
        let shelf = Shelf::new(settings.cache, settings.timeout);
        Ok(Self { settings, reader, shelf, rest: Rest::default() })
    }

    /// Returns the settings.
    pub(crate) fn settings(&self) -> &WebSearch {
        &self.settings
    }

    /// Returns what the conversation asks; none where the person has said nothing.
    pub(crate) fn question(&self, messages: &[Message], options: &Options) -> Option<Question> {
        Question::of(messages, options, &self.settings.language)
    }

    /// Says whether the engine is left alone for now, for its faults.
    pub(crate) fn is_resting(&self) -> bool {
        self.rest.check().is_err()
    }

    /// Finds pages of the web, the best first, by `until`.
    ///
    /// # Errors
    /// Why nothing could be searched, under a code that begins with `search_`.
    pub(crate) async fn find(
        &self,
        query: &Query,
        size: Size,
        until: Instant,
    ) -> Result<Arc<[Source]>> {
        let search = async || {
            self.rest.check()?;
            let found = self.search(query, size.of(self.settings.results), until).await;
            self.rest.learn(&found);
            Ok(self.read(found?, until).await.into())
        };
        let found = self.shelf.get((query.clone(), size), search);
        timeout_at(until, found).await.unwrap_or_else(|_| Err(too_late()))
    }

    /// Asks for one page of results after the other, until there are enough.
    async fn search(&self, query: &Query, wanted: usize, until: Instant) -> Result<Vec<Source>> {
        let mut merged = Merged::default();
        for page in (1..=self.settings.result_pages).filter_map(NonZeroU32::new) {
            let limit = if page == NonZeroU32::MIN { until } else { until.min(after(LATER_PAGE)) };
            let asked = timeout_at(limit, self.settings.engine.page(query, page)).await;
            let more = match asked.unwrap_or_else(|_| Err(too_late())) {
                Ok(found) => merged.add(found) && merged.len() < wanted,
                Err(error) if merged.len() == 0 => return Err(error),
                // What was found is better than nothing.
                Err(_) => false,
            };
            if !more {
                break;
            }
        }
        Ok(merged.first(wanted))
    }

    /// Reads the first pages; where one cannot be had in time, its excerpt stays.
    async fn read(&self, sources: Vec<Source>, until: Instant) -> Vec<Source> {
        match &self.reader {
            None => sources,
            Some(reader) => {
                let first = self.settings.read_pages;
                read_first(sources, first, reader.as_ref(), PAGE, until).await
            }
        }
    }
}

/// Makes what reads pages; none where none are to be read.
fn reader(settings: &WebSearch) -> Result<Option<Arc<dyn ReadPages>>> {
    Ok(match (&settings.reader, settings.read_pages) {
        (_, 0) => None,
        (Some(reader), _) => Some(reader.clone()),
        (None, _) => Some(Arc::new(PublicFetcher::new()?)),
    })
}

fn too_late() -> Error {
    let message = "the search took longer than SEARCH_TIMEOUT";
    Error::new(ErrorKind::Timeout, "search", message).with_code("search_timeout")
}

#[cfg(test)]
mod tests;
