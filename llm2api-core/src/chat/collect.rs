//! From a stream to a whole answer, and back.

use std::collections::VecDeque;

use futures::StreamExt;
use serde_json::Value;

use super::{
    AssistantMessage, ChatItem, ChatStream, Choice, Chunk, ChunkBody, ChunkChoice, Completion,
    CompletionBody, Delta, FunctionCall, FunctionDelta, SearchNote, ToolCall, ToolCallDelta,
};
use crate::error::{Error, ErrorKind, Result};

impl ChatStream {
    /// Waits for the end and returns the whole answer.
    ///
    /// # Errors
    /// The error that broke the stream off; what had come until then is dropped, since half an
    /// answer must not look like a whole one.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// use futures::stream;
    /// use llm2api_core::{ChatItem, ChatStream, Chunk, ChunkBody};
    ///
    /// let chunk = |text| Ok(ChatItem::Chunk(Chunk::from(ChunkBody::text("id", "demo", text))));
    /// let answer = ChatStream::new(stream::iter([chunk("Hello "), chunk("there")]));
    /// assert_eq!(answer.collect().await?.text(), "Hello there");
    /// # Ok(()) }
    /// ```
    pub async fn collect(mut self) -> Result<Completion> {
        let mut pieces: Option<Whole> = None;
        let whole = loop {
            match self.next().await.transpose()? {
                Some(ChatItem::Whole(completion)) => break completion,
                Some(ChatItem::Progress) => {}
                Some(ChatItem::Chunk(chunk)) => {
                    let chunk = chunk.into_body()?;
                    pieces.get_or_insert_with(|| Whole::start(&chunk)).add(chunk);
                }
                None => return put_together(pieces),
            }
        };
        // To the end, so that those who watch see a completed answer.
        while self.next().await.transpose()?.is_some() {}
        Ok(*whole)
    }

    /// Returns the answer in pieces, also where the upstream gave it whole; its token counts, if
    /// any, become a last chunk where `usage` asks for one.
    #[must_use]
    pub fn into_chunks(self, usage: bool) -> Self {
        self.with_split(if usage { split_with_usage } else { split })
    }
}

fn put_together(pieces: Option<Whole>) -> Result<Completion> {
    pieces.map(|pieces| Completion::from(pieces.body)).ok_or_else(|| {
        Error::new(ErrorKind::UpstreamProtocol, "collect", "the upstream's answer is empty")
    })
}

/// A whole answer under construction.
struct Whole {
    body: CompletionBody,
    /// The numbers under which the calls of each choice arrived: a server may start at 1.
    slots: Vec<Vec<u32>>,
}

impl Whole {
    fn start(chunk: &ChunkBody) -> Self {
        let body = CompletionBody {
            id: chunk.id.clone(),
            created: chunk.created,
            model: chunk.model.clone(),
            ..CompletionBody::default()
        };
        Self { body, slots: Vec::new() }
    }

    fn add(&mut self, chunk: ChunkBody) {
        if chunk.usage.is_some() {
            self.body.usage = chunk.usage;
        }
        self.body.extra.extend(chunk.extra);
        for choice in chunk.choices {
            let at = self.place(choice.index);
            let ChunkChoice { delta, finish_reason, logprobs, extra, .. } = choice;
            let whole = &mut self.body.choices[at];
            whole.finish_reason = finish_reason.or(whole.finish_reason);
            whole.extra.extend(extra);
            match (&mut whole.logprobs, logprobs) {
                (Some(known), Some(more)) => join(known, more),
                (known, more) => *known = known.take().or(more),
            }
            whole.message.add(delta, &mut self.slots[at]);
        }
    }

    /// Finds a choice, or makes it; choices stay in order.
    fn place(&mut self, index: u32) -> usize {
        let choices = &mut self.body.choices;
        choices.binary_search_by_key(&index, |choice| choice.index).unwrap_or_else(|at| {
            choices.insert(at, Choice { index, ..Choice::default() });
            self.slots.insert(at, Vec::new());
            at
        })
    }
}

