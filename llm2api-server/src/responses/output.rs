//! The items of an answer.

use serde::Serialize;

use crate::dialect::{Block, Kind};

/// How far a response or an item has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    InProgress,
    Completed,
    Incomplete,
    Failed,
}

/// An item of an answer: one a block.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message {
        id: String,
        status: Status,
        role: &'static str,
        content: Vec<Part<'a>>,
    },
    Reasoning {
        id: String,
        status: Status,
        summary: Vec<Part<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<Vec<Part<'a>>>,
    },
    FunctionCall {
        id: String,
        status: Status,
        call_id: String,
        name: &'a str,
        arguments: &'a str,
    },
}

/// A part of an item.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    OutputText { annotations: [(); 0], logprobs: [(); 0], text: &'a str },
    Refusal { refusal: &'a str },
    ReasoningText { text: &'a str },
    SummaryText { text: &'a str },
}

/// Names and shapes the items of one answer.
#[derive(Debug)]
pub(super) struct Shape {
    /// The part of the answer's id that its items share.
    stem: String,
    /// Whether reasoning is shown as its summary: clients that ask for one show that, and nothing
    /// else.
    summary: bool,
}

impl Shape {
    pub(super) fn new(response_id: &str, summary: bool) -> Self {
        Self { stem: response_id.trim_start_matches("resp_").to_owned(), summary }
    }

    pub(super) fn is_summary(&self) -> bool {
        self.summary
    }

    /// Returns the id of the item at a place.
    pub(super) fn id(&self, block: &Block, at: usize) -> String {
        let prefix = match block.kind {
            Kind::Reasoning => "rs",
            Kind::Text | Kind::Refusal => "msg",
            Kind::Call { .. } => "fc",
        };
        format!("{prefix}_{}_{at}", self.stem)
    }

    /// Shows an item that has only begun.
    pub(super) fn begun<'a>(&self, block: &'a Block, at: usize) -> Item<'a> {
        self.item(block, at, Status::InProgress, None)
    }

    /// Shows an item as a whole.
    pub(super) fn whole<'a>(&self, block: &'a Block, at: usize, status: Status) -> Item<'a> {
        self.item(block, at, status, Some(self.part(block, &block.text)))
    }

    /// Shows the part that an item of this kind has; calls have none.
    pub(super) fn part<'a>(&self, block: &Block, text: &'a str) -> Part<'a> {
        match block.kind {
            Kind::Reasoning if self.summary => Part::SummaryText { text },
            Kind::Reasoning => Part::ReasoningText { text },
            Kind::Refusal => Part::Refusal { refusal: text },
            Kind::Text | Kind::Call { .. } => {
                Part::OutputText { annotations: [], logprobs: [], text }
            }
        }
    }

    fn item<'a>(
        &self,
        block: &'a Block,
        at: usize,
        status: Status,
        part: Option<Part<'a>>,
    ) -> Item<'a> {
        let id = self.id(block, at);
        let arguments = if part.is_some() { block.text.as_str() } else { "" };
        let parts: Vec<_> = part.into_iter().collect();
        match &block.kind {
            Kind::Text | Kind::Refusal => {
                Item::Message { id, status, role: "assistant", content: parts }
            }
            Kind::Reasoning if self.summary => {
                Item::Reasoning { id, status, summary: parts, content: None }
            }
            Kind::Reasoning => {
                Item::Reasoning { id, status, summary: Vec::new(), content: Some(parts) }
            }
            Kind::Call { id: call, name } => {
                let call_id = if call.is_empty() { call_id(&id) } else { call.clone() };
                Item::FunctionCall { id, status, call_id, name, arguments }
            }
        }
    }
}

/// Where the upstream gave none; a client needs some id to answer with.
fn call_id(item: &str) -> String {
    format!("call_{}", item.trim_start_matches("fc_"))
}
