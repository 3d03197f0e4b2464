//! What an answer tells back of its request.

use std::collections::BTreeMap;

use serde::Serialize;

use super::request::{Reasoning, Request, TextConfig, Truncation};
use super::tools::{Choice, Form, Mode, Offer};

/// What an answer tells back of its request, the defaults filled in.
#[derive(Debug, Serialize)]
pub(super) struct Echo<'a> {
    background: bool,
    instructions: Option<&'a str>,
    max_output_tokens: Option<u64>,
    max_tool_calls: Option<u64>,
    metadata: BTreeMap<String, String>,
    parallel_tool_calls: bool,
    previous_response_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    reasoning: Reasoning,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'a str>,
    /// Whatever was asked for.
    store: bool,
    temperature: Option<f64>,
    text: TextConfig,
    tool_choice: Choice,
    tools: &'a [Offer],
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u32>,
    top_p: Option<f64>,
    truncation: Truncation,
    user: Option<&'a str>,
}

impl<'a> Echo<'a> {
    /// Picks from a request.
    pub(super) fn of(request: &'a Request) -> Self {
        let mut text = request.text.clone().unwrap_or_default();
        text.format.get_or_insert(Form::Text);
        Self {
            background: false,
            instructions: request.instructions.as_deref(),
            max_output_tokens: request.max_output_tokens,
            max_tool_calls: request.max_tool_calls,
            metadata: request.metadata.clone().unwrap_or_default(),
            parallel_tool_calls: request.parallel_tool_calls.unwrap_or(true),
            previous_response_id: None,
            prompt_cache_key: request.prompt_cache_key.as_deref(),
            reasoning: request.reasoning.clone().unwrap_or_default(),
            safety_identifier: request.safety_identifier.as_deref(),
            store: false,
            temperature: request.temperature,
            text,
            tool_choice: request.tool_choice.clone().unwrap_or(Choice::Mode(Mode::Auto)),
            tools: request.tools.as_deref().unwrap_or_default(),
            top_logprobs: request.top_logprobs,
            top_p: request.top_p,
            truncation: request.truncation.unwrap_or(Truncation::Disabled),
            user: request.user.as_deref(),
        }
    }
}
