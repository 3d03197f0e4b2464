//! Searches the web for a question, and puts what was found into its prompt and its answer.
//!
//! An engine ([`SearXng`], or a [`Search`] of yours) gives [`Source`]s; [`WebSearch`] says how it is
//! used. The layer that does it for calls is
//! [`WebSearchLayer`](crate::layers::WebSearchLayer).

mod block;
mod citations;
mod engine;
mod language;
mod merge;
mod options;
mod page;
mod plain;
mod prompt;
mod query;
mod rest;
mod searcher;
mod searxng;
mod settings;
mod shelf;
mod source;

pub(crate) use block::{ANNOTATIONS, Block, block, strip_history};
pub(crate) use citations::{Citation, Citations};
pub use engine::Search;
pub(crate) use options::Options;
pub use page::{ReadPages, reduce};
pub(crate) use prompt::with_sources;
pub use query::Query;
pub(crate) use query::no_question;
pub(crate) use searcher::Searcher;
pub use searxng::SearXng;
pub use settings::{TimeRange, WebSearch};
pub use source::Source;
