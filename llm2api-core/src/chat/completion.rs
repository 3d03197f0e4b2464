//! A whole answer.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Document, Extra, Role, TokenCounts, ToolCall, Usage};
use crate::error::Result;

/// A whole answer.
///
/// An upstream's own non-streamed answer keeps the bytes it came in and passes through whole; one
/// that was collected from chunks is typed.
///
/// # Example
/// ```
/// use llm2api_core::{Completion, CompletionBody};
///
/// let completion = Completion::from(CompletionBody::default());
/// assert_eq!(completion.text(), "");
/// ```
#[derive(Clone, Debug)]
pub struct Completion {
    document: Document<CompletionBody>,
    /// Those of the bytes; they hold for as long as the bytes do.
    counts: Option<TokenCounts>,
}

impl Completion {
    /// Keeps the JSON text of an answer, which the caller has found to follow the schema and to carry
    /// these token counts.
    #[cfg_attr(
        not(feature = "openai"),
        expect(dead_code, reason = "the OpenAI decoder makes these")
    )]
    pub(crate) fn from_wire(json: Bytes, counts: Option<TokenCounts>) -> Self {
        Self { document: Document::from_wire(json), counts }
    }

    /// Returns the typed answer.
    pub fn body(&self) -> &CompletionBody {
        self.document.body()
    }

    /// Returns the typed answer for changing; the bytes it came in are given up.
    pub fn body_mut(&mut self) -> &mut CompletionBody {
        self.document.body_mut()
    }

    /// Turns the answer into its typed form.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamProtocol`](crate::ErrorKind::UpstreamProtocol) where a field that
    /// nobody looked at before cannot be read, such as a number beyond all bounds.
    pub fn into_body(self) -> Result<CompletionBody> {
        self.document.into_body()
    }

    /// Returns the text of the first choice, empty where there is none.
    pub fn text(&self) -> &str {
        self.message().and_then(|message| message.content.as_deref()).unwrap_or_default()
    }

    /// Returns why the first choice ended.
    pub fn finish_reason(&self) -> Option<FinishReason> {
        self.body().choices.first()?.finish_reason
    }

    /// Returns the first choice's message.
    pub fn message(&self) -> Option<&AssistantMessage> {
        self.body().choices.first().map(|choice| &choice.message)
    }

    /// Returns the token counts, with all that the upstream says of them.
    pub fn usage(&self) -> Option<&Usage> {
        self.body().usage.as_ref()
    }

    /// Returns the figures of the token counts, without parsing an answer that is as it came.
    pub fn token_counts(&self) -> Option<TokenCounts> {
        match self.document.is_as_it_came() {
            true => self.counts,
            false => self.usage().map(TokenCounts::from),
        }
    }

    /// Says whether somebody has looked at the typed answer, or changed it.
    #[cfg(all(test, feature = "openai"))]
    pub(crate) fn is_parsed(&self) -> bool {
        self.document.is_parsed()
    }

    /// Appends the answer's JSON text to `out`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        self.document.write_json(out);
    }
}

impl From<CompletionBody> for Completion {
    fn from(body: CompletionBody) -> Self {
        Self { document: Document::from_body(body), counts: None }
    }
}

/// The fields of a [`Completion`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompletionBody {
    /// The answer's id.
    pub id: Arc<str>,
    /// Always `chat.completion`.
    pub object: CompletionObject,
    /// When the answer began, in seconds since 1970.
    pub created: u64,
    /// The model that answered.
    pub model: Arc<str>,
    /// The answers; one, unless more were asked for.
    pub choices: Vec<Choice>,
    /// Token counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The tag `chat.completion`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CompletionObject(Cow<'static, str>);

impl CompletionObject {
    /// Returns the tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for CompletionObject {
    fn default() -> Self {
        Self(Cow::Borrowed("chat.completion"))
    }
}

/// One answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    /// Which answer this is.
    pub index: u32,
    /// What the model said.
    pub message: AssistantMessage,
    /// Why it ended.
    pub finish_reason: Option<FinishReason>,
    /// Log probabilities, as the upstream gave them.
    pub logprobs: Option<Value>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What the model said in a whole answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssistantMessage {
    /// Always the assistant.
    pub role: Role,
    /// Text; absent where the model only calls tools.
    pub content: Option<String>,
    /// Reasoning, in the field that vLLM, DeepSeek and others use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// Text in which the model refuses.
    pub refusal: Option<String>,
    /// Calls that the model makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCall>>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Default for AssistantMessage {
    fn default() -> Self {
        Self {
            role: Role::Assistant,
            content: None,
            reasoning_content: None,
            refusal: None,
            tool_calls: None,
            extra: Extra::new(),
        }
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// The model was done, or met a stop sequence.
    Stop,
    /// The token limit was reached.
    Length,
    /// The model calls tools.
    ToolCalls,
    /// A filter stepped in.
    ContentFilter,
    /// The model calls a function, in the older spelling.
    FunctionCall,
}

impl FinishReason {
    /// Returns the reason as the schema spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::FunctionCall => "function_call",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FinishReason;

    #[test]
    fn a_reason_has_one_name() {
        for reason in [
            FinishReason::Stop,
            FinishReason::Length,
            FinishReason::ToolCalls,
            FinishReason::ContentFilter,
            FinishReason::FunctionCall,
        ] {
            assert_eq!(serde_json::json!(reason), reason.as_str());
        }
    }
}
