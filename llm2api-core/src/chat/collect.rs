//! From a stream to a whole answer, and back.

use std::collections::VecDeque;

use futures::StreamExt;

use super::{
    AssistantMessage, ChatItem, ChatStream, Choice, Chunk, ChunkBody, ChunkChoice, Completion,
    CompletionBody, Delta, FunctionCall, FunctionDelta, ToolCall, ToolCallDelta,
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
        let mut body: Option<CompletionBody> = None;
        while let Some(item) = self.next().await {
            match item? {
                ChatItem::Whole(completion) => return self.drain(*completion).await,
                ChatItem::Chunk(chunk) => {
                    let chunk = chunk.into_body();
                    body.get_or_insert_with(|| start(&chunk)).add(chunk);
                }
            }
        }
        body.map(Completion::from).ok_or_else(|| {
            Error::new(ErrorKind::UpstreamProtocol, "collect", "the upstream's answer is empty")
        })
    }

    /// Returns the answer in pieces, also where the upstream gave it whole; its token counts, if
    /// any, become a last chunk where `usage` asks for one.
    #[must_use]
    pub fn into_chunks(self, usage: bool) -> Self {
        self.with_split(if usage { split_with_usage } else { split })
    }

    /// Polls to the end, so that those who watch see a completed answer.
    async fn drain(mut self, completion: Completion) -> Result<Completion> {
        while let Some(item) = self.next().await {
            item?;
        }
        Ok(completion)
    }
}

fn start(chunk: &ChunkBody) -> CompletionBody {
    CompletionBody {
        id: chunk.id.clone(),
        created: chunk.created,
        model: chunk.model.clone(),
        ..CompletionBody::default()
    }
}

impl CompletionBody {
    fn add(&mut self, chunk: ChunkBody) {
        if chunk.usage.is_some() {
            self.usage = chunk.usage;
        }
        self.extra.extend(chunk.extra);
        for choice in chunk.choices {
            self.choice(choice.index).add(choice);
        }
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let at = self.choices.iter().position(|choice| choice.index == index);
        let at = at.unwrap_or_else(|| {
            let at = self.choices.partition_point(|choice| choice.index < index);
            self.choices.insert(at, Choice { index, ..Choice::default() });
            at
        });
        &mut self.choices[at]
    }
}

impl Choice {
    fn add(&mut self, choice: ChunkChoice) {
        self.finish_reason = choice.finish_reason.or(self.finish_reason);
        if choice.logprobs.is_some() {
            self.logprobs = choice.logprobs;
        }
        self.message.add(choice.delta);
    }
}

impl AssistantMessage {
    fn add(&mut self, delta: Delta) {
        append(&mut self.content, delta.content);
        append(&mut self.reasoning_content, delta.reasoning_content);
        append(&mut self.refusal, delta.refusal);
        self.extra.extend(delta.extra);
        for call in delta.tool_calls.into_iter().flatten() {
            self.add_call(call);
        }
    }

    fn add_call(&mut self, delta: ToolCallDelta) {
        let calls = self.tool_calls.get_or_insert_default();
        let at = delta.index as usize;
        // A wild index must not make us allocate: a gap is closed.
        let at = at.min(calls.len());
        if at == calls.len() {
            calls.push(ToolCall { kind: "function".into(), ..ToolCall::default() });
        }
        let call = &mut calls[at];
        call.id.push_str(&delta.id.unwrap_or_default());
        let function = delta.function.unwrap_or_default();
        call.function.name.push_str(&function.name.unwrap_or_default());
        call.function.arguments.push_str(&function.arguments.unwrap_or_default());
        call.extra.extend(delta.extra);
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
fn split_with_usage(completion: Completion) -> VecDeque<ChatItem> {
    let CompletionBody { id, created, model, choices, usage, extra, .. } = completion.into_body();
    let head = ChunkBody { id, created, model, extra, ..ChunkBody::default() };
    let (said, ended) = choices.into_iter().map(halves).unzip();
    let usage = usage.map(|usage| ChunkBody { usage: Some(usage), ..head.clone() });
    let said = ChunkBody { choices: said, ..head.clone() };
    let ended = ChunkBody { choices: ended, ..head };
    let chunks = [Some(said), Some(ended), usage].into_iter().flatten();
    chunks.map(|body| ChatItem::Chunk(Chunk::from(body))).collect()
}

fn split(mut completion: Completion) -> VecDeque<ChatItem> {
    completion.body_mut().usage = None;
    split_with_usage(completion)
}

fn halves(choice: Choice) -> (ChunkChoice, ChunkChoice) {
    let Choice { index, message, finish_reason, logprobs, .. } = choice;
    let said = ChunkChoice { index, delta: message.into(), logprobs, ..ChunkChoice::default() };
    (said, ChunkChoice { index, finish_reason, ..ChunkChoice::default() })
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
        let FunctionCall { name, arguments } = call.function;
        Self {
            index,
            id: Some(call.id),
            kind: Some(call.kind),
            function: Some(FunctionDelta { name: Some(name), arguments: Some(arguments) }),
            extra: call.extra,
        }
    }
}
