//! How a credential fares: a pure state machine, fed with signals and the time.
//!
//! | signal | what follows |
//! |---|---|
//! | an answer with content | half-open: active again, with a slow start |
//! | rate limit | rests for the time named, at most an hour; else 30 s, doubling to 10 min |
//! | paid quota used up | rests for the time named, else an hour |
//! | 5xx, reset, time-out, broken answer | rests after 5 in 30 s, for 5 s, doubling to 60 s |
//! | junk in place of an answer | the same, and the credential is checked |
//! | 403 | rests 30 s, doubling, and is checked; the first time a passed check ends the rest |
//! | 401, login page | the same; a failed check makes it invalid |
//! | failed check | invalid |
//! | passed check | invalid: active again |
//! | the operator | off and on; the end of a rest |
//!
//! A rest only ever grows: its end is the latest that any evidence asks for. After it comes one
//! trial call (half-open). What is unknown never kills.

mod saved;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

pub use self::saved::SavedHealth;
use crate::error::{Error, ErrorKind, Evidence};

/// Where a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HealthState {
    /// It may be used.
    Active,
    /// It rests until an instant.
    Cooling,
    /// It has rested, and one call tries it.
    HalfOpen,
    /// It was proven dead; a successful check brings it back.
    Invalid,
    /// The operator has switched it off.
    Disabled,
}

impl HealthState {
    /// Returns the state's name, such as `half_open`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Cooling => "cooling",
            Self::HalfOpen => "half_open",
            Self::Invalid => "invalid",
            Self::Disabled => "disabled",
        }
    }
}

/// The figures that rests go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthRules {
    /// The first and the longest rest for a limit that named no time.
    pub limit: (Duration, Duration),
    /// The longest time named that is believed.
    pub longest: Duration,
    /// Weak errors within the window before a rest.
    pub weak_errors: usize,
    /// The window of weak errors.
    pub weak_window: Duration,
    /// The first and the longest rest for weak errors.
    pub weak: (Duration, Duration),
}

/// Something that was learnt about a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// An answer had content.
    Worked,
    /// The upstream wants it to rest: for this time where it named one, else for this default, or
    /// for a time that grows.
    Limited {
        /// The time that the upstream named.
        named: Option<Duration>,
        /// What holds in its place; absent for a time that grows.
        default: Option<Duration>,
        /// Why.
        reason: &'static str,
    },
    /// Something failed that may have nothing to do with the credential.
    Weak {
        /// Why.
        reason: &'static str,
    },
    /// The upstream refused it, which alone proves nothing.
    Doubted {
        /// Why.
        reason: &'static str,
    },
    /// A check has passed.
    CheckPassed,
    /// A check says that the credential is dead, and why.
    CheckRefused(String),
    /// The operator ends its rest.
    Cleared,
}

impl Signal {
    /// Reads the evidence table: what an error says about the credential that met it.
    pub fn of(error: &Error) -> Option<Self> {
        let named = error.retry_after();
        match error.kind().verdict().evidence {
            Evidence::None => None,
            Evidence::Weak => Some(Self::Weak { reason: reason(error.kind()) }),
            Evidence::Suspect if error.kind() == ErrorKind::UpstreamProtocol => {
                Some(Self::Weak { reason: reason(error.kind()) })
            }
            Evidence::Suspect | Evidence::Rejected => {
                Some(Self::Doubted { reason: reason(error.kind()) })
            }
            Evidence::Rests(default) => {
                let default = (error.kind() == ErrorKind::QuotaExhausted).then_some(default);
                Some(Self::Limited { named, default, reason: reason(error.kind()) })
            }
        }
    }

    /// Says whether it is weak evidence, which never rests an upstream's last usable credential.
    pub fn is_weak(&self) -> bool {
        matches!(self, Self::Weak { .. })
    }
}

/// Says why a credential rests after errors of a kind.
pub fn reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::RateLimited => "rate_limited",
        ErrorKind::QuotaExhausted => "quota_exhausted",
        ErrorKind::CredentialRejected => "rejected",
        ErrorKind::CredentialForbidden => "forbidden",
        ErrorKind::UpstreamProtocol => "unexpected_answers",
        ErrorKind::Timeout => "timeouts",
        ErrorKind::ConnectionReset => "connections_reset",
        ErrorKind::UpstreamIncomplete => "answers_cut",
        _ => "upstream_errors",
    }
}

/// How a credential fares.
#[derive(Clone, Debug, Default)]
pub struct Health {
    disabled: bool,
    state: State,
    weak: VecDeque<Instant>,
    doubts: u32,
    strikes: u32,
    /// When it last came back, and how long it had rested.
    back: Option<(Instant, Duration)>,
}

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Active,
    /// Resting until then, and half-open after it.
    Rests(Rest),
    Invalid(Cow<'static, str>),
}

#[derive(Clone, Debug)]
struct Rest {
    since: Instant,
    until: Instant,
    reason: Cow<'static, str>,
}

impl Health {
    /// Returns where the credential stands.
    pub fn state(&self, now: Instant) -> HealthState {
        match &self.state {
            _ if self.disabled => HealthState::Disabled,
            State::Active => HealthState::Active,
            State::Rests(rest) if now < rest.until => HealthState::Cooling,
            State::Rests(_) => HealthState::HalfOpen,
            State::Invalid(_) => HealthState::Invalid,
        }
    }

