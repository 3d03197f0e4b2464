//! The pages behind what was found: fetched, and reduced to what they say.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::Result;
use crate::http::{Page, PublicFetcher};

pub use self::reduce::reduce;

pub(crate) use self::first::read_first;

mod charset;
mod first;
mod reduce;
#[cfg(test)]
mod tests;

/// Reads pages at addresses that a search engine names, and therefore trusts none of them.
///
/// # Example
/// ```
/// use async_trait::async_trait;
/// use llm2api_core::Result;
/// use llm2api_core::http::Page;
/// use llm2api_core::search::ReadPages;
///
/// #[derive(Debug)]
/// struct SamePage;
///
/// #[async_trait]
/// impl ReadPages for SamePage {
///     async fn read(&self, _url: &str) -> Result<Page> {
///         Ok(Page::new("text/html", "<p>Tea</p>").expect("a page"))
///     }
/// }
/// ```
#[async_trait]
pub trait ReadPages: Debug + Send + Sync + 'static {
    /// Returns the page at `url`, which is http or https, or its beginning.
    ///
    /// # Errors
    /// Of any kind: the excerpt of the search engine stands in for the page.
    async fn read(&self, url: &str) -> Result<Page>;
}

#[async_trait]
impl ReadPages for PublicFetcher {
    async fn read(&self, url: &str) -> Result<Page> {
        self.page(url).await
    }
}
