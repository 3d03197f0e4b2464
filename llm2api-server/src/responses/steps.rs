//! The events of one item of an answer.

use serde::Serialize;

use super::output::{Item, Part, Shape, Status};
use crate::dialect::{Block, Kind};
use crate::sse::write_named;

/// An event about an item; which fields there are depends on its type.
#[derive(Debug, Default, Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence_number: u64,
    output_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Part<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<[(); 0]>,
}

/// The names of the events of one kind of block; a call has no parts.
struct Names {
    part_added: &'static str,
    delta: &'static str,
    done: &'static str,
    part_done: &'static str,
}

const ITEM_ADDED: &str = "response.output_item.added";
const ITEM_DONE: &str = "response.output_item.done";
const PART_ADDED: &str = "response.content_part.added";
const PART_DONE: &str = "response.content_part.done";

const TEXT: Names = Names {
    part_added: PART_ADDED,
    delta: "response.output_text.delta",
    done: "response.output_text.done",
    part_done: PART_DONE,
};
const REFUSAL: Names = Names {
    part_added: PART_ADDED,
    delta: "response.refusal.delta",
    done: "response.refusal.done",
    part_done: PART_DONE,
};
const REASONING: Names = Names {
    part_added: PART_ADDED,
    delta: "response.reasoning_text.delta",
    done: "response.reasoning_text.done",
    part_done: PART_DONE,
};
const SUMMARY: Names = Names {
    part_added: "response.reasoning_summary_part.added",
    delta: "response.reasoning_summary_text.delta",
    done: "response.reasoning_summary_text.done",
    part_done: "response.reasoning_summary_part.done",
};
const CALL: Names = Names {
    part_added: "",
    delta: "response.function_call_arguments.delta",
    done: "response.function_call_arguments.done",
    part_done: "",
};

/// Writes the events of one block, numbered on from `number`.
pub(super) struct Teller<'a> {
    pub(super) shape: &'a Shape,
    pub(super) block: &'a Block,
    pub(super) at: usize,
    pub(super) number: &'a mut u64,
    pub(super) out: &'a mut Vec<u8>,
}

impl<'a> Teller<'a> {
    /// Tells that the block begins.
    pub(super) fn begin(&mut self) {
        let item = Some(self.shape.begun(self.block, self.at));
        self.write(Event { kind: ITEM_ADDED, item, ..Event::default() });
        if let Some(part) = self.part("") {
            let kind = self.names().part_added;
            self.write(Event { part: Some(part), ..self.within(kind) });
        }
    }

    /// Tells what it gained.
    pub(super) fn grow(&mut self, delta: &'a str) {
        let logprobs = self.logprobs();
        let kind = self.names().delta;
        self.write(Event { delta: Some(delta), logprobs, ..self.within(kind) });
    }

    /// Tells that it ends.
    pub(super) fn end(&mut self, status: Status) {
        let whole = Some(self.block.text.as_str());
        let event = Event { logprobs: self.logprobs(), ..self.within(self.names().done) };
        self.write(match self.block.kind {
            Kind::Refusal => Event { refusal: whole, ..event },
            Kind::Call { .. } => Event { arguments: whole, ..event },
            Kind::Text | Kind::Reasoning => Event { text: whole, ..event },
        });
        if let Some(part) = self.part(&self.block.text) {
            let kind = self.names().part_done;
            self.write(Event { part: Some(part), ..self.within(kind) });
        }
        let item = Some(self.shape.whole(self.block, self.at, status));
        self.write(Event { kind: ITEM_DONE, item, ..Event::default() });
    }

    fn names(&self) -> Names {
        match self.block.kind {
            Kind::Text => TEXT,
            Kind::Refusal => REFUSAL,
            Kind::Reasoning if self.shape.is_summary() => SUMMARY,
            Kind::Reasoning => REASONING,
            Kind::Call { .. } => CALL,
        }
    }

    fn part(&self, text: &'a str) -> Option<Part<'a>> {
        let has_parts = !matches!(self.block.kind, Kind::Call { .. });
        has_parts.then(|| self.shape.part(self.block, text))
    }

    fn logprobs(&self) -> Option<[(); 0]> {
        (self.block.kind == Kind::Text).then_some([])
    }

    /// An event about what is inside of the item.
    fn within(&self, kind: &'static str) -> Event<'a> {
        let item_id = Some(self.shape.id(self.block, self.at));
        let event = Event { kind, item_id, ..Event::default() };
        match self.block.kind {
            Kind::Call { .. } => event,
            Kind::Reasoning if self.shape.is_summary() => Event { summary_index: Some(0), ..event },
            _ => Event { content_index: Some(0), ..event },
        }
    }

    fn write(&mut self, event: Event<'_>) {
        let event = Event { sequence_number: *self.number, output_index: self.at, ..event };
        *self.number += 1;
        write_named(event.kind, &event, self.out);
    }
}
