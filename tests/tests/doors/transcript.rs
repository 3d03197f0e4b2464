//! What came through a door, without what differs from call to call.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What came of a request. A text that is empty counts as none.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Transcript {
    /// What a stream brought, in order, each kind once for many pieces in a row; at its end `done`
    /// or `error`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stream: Vec<Piece>,
    /// The model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasoning: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<String>,
    #[serde(skip_serializing_if = "Value::is_null")]
    usage: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Value>,
    /// What the answer says of its web search.
    #[serde(skip_serializing_if = "Value::is_null")]
    search: Value,
    /// The parameters that the answer does not go by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    /// How many chats the upstream was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    sends: Option<usize>,
}

/// What a chunk brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Piece {
    Role,
    Reasoning,
    Text,
    ToolCall,
    Annotation,
    Finish,
    Usage,
    Done,
    Error,
}

/// A call of a tool, without its id.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolCall {
    name: String,
    arguments: String,
}

/// What went wrong. Where a stream breaks there is no status any more, and no `Retry-After`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failure {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) param: Option<String>,
    pub(crate) message: String,
    /// Whether it says when to come back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) retry_after: bool,
}

impl Failure {
    /// What is told of it where the head of the answer is gone.
    pub(crate) fn in_a_stream(self) -> Self {
        Self { status: None, retry_after: false, ..self }
    }
}

impl Transcript {
    /// Reads a whole answer.
    pub(crate) fn whole(answer: &Value) -> Self {
        let mut transcript = Self::default();
        transcript.add(answer, "message", &mut BTreeMap::new());
        transcript.stream.clear();
        transcript
    }

    /// Puts the chunks of a stream together; `error` is what broke it.
    pub(crate) fn streamed(chunks: &[Value], error: Option<Failure>) -> Self {
        let (mut transcript, mut calls) = (Self::default(), BTreeMap::new());
        chunks.iter().for_each(|chunk| transcript.add(chunk, "delta", &mut calls));
        let ids: BTreeSet<_> = chunks.iter().map(|chunk| chunk["id"].as_str()).collect();
        assert!(ids.len() <= 1, "one answer has one id: {ids:?}");
        transcript.stream.push(if error.is_some() { Piece::Error } else { Piece::Done });
        Self { error, ..transcript }
    }

    /// What came instead of an answer.
    pub(crate) fn refused(error: Failure) -> Self {
        Self { error: Some(error), ..Self::default() }
    }

    /// Names the parameters that the answer does not go by.
    pub(crate) fn with_ignored(self, ignored: Vec<String>) -> Self {
        Self { ignored, ..self }
    }

    /// Says how many chats the upstream was asked for.
    pub(crate) fn with_sends(self, sends: Option<usize>) -> Self {
        Self { sends, ..self }
    }

    /// Adds an answer or a chunk; `calls` are the ids of the calls of tools so far.
    fn add(&mut self, object: &Value, place: &str, calls: &mut BTreeMap<u64, String>) {
        self.model = object["model"].as_str().map(str::to_owned);
        if !object["llm2api_search"].is_null() {
            self.search = object["llm2api_search"].clone();
        }
        let choices = object["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert!(choices.len() <= 1, "no scenario has two choices: {object}");
        for choice in choices {
            self.add_message(&choice[place], calls);
            if let Some(reason) = choice["finish_reason"].as_str() {
                assert_eq!(self.finish_reason.replace(reason.to_owned()), None, "{object}");
                self.saw(Piece::Finish);
            }
        }
        if !object["usage"].is_null() {
            self.usage = object["usage"].clone();
            self.stream.push(Piece::Usage);
        }
    }

    fn add_message(&mut self, message: &Value, calls: &mut BTreeMap<u64, String>) {
        if message["role"].is_string() {
            assert_eq!(message["role"], "assistant");
            self.stream.push(Piece::Role);
        }
        let text = |name: &str| message[name].as_str().filter(|text| !text.is_empty());
        if let Some(more) = text("reasoning_content") {
            self.reasoning += more;
            self.saw(Piece::Reasoning);
        }
        if let Some(more) = text("content") {
            self.text += more;
            self.saw(Piece::Text);
        }
        for (at, call) in (0..).zip(message["tool_calls"].as_array().into_iter().flatten()) {
            self.add_call(call["index"].as_u64().unwrap_or(at), call, calls);
        }
        if let Some(more) = message["annotations"].as_array().filter(|more| !more.is_empty()) {
            self.annotations.extend_from_slice(more);
            self.saw(Piece::Annotation);
        }
    }

    fn add_call(&mut self, at: u64, call: &Value, calls: &mut BTreeMap<u64, String>) {
        if let Some(id) = call["id"].as_str().filter(|_| !calls.contains_key(&at)) {
            assert!(!id.is_empty() && calls.values().all(|other| other != id), "{call}");
            assert_eq!(call["type"], "function", "{call}");
            calls.insert(at, id.to_owned());
            self.tool_calls.push(ToolCall::default());
        }
        let at = calls.range(..at).count();
        let known = self.tool_calls.get_mut(at).expect("a call begins with its id");
        known.name += call["function"]["name"].as_str().unwrap_or_default();
        known.arguments += call["function"]["arguments"].as_str().unwrap_or_default();
        self.saw(Piece::ToolCall);
    }

    /// Notes a piece, unless it goes on with what came last.
    fn saw(&mut self, piece: Piece) {
        if self.stream.last() != Some(&piece) {
            self.stream.push(piece);
        }
    }
}
