//! A whole answer, and the parts that streams share with it.

use std::borrow::Cow;

use llm2api_core::{Error, ErrorKind, FinishReason, Usage};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::dialect::{Block, Blocks, Kind};
use crate::openai::error::Failure;

/// A message of the model.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    pub(super) id: &'a str,
    #[serde(rename = "type")]
    pub(super) tag: &'static str,
    pub(super) role: &'static str,
    pub(super) model: &'a str,
    pub(super) content: Vec<Content<'a>>,
    #[serde(flatten)]
    pub(super) end: End<'a>,
    pub(super) usage: Counts,
}

/// Why it ended; both are empty while it goes on.
#[derive(Debug, Default, Serialize)]
pub(super) struct End<'a> {
    stop_reason: Option<&'static str>,
    stop_sequence: Option<&'a str>,
}

/// A block of an answer.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content<'a> {
    Text { text: &'a str },
    Thinking { thinking: &'a str, signature: &'static str },
    ToolUse { id: Cow<'a, str>, name: &'a str, input: Box<RawValue> },
}

/// What it took. What was read from a cache does not count as input in this dialect.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Counts {
    input_tokens: u64,
    output_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    #[serde(rename = "llm2api_estimated", skip_serializing_if = "std::ops::Not::not")]
    estimated: bool,
}

impl Counts {
    /// Makes the figures of an answer of which only the prompt is known, and that by estimate.
    pub(super) fn guess(prompt: u64) -> Self {
        Self { input_tokens: prompt, estimated: true, ..Self::default() }
    }
}

impl From<&Usage> for Counts {
    fn from(usage: &Usage) -> Self {
        let details = usage.extra.get("prompt_tokens_details");
        let cached = details.and_then(|details| details.get("cached_tokens")?.as_u64());
        let cached = cached.unwrap_or(0).min(usage.prompt_tokens);
        Self {
            input_tokens: usage.prompt_tokens - cached,
            output_tokens: usage.completion_tokens,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: cached,
            estimated: usage.estimated,
        }
    }
}

/// Writes a whole answer.
pub(crate) fn whole(
    id: &str,
    model: &str,
    blocks: &Blocks,
    stop_sequences: &[String],
) -> Result<Vec<u8>, Failure> {
    let each = blocks.row().iter().enumerate().filter(|(at, _)| !is_cut(blocks, *at));
    let content = each.map(|(at, block)| Content::of(block, id, at)).collect::<Result<_, _>>()?;
    let end = End::of(blocks, stop_sequences)?;
    let usage = blocks.usage.as_ref().map(Counts::from).unwrap_or_default();
    let message = Message { id, tag: "message", role: "assistant", model, content, end, usage };
    let mut body = Vec::with_capacity(1024);
    serde_json::to_writer(&mut body, &message)
        .expect("a Vec takes every byte, and a message has string keys only");
    Ok(body)
}

impl<'a> Content<'a> {
    /// Shows a block as a whole.
    fn of(block: &'a Block, id: &str, at: usize) -> Result<Self, Failure> {
        Ok(match &block.kind {
            Kind::Reasoning => Self::Thinking { thinking: &block.text, signature: "" },
            Kind::Text | Kind::Refusal => Self::Text { text: &block.text },
            Kind::Call { name, .. } => {
                Self::ToolUse { id: call_id(block, id, at), name, input: input(&block.text)? }
            }
        })
    }

    /// Shows a block that has only begun.
    pub(super) fn begun(block: &'a Block, id: &str, at: usize) -> Self {
        match &block.kind {
            Kind::Reasoning => Self::Thinking { thinking: "", signature: "" },
            Kind::Text | Kind::Refusal => Self::Text { text: "" },
            Kind::Call { name, .. } => {
                Self::ToolUse { id: call_id(block, id, at), name, input: nothing() }
            }
        }
    }
}

/// Says whether a call was cut: the last one of an answer that a limit or a filter has ended.
///
/// Nobody can run it, and the reason of the end tells why it is not whole.
pub(super) fn is_cut(blocks: &Blocks, at: usize) -> bool {
    let early = matches!(blocks.finish, Some(FinishReason::Length | FinishReason::ContentFilter));
    let last = blocks.row().get(at).filter(|_| at + 1 == blocks.row().len());
    early
        && last.is_some_and(|block| {
            let called = matches!(block.kind, Kind::Call { .. });
            called && (block.text.trim().is_empty() || input(&block.text).is_err())
        })
}

/// The id that the upstream gave; a client needs some id to answer with.
fn call_id<'a>(block: &'a Block, message: &str, at: usize) -> Cow<'a, str> {
    match &block.kind {
        Kind::Call { id, .. } if !id.is_empty() => Cow::Borrowed(id),
        _ => Cow::Owned(format!("toolu_{}_{at}", message.trim_start_matches("msg_"))),
    }
}

/// The arguments of a call, which must be an object here.
pub(super) fn input(arguments: &str) -> Result<Box<RawValue>, Failure> {
    let arguments = arguments.trim();
    if arguments.is_empty() {
        return Ok(nothing());
    }
    let object = arguments.starts_with('{');
    let input = object.then(|| serde_json::from_str(arguments).ok()).flatten();
    input.ok_or_else(|| {
        let message = "the model called a tool with arguments that are no JSON object";
        Error::new(ErrorKind::UpstreamProtocol, "read answer", message).into()
    })
}

fn nothing() -> Box<RawValue> {
    RawValue::from_string("{}".into()).expect("braces are an object")
}

impl<'a> End<'a> {
    /// Tells why an answer ended. Without a word of the upstream it has not.
    pub(super) fn of(blocks: &'a Blocks, stop_sequences: &[String]) -> Result<Self, Failure> {
        let finish = blocks.finish.ok_or_else(Failure::unfinished)?;
        let called = blocks.row().iter().any(|block| matches!(block.kind, Kind::Call { .. }));
        let refused = blocks.row().iter().any(|block| block.kind == Kind::Refusal);
        let met = blocks.stop.as_deref();
        let met = met.filter(|met| stop_sequences.iter().any(|stop| stop == met));
        let reason = match finish {
            FinishReason::Length => "max_tokens",
            FinishReason::ContentFilter => "refusal",
            FinishReason::ToolCalls | FinishReason::FunctionCall => "tool_use",
            _ if called => "tool_use",
            _ if refused => "refusal",
            _ if met.is_some() => "stop_sequence",
            _ => "end_turn",
        };
        let stop_sequence = met.filter(|_| reason == "stop_sequence");
        Ok(Self { stop_reason: Some(reason), stop_sequence })
    }
}
