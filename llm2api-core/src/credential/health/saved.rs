//! Health on its way into a store and out of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Health, Rest, State, reason};
use crate::error::ErrorKind;

/// Dates that differ by less are the same: clocks of servers do.
const SAME_MS: u64 = 1000;

/// Health as it is kept, with a date in place of an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SavedHealth {
    /// Proven dead; left by a successful check only.
    pub invalid: bool,
    /// Milliseconds since 1970 until which it rests.
    pub until_ms: Option<u64>,
    /// Why it is out.
    pub reason: Option<String>,
    /// How often in a row it had to rest.
    pub strikes: u32,
}

impl Health {
    /// Returns what is kept of it. `now` and `now_ms` are the same instant on two clocks.
    pub fn save(&self, now: Instant, now_ms: u64) -> SavedHealth {
        let (invalid, until, reason) = match &self.state {
            State::Active => (false, None, None),
            State::Rests(rest) => {
                let left = rest.until.saturating_duration_since(now).as_millis();
                let until = now_ms.saturating_add(u64::try_from(left).unwrap_or(u64::MAX));
                (false, Some(until), Some(rest.reason.to_string()))
            }
            State::Invalid(reason) => (true, None, Some(reason.to_string())),
        };
        SavedHealth { invalid, until_ms: until, reason, strikes: self.strikes }
    }

    /// Says whether what was kept is no news: it knows less than this does.
    pub fn agrees(&self, saved: &SavedHealth, now: Instant, now_ms: u64) -> bool {
        let own = self.save(now, now_ms);
        let same_end = match (own.until_ms, saved.until_ms) {
            (Some(own), Some(other)) => own.abs_diff(other) < SAME_MS || own.max(other) <= now_ms,
            (own, other) => own == other,
        };
        let SavedHealth { invalid, reason, strikes, .. } = own;
        same_end && (invalid, &reason, strikes) == (saved.invalid, &saved.reason, saved.strikes)
    }

    /// Says whether this is a limit that holds longer than what was kept, which is a limit too: no
    /// evidence but the operator's word makes a limit shorter.
    pub fn outlasts(&self, saved: &SavedHealth, now: Instant, now_ms: u64) -> bool {
        let own = self.save(now, now_ms);
        let limits = [ErrorKind::RateLimited, ErrorKind::QuotaExhausted].map(reason);
        let is_limit = |saved: &SavedHealth| {
            !saved.invalid && saved.reason.as_deref().is_some_and(|why| limits.contains(&why))
        };
        is_limit(&own) && is_limit(saved) && own.until_ms > saved.until_ms
    }

    /// Takes up what was kept. A clock that was set back cannot make a rest longer than `longest`.
    pub fn restore(&mut self, saved: &SavedHealth, now: Instant, now_ms: u64, longest: Duration) {
        let reason = || saved.reason.clone().unwrap_or_default().into();
        self.strikes = saved.strikes;
        self.state = match saved.until_ms {
            _ if saved.invalid => State::Invalid(reason()),
            None => State::Active,
            Some(until) => {
                let left = Duration::from_millis(until.saturating_sub(now_ms)).min(longest);
                State::Rests(Rest { since: now, until: now + left, reason: reason() })
            }
        };
    }
}
