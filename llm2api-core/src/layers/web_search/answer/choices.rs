//! The choices of a streamed answer, and what each has gained.

use std::collections::BTreeMap;

use serde_json::Value;

use super::annotations::Gains;

/// The choices that have begun.
pub(super) struct Choices {
    sources: usize,
    begun: BTreeMap<u32, Begun>,
}

struct Begun {
    /// Whether the client knows who speaks.
    named: bool,
    /// None where the choice is over.
    gains: Option<Gains>,
}

impl Choices {
    /// Begins before an answer that may cite so many sources.
    pub(super) fn new(sources: usize) -> Self {
        Self { sources, begun: BTreeMap::new() }
    }

    /// Begins a choice; says whether it had not begun before.
    pub(super) fn open(&mut self, index: u32) -> bool {
        let new = !self.begun.contains_key(&index);
        if new {
            let gains = Some(Gains::new(self.sources));
            self.begun.insert(index, Begun { named: false, gains });
        }
        new
    }

    /// Notes that a chunk names who speaks in a choice.
    pub(super) fn name(&mut self, index: u32) {
        if let Some(begun) = self.begun.get_mut(&index) {
            begun.named = true;
        }
    }

    /// Says whether a chunk has named who speaks in a choice.
    pub(super) fn is_named(&self, index: u32) -> bool {
        self.begun.get(&index).is_some_and(|begun| begun.named)
    }

    /// Reads what a choice says.
    pub(super) fn say(&mut self, index: u32, text: &str) {
        if let Some(gains) = self.gains(index) {
            gains.said.push(text);
        }
    }

    /// Holds annotations of the upstream back; those of a choice that is over come too late.
    pub(super) fn hold(&mut self, index: u32, own: Vec<Value>) {
        if let Some(gains) = self.gains(index) {
            gains.hold(own);
        }
    }

    /// Ends a choice, once.
    pub(super) fn end(&mut self, index: u32) -> Option<Gains> {
        self.begun.get_mut(&index)?.gains.take()
    }

    /// Lists the choices that have not ended.
    pub(super) fn left(&self) -> Vec<u32> {
        let left = self.begun.iter().filter(|(_, begun)| begun.gains.is_some());
        left.map(|(index, _)| *index).collect()
    }

    fn gains(&mut self, index: u32) -> Option<&mut Gains> {
        self.begun.get_mut(&index)?.gains.as_mut()
    }
}
