//! What follows from what an authority says: a state machine that reads no clock itself.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::status::AuthState;
use super::verify::{Denial, Grant, Verdict};

/// Between two checks while chats wait for a good one.
pub(super) const AGAIN: Duration = Duration::from_secs(10);
/// The longest wait between two checks while the authority is away and chats are served.
const LONGEST_AGAIN: Duration = Duration::from_secs(300);
/// Between two checks of a code that was refused, where there is no interval.
const REFUSED: Duration = Duration::from_secs(600);
/// The wall clock is looked at so often: machines sleep, and clocks jump.
pub(super) const LOOK: Duration = Duration::from_secs(60);
/// The shortest wait between two checks, whatever the interval.
const SHORTEST: Duration = Duration::from_secs(1);
/// As good as never, and still an instant that a timer takes.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Now, by both clocks: timers keep the one, and dates the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) at: Instant,
    /// Milliseconds since 1970.
    pub(super) wall: u64,
}

/// The figures that the operator sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Between two checks of a good code; only its expiry is watched where absent.
    pub(super) interval: Option<Duration>,
    /// How long the last good answer counts from the first failed check on.
    pub(super) grace: Duration,
}

/// What a restart must not forget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The last good answer.
    pub(super) grant: Grant,
    /// When the first check failed since, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failed_since: Option<u64>,
}

/// How a code stands.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    word: Word,
    failing: Option<Failing>,
    /// When it was last asked about, by the wall clock.
    last_check: Option<u64>,
    next: Option<Instant>,
}

/// The last definite word about a code.
#[derive(Clone, Debug)]
enum Word {
    Nothing,
    Good(Grant),
    Denied(Denial),
}

/// A row of checks that could not be made.
#[derive(Clone, Debug)]
struct Failing {
    /// Since when, in seconds since 1970.
    since: u64,
    /// How much time had passed since then before `at`.
    before: Duration,
    at: Instant,
    count: u32,
    reason: String,
}

impl Moment {
    pub(super) fn seconds(self) -> u64 {
        self.wall / 1000
    }

    /// Returns the time to a date; none where it has come.
    fn until(self, seconds: u64) -> Option<Duration> {
        let left = seconds.saturating_mul(1000).saturating_sub(self.wall);
        Some(Duration::from_millis(left)).filter(|left| !left.is_zero())
    }
}

impl Failing {
    fn new(now: Moment) -> Self {
        let since = now.seconds();
        Self { since, before: Duration::ZERO, at: now.at, count: 0, reason: String::new() }
    }

    /// Goes on with what an earlier process has begun.
    fn since(since: u64, now: Moment) -> Self {
        let before = Duration::from_secs(now.seconds().saturating_sub(since));
        Self { since, before, ..Self::new(now) }
    }

    /// Returns what is left of the grace; none where it is over by one of the clocks, so that it
    /// ends in time though the other stands still.
    fn left(&self, grace: Duration, now: Moment) -> Option<Duration> {
        let by_date = now.until(self.since.saturating_add(grace.as_secs()))?;
        let spent = self.before.saturating_add(now.at.saturating_duration_since(self.at));
        let by_timer = grace.checked_sub(spent).filter(|left| !left.is_zero())?;
        Some(by_date.min(by_timer))
    }

    /// Waits longer with each failure.
    fn pause(&self, terms: Terms) -> Duration {
        let longest = terms.interval.unwrap_or(LONGEST_AGAIN).min(LONGEST_AGAIN);
        AGAIN.saturating_mul(1 << self.count.saturating_sub(1).min(10)).min(longest)
    }
}

impl Standing {
    /// Begins with what was kept for this code, if anything was.
    pub(super) fn new(kept: Option<Kept>, now: Moment) -> Self {
        let since = kept.as_ref().and_then(|kept| kept.failed_since);
        Self {
            word: kept.map_or(Word::Nothing, |kept| Word::Good(kept.grant)),
            failing: since.map(|since| Failing::since(since, now)),
            last_check: None,
            next: None,
        }
    }

    /// Draws the consequence of a check. `spread`, about 1, keeps servers out of step.
    pub(super) fn hear(&mut self, verdict: Verdict, terms: Terms, now: Moment, spread: f64) {
        self.last_check = Some(now.wall);
        match verdict {
            Verdict::Good(grant) => (self.word, self.failing) = (Word::Good(grant), None),
            Verdict::Denied(denial) => (self.word, self.failing) = (Word::Denied(denial), None),
            Verdict::Unreachable(reason) => {
                let failing = self.failing.get_or_insert_with(|| Failing::new(now));
                failing.count = failing.count.saturating_add(1);
                failing.reason = reason;
            }
        }
        self.schedule(terms, now, spread);
    }