    /// Returns why it is out; none where it is active or switched off.
    pub fn reason(&self) -> Option<&str> {
        match &self.state {
            _ if self.disabled => None,
            State::Active => None,
            State::Rests(rest) => Some(&rest.reason),
            State::Invalid(reason) => Some(reason),
        }
    }

    /// Returns until when it rests.
    pub fn until(&self) -> Option<Instant> {
        match &self.state {
            State::Rests(rest) if !self.disabled => Some(rest.until),
            _ => None,
        }
    }

    /// Returns when it last came back from a rest.
    pub fn back_since(&self) -> Option<Instant> {
        self.back.map(|(since, _)| since)
    }

    /// Switches the credential off or on; what it is otherwise stays.
    pub fn set_disabled(&mut self, disabled: bool) {
        self.disabled = disabled;
    }

    /// Learns something. Says whether the credential must rest for it, or is invalid now.
    pub fn learn(&mut self, signal: &Signal, now: Instant, rules: &HealthRules) -> bool {
        match signal {
            Signal::Worked => {
                self.worked(now);
                false
            }
            Signal::Limited { named, default, reason } => {
                let rest = named.or(*default).unwrap_or_else(|| self.grown(rules.limit, now));
                self.rest(rest.min(rules.longest), reason, now)
            }
            Signal::Weak { reason } => self.weakened(reason, now, rules),
            Signal::Doubted { reason } => {
                self.doubts += 1;
                let rest = self.grown(rules.limit, now);
                self.rest(rest, reason, now)
            }
            Signal::CheckPassed => {
                self.check_passed(now);
                false
            }
            Signal::CheckRefused(why) => {
                self.state = State::Invalid(why.clone().into());
                true
            }
            Signal::Cleared => {
                self.cleared(now);
                false
            }
        }
    }

    /// Takes a rest back that began at `from` or later for this reason, since it was the upstream's
    /// fault; says whether there was one.
    pub fn forgive(&mut self, reason: &str, from: Instant) -> bool {
        self.weak.clear();
        match &self.state {
            State::Rests(rest) if rest.reason == reason && rest.since >= from => {
                self.state = State::Active;
                self.strikes = self.strikes.saturating_sub(1);
                self.doubts = self.doubts.saturating_sub(1);
                true
            }
            _ => false,
        }
    }

    fn worked(&mut self, now: Instant) {
        match &self.state {
            State::Rests(rest) if rest.until <= now => {
                self.back = Some((now, rest.until - rest.since));
                self.state = State::Active;
                self.doubts = 0;
            }
            State::Active => self.doubts = 0,
            _ => {}
        }
    }

    fn weakened(&mut self, reason: &'static str, now: Instant, rules: &HealthRules) -> bool {
        self.weak.retain(|at| now.duration_since(*at) < rules.weak_window);
        self.weak.push_back(now);
        // The trial call of a half-open credential has failed: it rests on.
        let on_trial = matches!(&self.state, State::Rests(rest) if rest.until <= now);
        if self.weak.len() < rules.weak_errors && !on_trial {
            return false;
        }
        self.weak.clear();
        let rest = self.grown(rules.weak, now);
        self.rest(rest, reason, now)
    }

    fn check_passed(&mut self, now: Instant) {
        match &mut self.state {
            State::Invalid(_) => {
                self.state = State::Active;
                (self.doubts, self.strikes) = (0, 0);
                self.back = Some((now, Duration::ZERO));
            }
            // Refused once, and yet alive: a call may try it. Refused again, it rests to the end.
            State::Rests(rest) if self.doubts == 1 && is_doubt(&rest.reason) => {
                rest.until = rest.until.min(now);
            }
            _ => {}
        }
    }

    fn cleared(&mut self, now: Instant) {
        if let State::Rests(rest) = &self.state {
            self.back = Some((now, now.min(rest.until) - rest.since));
            self.state = State::Active;
        }
        self.weak.clear();
        (self.doubts, self.strikes) = (0, 0);
    }

    /// Returns the next rest of a row that doubles while the trouble goes on.
    fn grown(&mut self, (first, longest): (Duration, Duration), now: Instant) -> Duration {
        // Trouble that comes later than the last rest was long is new trouble.
        let new = |(back, rested): (Instant, Duration)| now.duration_since(back) > rested;
        if matches!(self.state, State::Active) && self.back.is_none_or(new) {
            self.strikes = 0;
        }
        first.saturating_mul(1 << self.strikes.min(16)).min(longest)
    }

    /// Rests until the later of what was asked for before and what is now.
    fn rest(&mut self, wait: Duration, reason: &'static str, now: Instant) -> bool {
        match &mut self.state {
            State::Invalid(_) => false,
            // Calls that were under way together are one strike.
            State::Rests(rest) if now < rest.until => {
                if now + wait > rest.until {
                    (rest.until, rest.reason) = (now + wait, reason.into());
                }
                true
            }
            _ => {
                self.strikes += 1;
                self.state =
                    State::Rests(Rest { since: now, until: now + wait, reason: reason.into() });
                true
            }
        }
    }
}

/// Says whether a reason is that the upstream refused the credential.
pub fn is_doubt(why: &str) -> bool {
    [ErrorKind::CredentialRejected, ErrorKind::CredentialForbidden]
        .iter()
        .any(|kind| reason(*kind) == why)
}

#[cfg(test)]
mod tests;
