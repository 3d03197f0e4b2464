//! The annotations of a choice, within bounds.

use serde_json::Value;

use crate::search::Citations;

/// Bytes that the annotations of a choice take at most, as JSON: a line of a stream has to hold them.
pub(super) const MOST_BYTES: usize = 64 * 1024;

/// What the annotations of a choice are made of.
pub(super) struct Gains {
    /// What it has said.
    pub(super) said: Citations,
    /// Annotations that the upstream made itself.
    pub(super) own: Vec<Value>,
    room: usize,
}

impl Gains {
    /// Begins before a text that may cite so many sources.
    pub(super) fn new(sources: usize) -> Self {
        let room = MOST_BYTES - "[]".len();
        Self { said: Citations::new(sources), own: Vec::new(), room }
    }

    /// Holds annotations of the upstream back, those for which there is room.
    pub(super) fn hold(&mut self, own: Vec<Value>) {
        let own = self.fitting(own);
        self.own.extend(own);
    }

    /// Keeps the annotations for which there is room.
    pub(super) fn fitting(&mut self, mut annotations: Vec<Value>) -> Vec<Value> {
        annotations.retain(|annotation| {
            let rest = self.room.checked_sub(annotation.to_string().len() + ",".len());
            self.room = rest.unwrap_or(self.room);
            rest.is_some()
        });
        annotations
    }
}
