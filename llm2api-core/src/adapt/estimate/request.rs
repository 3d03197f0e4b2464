//! Counts the tokens of a whole request.

use super::estimate_tokens;
use crate::chat::{ChatRequest, Message, Tool};

/// Tokens that a message takes beside its text.
const AROUND_A_MESSAGE: u64 = 4;

/// Estimates how many tokens a request has: its messages with the calls in them, and its tools.
///
/// Images and files count nothing.
///
/// # Example
/// ```
/// use llm2api_core::{ChatRequest, Message};
///
/// let request = ChatRequest::new("demo").with_message(Message::user("Hello, world!"));
/// assert_eq!(llm2api_core::adapt::estimate_request(&request), 8);
/// ```
pub fn estimate_request(request: &ChatRequest) -> u64 {
    estimate_prompt(&request.messages, request.tools.as_deref().unwrap_or_default())
}

/// Estimates how many tokens messages and tools have.
pub(crate) fn estimate_prompt(messages: &[Message], tools: &[Tool]) -> u64 {
    messages.iter().map(message).chain(tools.iter().map(tool)).sum()
}

fn message(message: &Message) -> u64 {
    let calls = message.tool_calls.iter().flatten().map(|call| &call.function);
    let calls = calls.map(|call| estimate_tokens(&call.name) + estimate_tokens(&call.arguments));
    AROUND_A_MESSAGE + estimate_tokens(&message.text()) + calls.sum::<u64>()
}

fn tool(tool: &Tool) -> u64 {
    serde_json::to_string(tool).map_or(0, |text| estimate_tokens(&text))
}
