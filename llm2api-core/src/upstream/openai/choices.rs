//! What must be known of each choice while its answer streams.

use std::collections::BTreeMap;

use super::reasoning;
use super::slots::{Slots, new_id};
use super::view::{ChoicesView, bit};
use crate::adapt::{ThinkSplitter, Thought};
use crate::chat::{ChunkBody, ChunkChoice, CompletionBody, Delta};

/// The choices of one streamed answer.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// Those whose text can hold no reasoning any more.
    decided: u64,
    /// Those whose text is being split.
    split: u64,
    each: BTreeMap<u32, Choice>,
}

#[derive(Debug, Default)]
struct Choice {
    splitter: ThinkSplitter,
    slots: Slots,
}

impl Choices {
    /// Says whether a chunk may have to be changed. Most chunks carry text in a choice whose text
    /// began without a tag, and need nothing.
    pub(super) fn need_a_look(&mut self, view: ChoicesView) -> bool {
        // Text that begins with no tag decides, unless some of it is held back already.
        self.decided |= view.text & !view.lead & !self.split;
        let reasons = view.renamed || view.seen & self.split != 0;
        let begins = view.lead & !self.decided != 0;
        reasons || begins || self.calls_need_a_look(view)
    }

    fn calls_need_a_look(&self, view: ChoicesView) -> bool {
        if view.calls.numbers == 0 && !view.calls.named {
            return false;
        }
        let index = view.seen.trailing_zeros();
        let choice = self.each.get(&index).filter(|_| view.seen.is_power_of_two());
        !choice.is_some_and(|choice| choice.slots.are_plain(view.calls))
    }

    /// Takes reasoning out of text, gives it our name, and numbers the calls; says whether that
    /// changed anything.
    pub(super) fn mend(&mut self, body: &mut ChunkBody) -> bool {
        let mut changed = false;
        for choice in &mut body.choices {
            changed |= reasoning::rename(&mut choice.delta.reasoning_content, &choice.delta.extra);
            changed |= self.split(choice);
            changed |= self.place(choice);
        }
        changed
    }

    fn split(&mut self, choice: &mut ChunkChoice) -> bool {
        let bit = bit(choice.index);
        let text = choice.delta.content.take_if(|text| !text.is_empty());
        let begun = self.split & bit != 0;
        if self.decided & bit != 0 || (text.is_none() && !begun) {
            choice.delta.content = text.or(choice.delta.content.take());
            return false;
        }
        let ends = choice.finish_reason.is_some();
        let splitter = &mut self.each.entry(choice.index).or_default().splitter;
        let mut thoughts: Vec<_> = splitter.push(text.as_deref().unwrap_or_default()).collect();
        if ends {
            thoughts.extend(splitter.finish());
        }
        let done = ends || splitter.is_done();
        self.decided |= if done { bit } else { 0 };
        self.split = if done { self.split & !bit } else { self.split | bit };
        put(&mut choice.delta, thoughts);
        choice.delta.content != text
    }

    fn place(&mut self, choice: &mut ChunkChoice) -> bool {
        let Some(calls) = &mut choice.delta.tool_calls else {
            return false;
        };
        let slots = &mut self.each.entry(choice.index).or_default().slots;
        calls.iter_mut().map(|call| slots.place(call)).fold(false, |all, changed| all | changed)
    }
}

fn put(delta: &mut Delta, thoughts: Vec<Thought>) {
    for thought in thoughts {
        let (field, piece) = match thought {
            Thought::Reasoning(piece) => (&mut delta.reasoning_content, piece),
            Thought::Text(piece) => (&mut delta.content, piece),
        };
        field.get_or_insert_default().push_str(&piece);
    }
}

/// Does the same to a whole answer.
pub(super) fn mend_whole(body: &mut CompletionBody) {
    for message in body.choices.iter_mut().map(|choice| &mut choice.message) {
        reasoning::rename(&mut message.reasoning_content, &message.extra);
        if let Some(text) = message.content.take() {
            let (thought, text) = whole(&text);
            if !thought.is_empty() {
                message.reasoning_content.get_or_insert_default().push_str(&thought);
            }
            message.content = Some(text);
        }
        for call in message.tool_calls.iter_mut().flatten() {
            // Only pieces of calls are numbered.
            call.extra.remove("index");
            if call.id.is_empty() {
                call.id = new_id();
            }
        }
    }
}

fn whole(text: &str) -> (String, String) {
    let mut splitter = ThinkSplitter::new();
    let mut both = (String::new(), String::new());
    let thoughts = splitter.push(text);
    for thought in thoughts.chain(splitter.finish()) {
        match thought {
            Thought::Reasoning(piece) => both.0.push_str(&piece),
            Thought::Text(piece) => both.1.push_str(&piece),
        }
    }
    both
}
