//! What a call that found no place can expect: to wait, or to be told why not.

use std::time::Duration;

use tokio::time::Instant;

use super::entry::Entry;
use super::group::{Group, is};
use super::{Route, Shared};
use crate::chat::{Attempted, Call, Others, RetryPlan};
use crate::credential::{CredentialId, HealthState, is_doubt, reason};
use crate::error::{Error, ErrorKind, Result};

/// A rest, or an outage, that ends within this time is waited for.
const SHORT: Duration = Duration::from_secs(2);
/// Other servers of a fleet have a place for so long at least: what opens sooner is merely busy.
const GLANCE: Duration = Duration::from_secs(1);
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

/// What a call that found no place may hope for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outlook {
    /// Until when it waits; with none, until a place comes free.
    pub(super) until: Option<Instant>,
    /// There is a place that it could take now.
    pub(super) free: bool,
}

/// What was found to hope for so far.
struct Hope {
    now: Instant,
    /// The first moment at which something opens by itself.
    next: Option<Instant>,
    free: bool,
    /// Something may come free at any moment.
    waits: bool,
}

impl Hope {
    /// Something opens then; what should have opened already waits for another call.
    fn from(&mut self, at: Option<Instant>) {
        match at {
            Some(at) if at > self.now => self.next = sooner(self.next, Some(at)),
            Some(_) => self.waits = true,
            None => {}
        }
    }
}

impl Shared {
    /// Says whether it is worth while to wait, and until when.
    ///
    /// # Errors
    /// Where nobody is busy and nobody comes back soon, the refusal.
    pub(super) fn outlook(&self, routes: &[Route], call: &Call, now: Instant) -> Result<Outlook> {
        let (attempts, plan) = (call.attempts(), call.plan());
        let rules = &self.terms().rules;
        let mut hope = Hope { now, next: None, free: false, waits: false };
        if let Some(at) = self.same_again(&attempts, plan, now) {
            hope.from(Some(at));
            hope.free |= at <= now;
        }
        for group in self.groups(routes).filter(|group| may_try(group, &attempts, plan)) {
            if let Some((_, until)) = group.outage(now) {
                hope.from(Some(until));
                continue;
            }
            for entry in &group.members().entries {
                if !attempts.iter().any(|attempt| is(entry, attempt)) {
                    hope.waits |= entry.may_be_used(now);
                    hope.free |= entry.candidate(now, rules).is_some();
                    hope.from(entry.opens_at(now));
                }
            }
        }
        if hope.waits || hope.next.is_some_and(|next| next <= now + SHORT) {
            return Ok(Outlook { until: hope.next, free: hope.free });
        }
        Err(self.refusal(routes, now))
    }

    /// Returns when the credential of the last attempt may be used again, where the plan allows it.
    fn same_again(&self, attempts: &[Attempted], plan: RetryPlan, now: Instant) -> Option<Instant> {
        let from = plan.same_from?;
        let last = attempts.last()?;
        let (group, entry) = self.find_open(&CredentialId::from_text(last.credential.clone()))?;
        let outage = group.outage(now).map(|(_, until)| until);
        let waits = [Some(from), Some(now), outage, entry.opens_at(now)];
        entry.is_in_play().then(|| waits.into_iter().flatten().max())?
    }

    /// Says why nobody can take the call: each reason with its count, and when to come back.
    pub(super) fn refusal(&self, routes: &[Route], now: Instant) -> Error {
        let tally = self.reasons(routes, now);
        let list = tally.list.join(", ");
        let error = match tally.outage {
            Some((kind, until)) if tally.groups_in == 0 => {
                out(kind, until.saturating_duration_since(now))
            }
            _ if tally.busy == 0 && !tally.limited => none_usable(&tally, now),
            _ => self.full(format!("no credential is free: {}", tally.text()), &tally, now),
        };
        if list.is_empty() { error } else { error.with_context("credentials", list) }
    }

    /// Says that the queue is full.
    pub(super) fn too_many(&self, routes: &[Route], now: Instant) -> Error {
        let waiting = self.queue.len();
        let text = format!("{waiting} calls wait for a credential already: try again later");
        self.full(text, &self.reasons(routes, now), now)
    }

    fn reasons(&self, routes: &[Route], now: Instant) -> Reasons {
        let mut tally = Reasons::default();
        for group in self.groups(routes) {
            match group.outage(now) {
                Some(outage) => tally.outage = sooner_of(tally.outage, outage),
                None => tally.groups_in += 1,
            }
            group.members().entries.iter().for_each(|entry| tally.add(entry, now));
        }
        tally
    }

    fn full(&self, text: String, tally: &Reasons, now: Instant) -> Error {
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

/// Says why a credential cannot take a call, and until when.
pub(super) fn why_not(entry: &Entry, now: Instant) -> (String, Option<Instant>) {
    let Obstacle { why, until, .. } = Obstacle::of(entry, now);
    (why, until)
}

/// Why one credential cannot take a call.
struct Obstacle {
    why: String,
    until: Option<Instant>,
    /// It rests, and not for having been refused, or may begin no call in this minute.
    limited: bool,
    /// It may be used, and all its places are taken.
    busy: bool,
}

impl Obstacle {
    fn of(entry: &Entry, now: Instant) -> Self {
        let (state, reason, until) = entry.standing(now);
        let refused = reason.as_deref().is_some_and(is_doubt);
        let usable = entry.may_be_used(now);
        let minute = entry.opens_at(now).filter(|opens| usable && *opens > now + GLANCE);
        let why = match (state, reason) {
            _ if minute.is_some() => "out of requests_per_minute".to_owned(),
            (HealthState::Active, _) => "busy".to_owned(),
            (state, None) => state.as_str().to_owned(),
            (HealthState::Invalid, Some(_)) => "invalid".to_owned(),
            (_, Some(reason)) => reason,
        };
        Self {
            why,
            until: minute.or(until),
            limited: (state == HealthState::Cooling && !refused) || minute.is_some(),
            busy: usable && minute.is_none(),
        }
    }
}

/// Why each credential is out, added up.
#[derive(Default)]
struct Reasons {
    /// Places at those that may be used, all of them taken.
    busy: u32,
    /// Somebody rests, and not for having been refused.
    limited: bool,
    /// The first upstream that comes back, of those that are out.
    outage: Option<(ErrorKind, Instant)>,
    /// Upstreams that are not out.
    groups_in: usize,
    counts: Vec<(String, usize)>,
    back: Option<Instant>,
    list: Vec<String>,
}

impl Reasons {
    fn add(&mut self, entry: &Entry, now: Instant) {
        let Obstacle { why, until, limited, busy } = Obstacle::of(entry, now);
        self.limited |= limited;
        if busy {
            self.busy += entry.max();
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
