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

#[cfg(all(test, feature = "web-search"))]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use async_trait::async_trait;

    use super::*;
    use crate::chat::{ChatRequest, Message, SearchNote};
    use crate::client::Client;
    use crate::limits::Limits;
    use crate::search::{Query, Search, Source, WebSearch};

    /// Never answers.
    #[derive(Debug)]
    struct Stalled;

    #[async_trait]
    impl Search for Stalled {
        async fn page(&self, _: &Query, _: NonZeroU32) -> Result<Vec<Source>> {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_leaves_an_answer_half_of_the_time_that_a_call_has() {
        let total_timeout = Some(Duration::from_secs(8));
        let client = Client::builder()
            .with_limits(Limits { total_timeout, ..Limits::default() })
            .with_web_search(WebSearch::new(Stalled))
            .build()
            .await
            .expect("the demo");
        let asked = ChatRequest::new("demo").with_message(Message::user("Hello"));
        let begun = tokio::time::Instant::now();
        let answer = client.chat(asked.with_web_search()).await.expect("an answer");
        assert_eq!(answer.search_note().and_then(SearchNote::code), Some("search_timeout"));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        let mut short = ChatRequest::new("demo").with_message(Message::user("Why?"));
        short.call = short.call.with_timeout(Duration::from_secs(4));
        let begun = tokio::time::Instant::now();
        let answer = client.chat(short.with_web_search()).await.expect("an answer");
        assert!(answer.search_note().is_some() && begun.elapsed() < Duration::from_secs(3));
    }
}
