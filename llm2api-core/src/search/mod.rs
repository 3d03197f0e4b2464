//! Searches the web for a question, and puts what was found into its prompt and its answer.
//!
//! An engine ([`SearXng`], or a [`Search`] of yours) gives [`Source`]s; [`WebSearch`] says how it is
//! used. The layer that does it for calls is
//! [`WebSearchLayer`](crate::layers::WebSearchLayer).

mod engine;
mod language;
mod merge;
mod options;
mod prompt;
mod query;
mod rest;
mod searcher;
mod searxng;
mod settings;
mod shelf;
mod source;

pub use engine::Search;
pub(crate) use options::Options;
pub(crate) use prompt::with_sources;
pub use query::Query;
pub(crate) use searcher::Searcher;
pub use searxng::SearXng;
pub use settings::{TimeRange, WebSearch};
pub use source::Source;

pub(crate) fn strip_history(
    _: &std::sync::Arc<[crate::chat::Message]>,
) -> Option<std::sync::Arc<[crate::chat::Message]>> {
    None
}
