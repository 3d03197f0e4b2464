//! One request that is over.

use std::sync::Arc;
use std::time::Duration;

use llm2api_core::chat::trail::Trail;
use poem::http::Method;

use crate::edge::Tokens;

/// What is known of a request that is over. Texts are the gateway's own, or bounded and fit for the
/// operator's eyes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// The request's id, which clients may have chosen.
    pub(crate) id: String,
    /// When it came, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    pub(crate) method: Method,
    /// The row of the route table.
    pub(crate) route: Option<Arc<str>>,
    pub(crate) status: Option<u16>,
    /// The model that was asked for.
    pub(crate) model: Option<String>,
    /// Whether that is a model's name. Else it is but the client's text.
    pub(crate) model_is_known: bool,
    /// The id of the client key.
    pub(crate) key: Option<Arc<str>>,
    /// Whether the answer was to be streamed.
    pub(crate) streams: bool,
    /// From the request's head to the answer's last byte.
    pub(crate) duration: Duration,
    /// To the answer's first content.
    pub(crate) first_content: Option<Duration>,
    /// What the gateway itself took.
    pub(crate) overhead: Option<Duration>,
    pub(crate) tokens: Option<Tokens>,
    /// The code of what went wrong.
    pub(crate) code: Option<&'static str>,
    /// What went wrong, for the operator.
    pub(crate) error: Option<String>,
    /// From the request's head to the beginning of the trail.
    pub(crate) asked_after: Duration,
    /// Who was asked, and why.
    pub(crate) trail: Option<Trail>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.at_ms == other.at_ms
    }
}
