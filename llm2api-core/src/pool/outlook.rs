//! What a call that found no place can expect: to wait, or to be told why not.

use std::time::Duration;

use tokio::time::Instant;

use super::entry::Entry;
use super::group::{Group, is};
use super::{Route, Shared};
use crate::chat::{Attempted, Call, Others, RetryPlan};
use crate::credential::{HealthState, is_doubt, reason};
use crate::error::{Error, ErrorKind, Result};

/// A rest, or an outage, that ends within this time is waited for.
const SHORT: Duration = Duration::from_secs(2);
/// Credentials that a refusal lists one by one.
const LISTED: usize = 20;
/// The longest wait that a busy pool names.
const BUSY_WAIT: Duration = Duration::from_secs(60);

/// Says whether the plan of a retry lets the others of a group be used.
pub(super) fn may_try(group: &Group, attempts: &[Attempted], plan: RetryPlan) -> bool {
    let unreachable = |attempt: &Attempted| {
        attempt.failure == Some(ErrorKind::Connect) && attempt.upstream == group.name
    };
    match plan.others {
        Others::Any => true,
        Others::OtherUpstream => !attempts.iter().any(unreachable),
        Others::None => attempts.is_empty(),
    }
}

impl Shared {
    /// Says until when it is worth while to wait; with none, until a place comes free.
    ///
    /// # Errors
    /// Where nobody is busy and nobody comes back soon, the refusal.
    pub(super) fn outlook(
        &self,
        routes: &[Route],
        call: &Call,
        now: Instant,
    ) -> Result<Option<Instant>> {
        let (attempts, plan) = (call.attempts(), call.plan());
        let mut busy = false;
        let mut next = plan.same_from.filter(|_| !attempts.is_empty()).map(|from| from.max(now));
        for group in self.groups(routes).filter(|group| may_try(group, &attempts, plan)) {
            let back = group.members().entries.iter().fold(None, |next, entry| {
                if attempts.iter().any(|attempt| is(entry, attempt)) {
                    return next;
                }
                busy |= entry.may_be_used(now);
                sooner(next, entry.opens_at(now))
            });
            let outage = group.outage(now).map(|(_, until)| until);
            if outage.is_some() {
                busy = false;
            }
            next = sooner(next, outage.or(back));
        }
        if busy || next.is_some_and(|next| next <= now + SHORT) {
            return Ok(next.filter(|next| *next > now));
        }
        Err(self.refusal(routes, now))
    }

    /// Says why nobody can take the call: each reason with its count, and when to come back.
    pub(super) fn refusal(&self, routes: &[Route], now: Instant) -> Error {
        let mut tally = Reasons::default();
        let mut outage = None;
        for group in self.groups(routes) {
            if let Some((kind, until)) = group.outage(now) {
                outage = sooner_of(outage, (kind, until));
            }
            let members = group.members();
            members.entries.iter().for_each(|entry| tally.add(entry, now));
        }
        let list = tally.list.join(", ");
        let error = match outage {
            Some((kind, until)) => out(kind, until.saturating_duration_since(now)),
            None => self.full(&tally, now),
        };
        if list.is_empty() { error } else { error.with_context("credentials", list) }
    }

    fn full(&self, tally: &Reasons, now: Instant) -> Error {
        let text = format!("no credential is free: {}", tally.text());
        if tally.busy == 0 && !tally.limited {
            return none_usable(tally, now);
        }
        let wait = match (tally.busy, tally.back) {
            (0, back) => back.map_or(Duration::ZERO, |back| back.saturating_duration_since(now)),
            (places, _) => self.expected_wait(places).min(BUSY_WAIT),
        };
        let wait = wait.max(Duration::from_secs(1));
        Error::new(ErrorKind::PoolExhausted, "lease credential", text).with_retry_after(wait)
    }
}

/// Nobody is busy, and nobody rests for a limit: the credentials themselves are the matter.
fn none_usable(tally: &Reasons, now: Instant) -> Error {
    let text = match tally.counts.is_empty() {
        true => "the pool has no credential for this model: add one".to_owned(),
        false => format!(
            "the pool has no usable credential ({}): add one, or check those it has",
            tally.text()
        ),
    };
    let error = Error::new(ErrorKind::NoCredential, "lease credential", text);
    match tally.back {
        Some(back) => error.with_retry_after(back.saturating_duration_since(now)),
        None => error,
    }
}

/// The upstream is out: what it failed with says which answer fits.
fn out(kind: ErrorKind, wait: Duration) -> Error {
    let wait = wait.max(Duration::from_secs(1));
    let text = format!("the upstream is left alone for a while: {}", reason(kind));
    let error = match kind {
        ErrorKind::RateLimited => Error::new(ErrorKind::PoolExhausted, "lease credential", text),
        ErrorKind::CredentialRejected | ErrorKind::CredentialForbidden => {
            Error::new(ErrorKind::NoCredential, "lease credential", text)
        }
        _ => Error::new(ErrorKind::UpstreamFailed, "lease credential", text).with_status(503),
    };
    error.with_retry_after(wait)
}

/// Why each credential is out, added up.
#[derive(Default)]
struct Reasons {
    /// Places at those that may be used.
    busy: u32,
    /// Somebody rests, and not for having been refused.
    limited: bool,
    counts: Vec<(String, usize)>,
    back: Option<Instant>,
    list: Vec<String>,
}

impl Reasons {
    fn add(&mut self, entry: &Entry, now: Instant) {
        let (state, reason, until) = entry.standing(now);
        let refused = reason.as_deref().is_some_and(is_doubt);
        self.limited |= state == HealthState::Cooling && !refused;
        let why = match (state, reason) {
            (HealthState::Active, _) => "busy".to_owned(),
            (state, None) => state.as_str().to_owned(),
            (HealthState::Invalid, Some(_)) => "invalid".to_owned(),
            (_, Some(reason)) => reason,
        };
        if entry.may_be_used(now) {
            self.busy += entry.max;
        }
        self.back = sooner(self.back, until.filter(|until| *until > now));
        if self.list.len() < LISTED {
            let left = until.map_or(0, |until| until.saturating_duration_since(now).as_secs());
            let text = format!("{} {why}", entry.credential.id());
            self.list.push(if left > 0 { format!("{text} {left}s") } else { text });
        }
        match self.counts.iter_mut().find(|(known, _)| *known == why) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((why, 1)),
        }
    }

    /// The counts, which add up to the pool's size.
    fn text(&self) -> String {
        let parts: Vec<_> =
            self.counts.iter().map(|(why, count)| format!("{count} {why}")).collect();
        if parts.is_empty() { "there is none".to_owned() } else { parts.join(", ") }
    }
}

fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

fn sooner_of(
    one: Option<(ErrorKind, Instant)>,
    other: (ErrorKind, Instant),
) -> Option<(ErrorKind, Instant)> {
    one.into_iter().chain([other]).min_by_key(|(_, until)| *until)
}
