//! The choice among tools.

use llm2api_core::ChatRequest;

/// Takes back what is said about tools where none is offered: clients of the newer dialects always
/// send it, and many upstreams refuse it in a chat.
pub(crate) fn forget_choice_without_tools(chat: &mut ChatRequest) {
    if chat.tools.is_none() {
        chat.tool_choice = None;
        chat.parallel_tool_calls = None;
    }
}
