//! The vocabulary: the OpenAI chat-completions schema, typed, with unknown fields kept.
//!
//! Nothing here does I/O. Requests are parsed once and stay typed; chunks and completions of an
//! OpenAI-compatible upstream keep the bytes they came in (see [`Chunk`]) and are parsed when
//! somebody looks into them.
//!
//! Source of the schema: the published OpenAI API description, `CreateChatCompletionRequest`,
//! `CreateChatCompletionResponse` and `CreateChatCompletionStreamResponse`.

mod call;
mod chunk;
mod collect;
mod completion;
mod document;
mod extra;
mod message;
mod model;
mod request;
mod retry_plan;
mod search_note;
mod stream;
mod text;
mod tool;
mod trace;
pub mod trail;
mod usage;
mod validate;

pub use call::{Attempted, Call};
pub use chunk::{Chunk, ChunkBody, ChunkChoice, Delta, FunctionDelta, ToolCallDelta};
pub use completion::{AssistantMessage, Choice, Completion, CompletionBody, FinishReason};
pub use document::Document;
pub use extra::Extra;
pub use message::{Content, FilePart, ImageUrl, InputAudio, Message, Part, Role};
pub use model::{Model, ModelCapabilities, ModelDetails, Support};
pub use request::{ChatRequest, Stop, StreamOptions};
pub use retry_plan::{Others, RetryPlan};
pub use search_note::SearchNote;
pub use stream::{ChatItem, ChatStream, Ending, Outcome, Watch};
pub use tool::{FunctionCall, FunctionDefinition, Tool, ToolCall};
pub use trace::TraceContext;
pub use usage::{TokenCounts, Usage};
pub use validate::read_json;
