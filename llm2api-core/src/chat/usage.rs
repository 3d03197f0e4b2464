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
