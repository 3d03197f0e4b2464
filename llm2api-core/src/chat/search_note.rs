//! What a search for a call has led to.

use serde::Serialize;

/// What a web search for a call has led to: shown beside the answer, and in it as `llm2api_search`.
///
/// # Example
/// ```
/// use llm2api_core::chat::SearchNote;
///
/// let note = SearchNote::Failed { code: "search_timeout", message: "no answer in 10 s".into() };
/// assert_eq!(note.code(), Some("search_timeout"));
/// assert_eq!(
///     serde_json::to_string(&note).expect("strings alone"),
///     r#"{"status":"failed","code":"search_timeout","message":"no answer in 10 s"}"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
#[non_exhaustive]
pub enum SearchNote {
    /// The model has read what was found, if anything was.
    Completed {
        /// What was searched for.
        query: String,
        /// How many pages were found.
        results: usize,
    },
    /// The answer is without search.
    Failed {
        /// Why, for programs.
        code: &'static str,
        /// Why, and what to do, for people.
        message: String,
    },
}

impl SearchNote {
    /// What the field is called in which a note stands in an answer, or in its first chunk.
    pub const FIELD: &'static str = "llm2api_search";

    /// Returns why there was no search.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Completed { .. } => None,
            Self::Failed { code, .. } => Some(code),
        }
    }
}
