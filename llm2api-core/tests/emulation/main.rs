//! What a text upstream lacks is made up for: limits, stop sequences, tools, forms of the answer.

mod elsewhere;
mod files;
mod form;
mod limits;
mod model;
mod tools;

use llm2api_core::{ChatRequest, Message};

/// A question to the scripted model.
fn question() -> ChatRequest {
    ChatRequest::new("text").with_message(Message::user("Hello"))
}
