//! What searches the web for a stack, where the crate has it.

use std::sync::Arc;

#[cfg(not(feature = "web-search"))]
use tower::layer::util::Identity;

use super::builder::ClientBuilder;
use crate::catalog::Catalog;
use crate::error::Result;
#[cfg(feature = "web-search")]
use crate::layers::WebSearchLayer;

/// The layer of a stack that searches.
#[cfg(feature = "web-search")]
pub(super) type SearchLayer = WebSearchLayer;
/// No stack searches.
#[cfg(not(feature = "web-search"))]
pub(super) type SearchLayer = Identity;

/// Makes the layer, and says whether it searches. No search takes more than half of the time that a
/// whole call has.
///
/// # Errors
/// As [`WebSearchLayer::new`].
#[cfg(feature = "web-search")]
pub(super) fn search_layer(builder: &mut ClientBuilder) -> Result<(SearchLayer, bool)> {
    let Some(mut settings) = builder.web_search.take() else {
        return Ok((WebSearchLayer::idle(), false));
    };
    if let Some(total) = builder.limits.total_timeout {
        settings.timeout = settings.timeout.min(total / 2);
    }
    Ok((WebSearchLayer::new(settings)?, true))
}

/// Lets the layer know the models, so that none is searched for that there is not.
#[cfg(feature = "web-search")]
pub(super) fn knowing(layer: SearchLayer, catalog: Arc<Catalog>) -> SearchLayer {
    layer.with_routes(catalog)
}

/// There is nothing to know.
#[cfg(not(feature = "web-search"))]
pub(super) fn knowing(layer: SearchLayer, _: Arc<Catalog>) -> SearchLayer {
    layer
}

/// Makes a layer that does nothing.
#[cfg(not(feature = "web-search"))]
pub(super) fn search_layer(_: &mut ClientBuilder) -> Result<(SearchLayer, bool)> {
    Ok((Identity::new(), false))
}