    /// Goes by what another server has heard, while nobody answers this one.
    pub(super) fn take_over(&mut self, kept: Option<Kept>, now: Moment) {
        let since = kept.as_ref().and_then(|kept| kept.failed_since);
        if let Some(failing) = self.failing.take() {
            let (count, reason) = (failing.count, failing.reason);
            let failing = since.map_or_else(|| Failing::new(now), |it| Failing::since(it, now));
            self.failing = Some(Failing { count, reason, ..failing });
        }
        self.word = kept.map_or(Word::Nothing, |kept| Word::Good(kept.grant));
    }

    /// Settles when the code is checked next.
    pub(super) fn schedule(&mut self, terms: Terms, now: Moment, spread: f64) {
        let wait = self.pause(terms, now).map(|wait| wait.clamp(SHORTEST, NEVER));
        self.next = wait.map(|wait| now.at + wait.mul_f64(spread));
        // At the end of the grace it is seen at once whether that was in vain.
        if let Some(left) = self.grace_left(terms, now) {
            self.next = self.next.map(|next| next.min(now.at + left.min(NEVER)));
        }
    }

    /// Has the code checked without a pause.
    pub(super) fn check_at_once(&mut self, now: Moment) {
        self.next = Some(now.at);
    }

    fn pause(&self, terms: Terms, now: Moment) -> Option<Duration> {
        match (self.state(terms, now), &self.failing) {
            (AuthState::Unverified, _) => Some(AGAIN),
            (_, Some(failing)) => Some(failing.pause(terms)),
            (AuthState::Verified | AuthState::Grace, None) => terms.interval,
            (AuthState::Denied | AuthState::Expired, None) => {
                Some(terms.interval.unwrap_or(REFUSED))
            }
        }
    }

    /// Says how the code stands now.
    pub(super) fn state(&self, terms: Terms, now: Moment) -> AuthState {
        match (&self.word, &self.failing) {
            (Word::Nothing, _) => AuthState::Unverified,
            (Word::Denied(denial), _) if denial.expired => AuthState::Expired,
            (Word::Denied(_), _) => AuthState::Denied,
            (Word::Good(grant), _) if is_expired(grant, now) => AuthState::Expired,
            (Word::Good(_), None) => AuthState::Verified,
            (Word::Good(_), Some(failing)) => match failing.left(terms.grace, now) {
                Some(_) => AuthState::Grace,
                None => AuthState::Unverified,
            },
        }
    }

    /// Returns the wait until the code has to be checked; nothing where it has to be now, and none
    /// where it never has to be.
    pub(super) fn until_check(&self, now: Moment) -> Option<Duration> {
        let next = self.next.map(|next| next.saturating_duration_since(now.at));
        next.into_iter().chain(self.until_expiry_check(now)).min()
    }

    /// A code is checked when it expires, once: the authority may have prolonged it.
    fn until_expiry_check(&self, now: Moment) -> Option<Duration> {
        let expires = self.grant()?.expires_at?;
        let asked = self.last_check.is_some_and(|last| last >= expires.saturating_mul(1000));
        if asked { None } else { Some(now.until(expires).unwrap_or_default()) }
    }

    /// Returns the wait until the state may be another one without any check.
    pub(super) fn until_change(&self, terms: Terms, now: Moment) -> Duration {
        let expiry = self.grant().and_then(|grant| now.until(grant.expires_at?));
        expiry.into_iter().chain(self.grace_left(terms, now)).min().unwrap_or(LOOK).min(LOOK)
    }

    /// Returns what a restart must not forget.
    pub(super) fn kept(&self) -> Option<Kept> {
        let failed_since = self.failing.as_ref().map(|failing| failing.since);
        let grant = Grant { note: None, ..self.grant()?.clone() };
        Some(Kept { grant, failed_since })
    }

    /// Returns the last good answer, unless a refusal came after it.
    pub(super) fn grant(&self) -> Option<&Grant> {
        match &self.word {
            Word::Good(grant) => Some(grant),
            Word::Nothing | Word::Denied(_) => None,
        }
    }

    /// Returns the refusal that stands.
    pub(super) fn denial(&self) -> Option<&Denial> {
        match &self.word {
            Word::Denied(denial) => Some(denial),
            Word::Nothing | Word::Good(_) => None,
        }
    }

    /// Says since when, in seconds since 1970, the authority is away, and why.
    pub(super) fn away(&self) -> Option<(u64, &str)> {
        self.failing.as_ref().map(|failing| (failing.since, failing.reason.as_str()))
    }

    /// Returns when the code was last asked about, in seconds since 1970.
    pub(super) fn last_check(&self) -> Option<u64> {
        self.last_check.map(|last| last / 1000)
    }

    fn grace_left(&self, terms: Terms, now: Moment) -> Option<Duration> {
        self.grant()?;
        self.failing.as_ref()?.left(terms.grace, now)
    }
}

fn is_expired(grant: &Grant, now: Moment) -> bool {
    grant.expires_at.is_some_and(|expires| now.until(expires).is_none())
}
