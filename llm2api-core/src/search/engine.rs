//! What searches.

use std::fmt::Debug;
use std::num::NonZeroU32;

use async_trait::async_trait;

use super::{Query, Source};
use crate::error::Result;

/// An engine that searches the web.
///
/// # Example
/// ```
/// use std::num::NonZeroU32;
/// use async_trait::async_trait;
/// use llm2api_core::Result;
/// use llm2api_core::search::{Query, Search, Source};
///
/// #[derive(Debug)]
/// struct OneBook;
///
/// #[async_trait]
/// impl Search for OneBook {
///     async fn page(&self, _query: &Query, _page: NonZeroU32) -> Result<Vec<Source>> {
///         let source = Source::new("https://example.org/book", "The book", "All that is known.");
///         Ok(source.into_iter().collect())
///     }
/// }
/// ```
#[async_trait]
pub trait Search: Debug + Send + Sync + 'static {
    /// Returns a page of what it finds, the best first; an empty one is the last.
    ///
    /// # Errors
    /// Why it could not search, under a code that begins with `search_`, in words that may be shown
    /// to whoever asked.
    async fn page(&self, query: &Query, page: NonZeroU32) -> Result<Vec<Source>>;
}
