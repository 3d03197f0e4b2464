//! What the updates of a turn were so far, whatever they said.

use super::faults::incomplete;
use super::input::Ended;
use crate::error::Result;

/// How well the updates were understood, and how far they have come.
#[derive(Default)]
pub(super) struct Reading {
    /// At least one was an update.
    pub(super) understood: bool,
    /// At least one was none, or is missing.
    pub(super) broken: bool,
    /// The number of the last one, where they have numbers.
    pub(super) last: Option<u64>,
    /// How the record of the generation has ended, where it was read to its end.
    pub(super) ended: Option<Ended>,
}

impl Reading {
    /// Says whether what came are updates at all, as far as anything came.
    pub(super) fn is_readable(&self) -> bool {
        self.understood || !self.broken
    }

    /// Notes an update's number; says no to one that was read before. One that is missing may have
    /// been text.
    pub(super) fn is_next(&mut self, number: Option<u64>) -> bool {
        let Some(number) = number else { return true };
        let last = self.last.unwrap_or(0);
        if number <= last {
            return false;
        }
        self.broken |= number > last.saturating_add(1);
        self.last = Some(number);
        true
    }

    /// Where no final text proves the whole answer, every line must have been understood.
    pub(super) fn check(&self) -> Result<()> {
        match self.broken {
            true => Err(incomplete("upstream_incomplete", "a line of the answer was unreadable")),
            false => Ok(()),
        }
    }
}
