//! The choices of a streamed answer, and what each has said.

use std::collections::BTreeMap;

use crate::search::Citations;

/// The choices that have begun.
pub(super) struct Choices {
    sources: usize,
    /// What each has cited; none where it is over.
    begun: BTreeMap<u32, Option<Citations>>,
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
            self.begun.insert(index, Some(Citations::new(self.sources)));
        }
        new
    }

    /// Reads what a choice says.
    pub(super) fn say(&mut self, index: u32, text: &str) {
        if let Some(Some(citations)) = self.begun.get_mut(&index) {
            citations.push(text);
        }
    }

    /// Ends a choice, once.
    pub(super) fn end(&mut self, index: u32) -> Option<Citations> {
        self.begun.get_mut(&index)?.take()
    }

    /// Lists the choices that have not ended.
    pub(super) fn left(&self) -> Vec<u32> {
        let left = self.begun.iter().filter(|(_, citations)| citations.is_some());
        left.map(|(index, _)| *index).collect()
    }
}
