//! A piece of a streamed answer.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Document, Extra, FinishReason, Role, Usage};
use crate::error::Result;

/// A piece of a streamed answer.
///
/// A chunk of an OpenAI-compatible upstream keeps the bytes it came in, so that every field it has,
/// known or not, goes on unchanged; [`Chunk::body`] parses it when somebody looks.
///
/// # Example
/// ```
/// use llm2api_core::{Chunk, ChunkBody};
///
/// let chunk = Chunk::from(ChunkBody::text("chatcmpl-1", "demo", "Hello"));
/// assert_eq!(chunk.text(), "Hello");
/// assert!(chunk.has_content());
/// ```
#[derive(Clone, Debug)]
pub struct Chunk {
    document: Document<ChunkBody>,
    has_content: bool,
    has_usage: bool,
}

impl Chunk {
    /// Keeps the JSON text of one chunk, which the caller has found to follow the schema.
    ///
    /// `has_content` says whether it carries text, reasoning, a refusal or a tool call, and
    /// `has_usage` whether it carries token counts. Only a decoder that has looked at the bytes can
    /// promise all this.
    #[cfg_attr(
        not(feature = "openai"),
        expect(dead_code, reason = "the OpenAI decoder makes these")
    )]
    pub(crate) fn from_wire(json: Bytes, has_content: bool, has_usage: bool) -> Self {
        Self { document: Document::from_wire(json), has_content, has_usage }
    }

    /// Returns the typed chunk.
    pub fn body(&self) -> &ChunkBody {
        self.document.body()
    }

    /// Turns the chunk into its typed form.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamProtocol`](crate::ErrorKind::UpstreamProtocol) where a field that
    /// nobody looked at before cannot be read, such as a number beyond all bounds.
    pub fn into_body(self) -> Result<ChunkBody> {
        self.document.into_body()
    }

    /// Says whether the chunk carries text, reasoning, a refusal, a tool call or a file.
    ///
    /// The first such chunk commits the answer: nothing is retried after it.
    pub fn has_content(&self) -> bool {
        self.has_content
    }

    /// Says whether the chunk carries token counts.
    pub fn has_usage(&self) -> bool {
        self.has_usage
    }

    /// Returns the text of the first choice, empty where there is none.
    pub fn text(&self) -> &str {
        self.delta().and_then(|delta| delta.content.as_deref()).unwrap_or_default()
    }

    /// Returns the reasoning of the first choice, empty where there is none.
    pub fn reasoning(&self) -> &str {
        self.delta().and_then(Delta::reasoning_text).unwrap_or_default()
    }

    /// Returns why the first choice ended, if this chunk ends it.
    pub fn finish_reason(&self) -> Option<FinishReason> {
        self.body().choices.first()?.finish_reason
    }

    /// Returns the token counts, if this chunk carries them.
    pub fn usage(&self) -> Option<&Usage> {
        self.body().usage.as_ref()
    }

    /// Appends the chunk's JSON text, on one line, to `out`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        self.document.write_json(out);
    }

    fn delta(&self) -> Option<&Delta> {
        self.body().choices.first().map(|choice| &choice.delta)
    }
}

impl From<ChunkBody> for Chunk {
    fn from(body: ChunkBody) -> Self {
        let has_content = body.choices.iter().any(|choice| choice.delta.has_content());
        let has_usage = body.usage.is_some();
        Self { document: Document::from_body(body), has_content, has_usage }
    }
}

/// The fields of a [`Chunk`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChunkBody {
    /// The answer's id, the same in all its chunks.
    pub id: Arc<str>,
    /// Always `chat.completion.chunk`.
    pub object: ChunkObject,
    /// When the answer began, in seconds since 1970.
    pub created: u64,
    /// The model that answers.
    pub model: Arc<str>,
    /// The choices that go on; empty in a chunk that carries only token counts.
    pub choices: Vec<ChunkChoice>,
    /// Token counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ChunkBody {
    /// Makes a chunk with one choice.
    pub fn new(id: impl Into<Arc<str>>, model: impl Into<Arc<str>>, choice: ChunkChoice) -> Self {
        Self { id: id.into(), model: model.into(), choices: vec![choice], ..Self::default() }
    }

    /// Makes a chunk of text.
    pub fn text(
        id: impl Into<Arc<str>>,
        model: impl Into<Arc<str>>,
        text: impl Into<String>,
    ) -> Self {
        Self::new(id, model, ChunkChoice::from(Delta::text(text)))
    }

    /// Sets when the answer began, in seconds since 1970.
    #[must_use]
    pub fn with_created(mut self, created: u64) -> Self {
        self.created = created;
        self
    }

    /// Returns what all chunks of an answer share.
    pub(crate) fn head(&self) -> Self {
        Self {
            id: self.id.clone(),
            created: self.created,
            model: self.model.clone(),
            ..Self::default()
        }
    }
}

/// The tag `chat.completion.chunk`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChunkObject(Cow<'static, str>);

impl ChunkObject {
    /// Returns the tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ChunkObject {
    fn default() -> Self {
        Self(Cow::Borrowed("chat.completion.chunk"))
    }
}

/// What one choice gained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChunkChoice {
    /// Which choice this is.
    pub index: u32,
    /// What it gained.
    pub delta: Delta,
    /// Why it ended; absent while it goes on.
    pub finish_reason: Option<FinishReason>,
    /// Log probabilities, as the upstream gave them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Value>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

impl From<Delta> for ChunkChoice {
    fn from(delta: Delta) -> Self {
        Self { delta, ..Self::default() }
    }
}

impl From<FinishReason> for ChunkChoice {
    fn from(reason: FinishReason) -> Self {
        Self { finish_reason: Some(reason), ..Self::default() }
    }
}

/// A gain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Delta {
    /// Who speaks; in the first chunk only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Reasoning, in the field that vLLM, DeepSeek and others use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// Text in which the model refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Pieces of calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCallDelta>>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Delta {
    /// Makes a gain of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: Some(text.into()), ..Self::default() }
    }

    /// Makes a gain of reasoning.
    pub fn reasoning(text: impl Into<String>) -> Self {
        Self { reasoning_content: Some(text.into()), ..Self::default() }
    }

    /// Makes the gain of a first chunk, which names the speaker only.
    pub fn assistant() -> Self {
        Self { role: Some(Role::Assistant), content: Some(String::new()), ..Self::default() }
    }

    /// Says whether there is any text, reasoning, refusal, call or file.
    pub fn has_content(&self) -> bool {
        let filled = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        filled(&self.content)
            || filled(&self.refusal)
            || self.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty())
            || self.reasoning_text().is_some_and(|text| !text.is_empty())
            || self.extra.contains_key("llm2api_files")
    }

    /// Returns the reasoning; newer servers call the field `reasoning`.
    pub fn reasoning_text(&self) -> Option<&str> {
        let newer = || self.extra.get("reasoning").and_then(Value::as_str);
        self.reasoning_content.as_deref().or_else(newer)
    }
}

/// A piece of a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolCallDelta {
    /// Which call this belongs to.
    pub index: u32,
    /// The call's id; in its first piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `function`; in its first piece.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The function's name and a piece of its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionDelta>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A function's name, and a piece of its arguments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FunctionDelta {
    /// The name; in the call's first piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A piece of the arguments' JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}
