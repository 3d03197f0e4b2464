#![doc = include_str!("../README.md")]

pub mod accounts;
pub mod adapt;
pub mod auth;
mod backlog;
mod catalog;
pub mod chat;
mod client;
mod clock;
mod conversations;
pub mod credential;
pub mod docs;
#[cfg(feature = "documents")]
pub mod documents;
pub mod dormant;
mod error;
mod hex;
#[cfg(feature = "http")]
pub mod http;
pub mod keys;
pub mod layers;
mod limits;
mod metrics;
mod outbox;
pub mod pool;
pub mod quota;
mod random;
#[cfg(feature = "web-search")]
pub mod search;
mod single_flight;
mod stack;
pub mod stats;
pub mod store;
mod tasks;
pub mod upstream;

pub use chat::{
    AssistantMessage, Call, ChatItem, ChatRequest, ChatStream, Choice, Chunk, ChunkBody,
    ChunkChoice, Completion, CompletionBody, Content, Delta, FinishReason, FunctionCall,
    FunctionDefinition, Message, Model, ModelCapabilities, ModelDetails, Outcome, Part, Role, Stop,
    StreamOptions, Support, Tool, ToolCall, ToolCallDelta, Usage,
};
pub use client::Client;
pub use conversations::{ConversationMode, ConversationRules};
pub use credential::{CookieSet, Credential, CredentialId, Material, Secret};
pub use error::{Error, ErrorKind, Evidence, Result, Same, Verdict};
pub use limits::Limits;
pub use metrics::{
    BOUNDS_US, Batch, HistogramSnapshot, Metrics, MetricsSnapshot, TOKEN_BOUNDS, Tally,
    TallySnapshot, TokenSizes, TokenUsage, Tokens,
};
pub use stack::{ChatService, ClientBuilder};
pub use upstream::{Upstream, UpstreamConfig};
