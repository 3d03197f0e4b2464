//! Calls that may begin in any minute: pure, with the time given.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

const LENGTH: Duration = Duration::from_secs(60);

/// The calls that began within the last minute.
#[derive(Clone, Debug, Default)]
pub(super) struct Minute {
    began: VecDeque<Instant>,
}

impl Minute {
    /// Says whether one of `limit` calls may still begin.
    pub(super) fn has_room(&mut self, limit: u32, now: Instant) -> bool {
        self.began.retain(|at| now.duration_since(*at) < LENGTH);
        self.count() < limit
    }

    /// Counts a call that begins; says no where the minute is full.
    pub(super) fn begin(&mut self, limit: u32, now: Instant) -> bool {
        let has_room = self.has_room(limit, now);
        if has_room {
            self.began.push_back(now);
        }
        has_room
    }

    /// Takes back that a call has begun.
    pub(super) fn take_back(&mut self) {
        self.began.pop_back();
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.began.len()).unwrap_or(u32::MAX)
    }

    /// Returns when a full minute has room again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.began.front().map(|first| *first + LENGTH)
    }
}