impl AssistantMessage {
    fn add(&mut self, delta: Delta, slots: &mut Vec<u32>) {
        append(&mut self.content, delta.content);
        append(&mut self.reasoning_content, delta.reasoning_content);
        append(&mut self.refusal, delta.refusal);
        for (name, more) in delta.extra {
            match self.extra.get_mut(&name) {
                Some(known) => join(known, more),
                None => drop(self.extra.insert(name, more)),
            }
        }
        for call in delta.tool_calls.into_iter().flatten() {
            let calls = self.tool_calls.get_or_insert_default();
            let at = slots.iter().position(|slot| *slot == call.index).unwrap_or_else(|| {
                slots.push(call.index);
                calls.push(ToolCall { kind: "function".into(), ..ToolCall::default() });
                calls.len() - 1
            });
            calls[at].add(call);
        }
    }
}

impl ToolCall {
    /// Adds a piece: arguments grow; id and name come once, though some servers repeat them.
    fn add(&mut self, delta: ToolCallDelta) {
        let function = delta.function.unwrap_or_default();
        if self.id.is_empty() {
            self.id = delta.id.unwrap_or_default();
        }
        if self.function.name.is_empty() {
            self.function.name = function.name.unwrap_or_default();
        }
        self.function.arguments.push_str(&function.arguments.unwrap_or_default());
        self.extra.extend(delta.extra);
    }
}

/// Joins two pieces of one field: texts and lists grow, objects field by field, others change.
fn join(known: &mut Value, more: Value) {
    match (known, more) {
        (Value::String(text), Value::String(more)) => text.push_str(&more),
        (Value::Array(list), Value::Array(more)) => list.extend(more),
        (Value::Object(object), Value::Object(more)) => {
            for (name, more) in more {
                match object.get_mut(&name) {
                    Some(known) => join(known, more),
                    None => drop(object.insert(name, more)),
                }
            }
        }
        (known, more) => *known = more,
    }
}

fn append(text: &mut Option<String>, more: Option<String>) {
    match (text, more) {
        (Some(text), Some(more)) => text.push_str(&more),
        (text @ None, Some(more)) => *text = Some(more),
        (_, None) => {}
    }
}

/// Splits a whole answer: what was said, why it ended, the token counts.
///
/// What is said of a search is said once, in the first chunk; other fields stand in all of them.
fn split_with_usage(completion: Completion) -> Result<VecDeque<ChatItem>> {
    let CompletionBody { id, created, model, choices, usage, extra, .. } =
        completion.into_body()?;
    let mut head = ChunkBody { id, created, model, extra, ..ChunkBody::default() };
    let (said, ended) = choices.into_iter().map(halves).unzip();
    let said = ChunkBody { choices: said, ..head.clone() };
    head.extra.shift_remove(SearchNote::FIELD);
    let usage = usage.map(|usage| ChunkBody { usage: Some(usage), ..head.clone() });
    let ended = ChunkBody { choices: ended, ..head };
    let chunks = [Some(said), Some(ended), usage].into_iter().flatten();
    Ok(chunks.map(|body| ChatItem::Chunk(Chunk::from(body))).collect())
}

fn split(completion: Completion) -> Result<VecDeque<ChatItem>> {
    let body = CompletionBody { usage: None, ..completion.into_body()? };
    split_with_usage(Completion::from(body))
}

fn halves(choice: Choice) -> (ChunkChoice, ChunkChoice) {
    let Choice { index, message, finish_reason, logprobs, extra } = choice;
    let said = ChunkChoice { index, delta: message.into(), logprobs, ..ChunkChoice::default() };
    (said, ChunkChoice { index, finish_reason, extra, ..ChunkChoice::default() })
}

impl From<AssistantMessage> for Delta {
    fn from(message: AssistantMessage) -> Self {
        let calls = message.tool_calls.filter(|calls| !calls.is_empty());
        Self {
            role: Some(message.role),
            content: message.content,
            reasoning_content: message.reasoning_content,
            refusal: message.refusal,
            tool_calls: calls.map(|calls| (0..).zip(calls).map(ToolCallDelta::from).collect()),
            extra: message.extra,
        }
    }
}

impl From<(u32, ToolCall)> for ToolCallDelta {
    fn from((index, call): (u32, ToolCall)) -> Self {
        let FunctionCall { name, arguments, .. } = call.function;
        Self {
            index,
            id: Some(call.id),
            kind: Some(call.kind),
            function: Some(FunctionDelta { name: Some(name), arguments: Some(arguments) }),
            extra: call.extra,
        }
    }
}
