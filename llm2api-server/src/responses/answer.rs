//! The response object.

use llm2api_core::{FinishReason, Usage};
use serde::Serialize;

use super::echo::Echo;
use super::output::{Item, Shape, Status};
use super::request::Request;
use crate::clock::unix_seconds;
use crate::dialect::{Blocks, new_id};
use crate::openai::error::Failure;

/// What all states of one response have in common.
#[derive(Debug)]
pub(crate) struct Template {
    id: String,
    model: String,
    created_at: u64,
    /// The JSON of what is told back, ready to be appended.
    echo: Vec<u8>,
    pub(super) shape: Shape,
}

/// The part of a response that changes.
#[derive(Debug, Serialize)]
struct Head<'a> {
    id: &'a str,
    object: &'static str,
    created_at: u64,
    status: Status,
    completed_at: Option<u64>,
    error: Option<Fault<'a>>,
    incomplete_details: Option<Incomplete>,
    model: &'a str,
    output: Vec<Item<'a>>,
    usage: Option<Counts>,
}

#[derive(Debug, Serialize)]
struct Incomplete {
    reason: &'static str,
}

/// The codes are a closed list; our own, which says more, stands beside it.
#[derive(Debug, Serialize)]
struct Fault<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Debug, Serialize)]
struct Counts {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
    #[serde(rename = "llm2api_estimated", skip_serializing_if = "std::ops::Not::not")]
    estimated: bool,
}

#[derive(Debug, Serialize)]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Debug, Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

impl Template {
    /// Notes what the answer to a request tells back.
    pub(super) fn of(request: &Request) -> Result<Self, Failure> {
        let id = new_id("resp")?;
        let summary = request.reasoning.as_ref().is_some_and(|wanted| wanted.summary.is_some());
        let echo = serde_json::to_vec(&Echo::of(request)).map_err(|_| Failure::internal())?;
        let (shape, model) = (Shape::new(&id, summary), request.model.clone());
        Ok(Self { id, model, created_at: unix_seconds(), echo, shape })
    }

    /// Says how many bytes it holds.
    pub(crate) fn size(&self) -> usize {
        self.echo.len()
    }

    /// Writes a whole answer.
    pub(crate) fn whole(&self, blocks: &Blocks) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::with_capacity(1024 + self.echo.len());
        let status = status(blocks).ok_or_else(Failure::unfinished)?;
        self.write_ended(status, blocks, &mut body);
        Ok(body)
    }

    /// Appends a response that has only begun.
    pub(super) fn write_begun(&self, out: &mut Vec<u8>) {
        self.write(&self.head(Status::InProgress), out);
    }

    /// Appends one that has ended.
    pub(super) fn write_ended(&self, status: Status, blocks: &Blocks, out: &mut Vec<u8>) {
        let row = blocks.row();
        let last = row.len().saturating_sub(1);
        let output = row.iter().enumerate().map(|(at, block)| {
            let cut = status == Status::Incomplete && at == last;
            let status = if cut { Status::Incomplete } else { Status::Completed };
            self.shape.whole(block, at, status)
        });
        let head = Head {
            completed_at: (status == Status::Completed).then(unix_seconds),
            incomplete_details: (status == Status::Incomplete).then(|| incomplete(blocks)),
            output: output.collect(),
            usage: blocks.usage.as_ref().map(Counts::from),
            ..self.head(status)
        };
        self.write(&head, out);
    }

    /// Appends one that has failed.
    pub(super) fn write_failed(&self, failure: &Failure, out: &mut Vec<u8>) {
        let code = match failure.status() {
            429 => "rate_limit_exceeded",
            400..=499 => "invalid_prompt",
            _ => "server_error",
        };
        let error = Some(Fault { code, message: failure.message(), kind: failure.code() });
        self.write(&Head { error, ..self.head(Status::Failed) }, out);
    }

    fn head(&self, status: Status) -> Head<'_> {
        Head {
            id: &self.id,
            object: "response",
            created_at: self.created_at,
            status,
            completed_at: None,
            error: None,
            incomplete_details: None,
            model: &self.model,
            output: Vec::new(),
            usage: None,
        }
    }

    /// Joins the two objects to one.
    fn write(&self, head: &Head<'_>, out: &mut Vec<u8>) {
        serde_json::to_writer(&mut *out, head)
            .expect("a Vec takes every byte, and a response has string keys only");
        out.pop();
        out.push(b',');
        out.extend_from_slice(&self.echo[1..]);
    }
}

/// Says how an answer ended. Without a word of the upstream it has not.
pub(super) fn status(blocks: &Blocks) -> Option<Status> {
    match blocks.finish? {
        FinishReason::Length | FinishReason::ContentFilter => Some(Status::Incomplete),
        _ => Some(Status::Completed),
    }
}

fn incomplete(blocks: &Blocks) -> Incomplete {
    let filtered = blocks.finish == Some(FinishReason::ContentFilter);
    Incomplete { reason: if filtered { "content_filter" } else { "max_output_tokens" } }
}

impl From<&Usage> for Counts {
    fn from(usage: &Usage) -> Self {
        let detail = |group: &str, name: &str| {
            let group = usage.extra.get(group);
            group.and_then(|group| group.get(name)?.as_u64()).unwrap_or(0)
        };
        let cached_tokens = detail("prompt_tokens_details", "cached_tokens");
        let reasoning_tokens = detail("completion_tokens_details", "reasoning_tokens");
        Self {
            input_tokens: usage.prompt_tokens,
            input_tokens_details: InputDetails { cached_tokens, cache_write_tokens: 0 },
            output_tokens: usage.completion_tokens,
            output_tokens_details: OutputDetails { reasoning_tokens },
            total_tokens: usage.total_tokens,
            estimated: usage.estimated,
        }
    }
}
