//! What searches the web for a stack, where the crate has it.

#[cfg(not(feature = "web-search"))]
use tower::layer::util::Identity;

use super::builder::ClientBuilder;
use crate::error::Result;
#[cfg(feature = "web-search")]
use crate::layers::WebSearchLayer;

/// The layer of a stack that searches.
#[cfg(feature = "web-search")]
pub(super) type SearchLayer = WebSearchLayer;
/// No stack searches.
#[cfg(not(feature = "web-search"))]
pub(super) type SearchLayer = Identity;

/// Makes the layer; none where nobody searches.
///
/// # Errors
/// As [`WebSearchLayer::new`].
#[cfg(feature = "web-search")]
pub(super) fn search_layer(builder: &mut ClientBuilder) -> Result<Option<SearchLayer>> {
    builder.web_search.take().map(WebSearchLayer::new).transpose()
}

/// Makes no layer.
#[cfg(not(feature = "web-search"))]
pub(super) fn search_layer(_: &mut ClientBuilder) -> Result<Option<SearchLayer>> {
    Ok(None)
}
