//! Token counts.

use serde::{Deserialize, Serialize};

use super::Extra;

/// How many tokens a call took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens of the request.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Both together.
    pub total_tokens: u64,
    /// True where no upstream counted and the figures are our estimate.
    #[serde(rename = "llm2api_estimated", skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// Details that the upstream added.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The figures of a [`Usage`] alone.
///
/// A decoder sees them as it checks an answer; whoever only counts need not have the answer read a
/// second time, into its types.
///
/// # Example
/// ```
/// use llm2api_core::{ChatItem, ChunkBody, Usage};
///
/// let usage = Some(Usage::estimate(8, 2));
/// let item = ChatItem::Chunk(ChunkBody { usage, ..ChunkBody::default() }.into());
/// let counts = item.token_counts().expect("the chunk carries some");
/// assert_eq!((counts.prompt, counts.completion, counts.estimated), (8, 2, true));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenCounts {
    /// Tokens of the request.
    pub prompt: u64,
    /// Tokens of the answer.
    pub completion: u64,
    /// True where no upstream counted and the figures are our estimate.
    pub estimated: bool,
}

impl From<&Usage> for TokenCounts {
    fn from(usage: &Usage) -> Self {
        let &Usage { prompt_tokens: prompt, completion_tokens: completion, estimated, .. } = usage;
        Self { prompt, completion, estimated }
    }
}

impl Usage {
    /// Makes a usage that is marked as an estimate.
    pub fn estimate(prompt_tokens: u64, completion_tokens: u64) -> Self {
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens.saturating_add(completion_tokens),
            estimated: true,
            extra: Extra::new(),
        }
    }
}
