//! Pieces of answers for the tests of all dialects.

use llm2api_core::{ChatItem, ChunkBody, ChunkChoice, Delta};

pub(crate) fn chunk(choice: impl Into<ChunkChoice>) -> ChatItem {
    ChatItem::Chunk(ChunkBody::new("chatcmpl-1", "demo", choice.into()).into())
}

pub(crate) fn call(json: &str) -> ChatItem {
    let calls = serde_json::from_str(json).expect("pieces of calls");
    chunk(Delta { tool_calls: Some(calls), ..Delta::default() })
}
