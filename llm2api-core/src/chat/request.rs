//! A chat request.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Call, Extra, Message, Tool};

/// A request for an answer: the OpenAI chat-completions request, typed.
///
/// Fields that this version does not know are kept in [`extra`](Self::extra) and reach an
/// OpenAI-compatible upstream unchanged. Cloning is cheap: what may be large is shared.
///
/// # Example
/// ```
/// use llm2api_core::{ChatRequest, Message};
///
/// let request = ChatRequest::new("demo")
///     .with_message(Message::system("Be brief."))
///     .with_message(Message::user("Hello"))
///     .with_stream(true);
/// assert_eq!(request.messages.len(), 2);
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChatRequest {
    /// The model, as the model list names it, or an alias.
    pub model: String,
    /// The conversation, oldest message first.
    pub messages: Arc<[Message]>,
    /// Whether the answer comes in pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// What else a stream should carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<Box<StreamOptions>>,
    /// Sampling temperature, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// How many answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Sequences that end the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// Token limit of the answer, in the older spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Token limit of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u64>,
    /// -2 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// -2 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// Bias by token id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logit_bias: Option<Arc<Map<String, Value>>>,
    /// Whether log probabilities are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// How many alternatives for each token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u32>,
    /// Seed for sampling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Tools that the model may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Arc<[Tool]>>,
    /// Whether and which tool must be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Arc<Value>>,
    /// Whether several calls may be made at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// The form that the answer must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Arc<Value>>,
    /// How much the model should reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<String>,
    /// An opaque name of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Unknown fields.
    #[serde(flatten, deserialize_with = "super::extra::once")]
    pub extra: Extra,
    /// What travels with this call: its id, the send budget, the attempts made.
    #[serde(skip)]
    pub call: Call,
}

impl ChatRequest {
    /// Makes a request without messages.
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), ..Self::default() }
    }

    /// Returns how long the text of all messages is, in bytes.
    pub fn text_bytes(&self) -> usize {
        self.messages.iter().map(Message::text_bytes).sum()
    }

    /// Adds a message at the end.
    #[must_use]
    pub fn with_message(mut self, message: Message) -> Self {
        self.messages = self.messages.iter().cloned().chain([message]).collect();
        self
    }

    /// Replaces all messages.
    #[must_use]
    pub fn with_messages(mut self, messages: impl IntoIterator<Item = Message>) -> Self {
        self.messages = messages.into_iter().collect();
        self
    }

    /// Sets whether the answer comes in pieces; off by default.
    #[must_use]
    pub fn with_stream(mut self, stream: bool) -> Self {
        self.stream = Some(stream);
        self
    }

    /// Asks for a last chunk with token counts.
    #[must_use]
    pub fn with_usage(mut self) -> Self {
        self.stream_options.get_or_insert_default().include_usage = Some(true);
        self
    }

    /// Offers tools to the model.
    #[must_use]
    pub fn with_tools(mut self, tools: impl IntoIterator<Item = Tool>) -> Self {
        self.tools = Some(tools.into_iter().collect());
        self
    }

    /// Asks for a web search before the answer; what was asked of it before stays.
    ///
    /// A client that has a search ([`ClientBuilder::with_web_search`]) does it, for every upstream;
    /// else `web_search_options` reach an upstream that knows them.
    ///
    /// [`ClientBuilder::with_web_search`]: crate::ClientBuilder
    #[must_use]
    pub fn with_web_search(mut self) -> Self {
        let options = self.extra.entry("web_search_options").or_insert(Value::Null);
        if options.is_null() {
            *options = Value::Object(Map::new());
        }
        self
    }

    /// Says whether the answer should come in pieces.
    pub fn streams(&self) -> bool {
        self.stream == Some(true)
    }

    /// Says whether a stream should end with token counts.
    pub fn wants_usage(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options.include_usage == Some(true))
    }
}

/// What else a stream should carry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamOptions {
    /// Whether a last chunk carries token counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_usage: Option<bool>,
    /// Unknown fields.
    #[serde(flatten, deserialize_with = "super::extra::once")]
    pub extra: Extra,
}

/// One sequence, or several, that end the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub enum Stop {
    /// One sequence.
    One(String),
    /// Several.
    Many(Vec<String>),
}
