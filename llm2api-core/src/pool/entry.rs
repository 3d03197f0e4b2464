//! One credential in the pool: the calls it carries, how it fares, and whether it may take more.

use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::ledger::Ledger;
use super::member::Member;
use super::minute::Minute;
use super::rules::PoolRules;
use super::seats::Seats;
use super::select::Candidate;
use super::sync::{AtomicBool, AtomicU32, Ordering};
use crate::clock::unix_millis;
use crate::credential::{Credential, Health, HealthState, SavedHealth, Signal};
use crate::metrics::Tally;

/// A turn of a credential of weight 1.
const STRIDE: u64 = 1 << 20;
/// The share of a credential that has just come back, in hundredths of its weight.
const FIRST_SHARE: u64 = 10;
/// How long a latency is believed when nothing new is measured.
const LATENCY_LIFE: Duration = Duration::from_secs(10);
/// Where other servers have all places, they are asked again after this at the latest.
const LONGEST_FULL: Duration = Duration::from_millis(500);
const LONGEST_STREAK: u32 = 4;
const NEVER: u64 = u64::MAX;

/// One credential. What a choice looks at is in atomics; the rest is behind a lock.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) credential: Credential,
    pub(super) tally: Arc<Tally>,
    base: Instant,
    seats: Arc<Seats>,
    max: AtomicU32,
    per_minute: AtomicU32,
    weight: AtomicU32,
    /// Where it stands among the group's.
    position: AtomicUsize,
    /// From when it may be used; 0 for now, `NEVER` where it is out.
    ready_at: AtomicU64,
    /// It comes back from a rest: one call tries it.
    half_open: AtomicBool,
    /// Other servers have all places until then, and how often in a row they had.
    full_until: AtomicU64,
    full_streak: AtomicU32,
    latency: AtomicU32,
    latency_at: AtomicU64,
    turn: AtomicU64,
    back_at: AtomicU64,
    last_used_ms: AtomicU64,
    /// Which changes of its health the store has.
    pub(super) ledger: Ledger,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    health: Health,
    last_error: Option<Box<str>>,
    minute: Minute,
}

/// A place that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Ordinary,
    /// The one call that tries a credential that comes back.
    Trial,
}

impl Entry {
    /// Makes the entry of a member, in the place of `old` where there is one: the calls under way
    /// with that one count here too.
    pub(super) fn new(
        member: Member,
        old: Option<&Self>,
        base: Instant,
        now: Instant,
        turn: u64,
    ) -> Self {
        let state = State {
            health: old.map_or(member.health, Self::health),
            last_error: None,
            minute: old.map(|old| old.lock().minute.clone()).unwrap_or_default(),
        };
        let entry = Self {
            credential: member.credential,
            tally: member.tally,
            base,
            seats: old.map_or_else(|| Arc::new(Seats::new()), |old| old.seats.clone()),
            max: AtomicU32::new(member.max_concurrency),
            per_minute: AtomicU32::new(member.per_minute),
            weight: AtomicU32::new(member.weight),
            position: AtomicUsize::new(usize::MAX),
            ready_at: AtomicU64::new(0),
            half_open: AtomicBool::new(false),
            full_until: AtomicU64::new(0),
            full_streak: AtomicU32::new(0),
            latency: AtomicU32::new(0),
            latency_at: AtomicU64::new(0),
            turn: AtomicU64::new(turn),
            back_at: AtomicU64::new(0),
            last_used_ms: AtomicU64::new(0),
            ledger: old.map(|old| Ledger::after(&old.ledger)).unwrap_or_default(),
            state: Mutex::new(state),
        };
        entry.publish(&entry.lock().health, now);
        entry
    }

    /// Microseconds on the pool's own clock, never 0.
    fn tick(&self, at: Instant) -> u64 {
        micros(at.saturating_duration_since(self.base)).saturating_add(1)
    }

    /// The one predicate for "available": it may be used, and has a place.
    pub(super) fn candidate(&self, now: Instant, rules: &PoolRules) -> Option<Candidate> {
        if !self.may_be_used(now) || !self.has_place(now) {
            return None;
        }
        let latency = match self.latency.load(Ordering::Relaxed) {
            0 => 0,
            latency => {
                let until = self.latency_at.load(Ordering::Relaxed) + micros(LATENCY_LIFE);
                if until > self.tick(now) { latency } else { 0 }
            }
        };
        Some(Candidate {
            in_flight: self.in_flight(),
            share: self.share(now, rules),
            latency,
            turn: self.turn.load(Ordering::Relaxed),
        })
    }

    /// Says whether it is neither resting nor out.
    pub(super) fn may_be_used(&self, now: Instant) -> bool {
        let ready_at = self.ready_at.load(Ordering::Acquire);
        ready_at == 0 || ready_at <= self.tick(now)
    }

    fn has_place(&self, now: Instant) -> bool {
        let on_trial = self.half_open.load(Ordering::Acquire) && self.seats.is_on_trial();
        let full_until = self.full_until.load(Ordering::Relaxed);
        !on_trial
            && self.in_flight() < self.max()
            && (full_until == 0 || full_until <= self.tick(now))
            && self.has_minute(now)
    }

    fn has_minute(&self, now: Instant) -> bool {
        let limit = self.per_minute();
        limit == 0 || self.lock().minute.has_room(limit, now)
    }

    /// Counts a call that begins; says no where the minute is full.
    fn begin_minute(&self, now: Instant) -> bool {
        let limit = self.per_minute();
        limit == 0 || self.lock().minute.begin(limit, now)
    }

    /// Takes a place; says no where another call was faster.
    pub(super) fn enter(&self, now: Instant, rules: &PoolRules) -> Option<Place> {
        if !self.may_be_used(now) || !self.has_place(now) {
            return None;
        }
        let place = match self.half_open.load(Ordering::Acquire) {
            true => self.seats.take_for_trial(self.max()).then_some(Place::Trial)?,
            false => self.seats.take(self.max()).then_some(Place::Ordinary)?,
        };
        if !self.begin_minute(now) {
            self.leave(place);
            return None;
        }
        let step = STRIDE * 100 / u64::from(self.share(now, rules).max(1));
        self.turn.fetch_add(step, Ordering::Relaxed);
        self.last_used_ms.store(unix_millis(), Ordering::Relaxed);
        Some(place)
    }

    /// Gives a place back.
    pub(super) fn leave(&self, place: Place) {
        if place == Place::Trial {
            self.end_trial();
        }
        self.seats.give_back();
    }

    /// The trial is over, and its call may go on.
    pub(super) fn end_trial(&self) {
        self.seats.end_trial();
    }

    /// Takes back that a call has begun: other servers had all places.
    pub(super) fn has_not_begun(&self) {
        if self.per_minute() > 0 {
            self.lock().minute.take_back();
        }
    }

    /// Counts the calls that began here within the last minute, where they are limited.
    pub(super) fn begun_this_minute(&self) -> u32 {
        self.lock().minute.count()
    }

    /// Notes that other servers have all places: for this time, and longer the more often in a row.
    pub(super) fn is_full_for(&self, wait: Duration, now: Instant) {
        let streak = self.full_streak.fetch_add(1, Ordering::Relaxed).min(LONGEST_STREAK);
        let grown = wait.saturating_mul(1 << streak).min(LONGEST_FULL).max(wait);
        self.full_until.store(self.tick(now + grown), Ordering::Relaxed);
    }

    /// Notes that other servers have left a place.
    pub(super) fn is_not_full(&self) {
        self.full_streak.store(0, Ordering::Relaxed);
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.seats.taken()
    }

    /// Calls that it may carry at the same time.
    pub(super) fn max(&self) -> u32 {
        self.max.load(Ordering::Relaxed)
    }

    /// Calls that may begin in any minute; 0 for no limit.
    pub(super) fn per_minute(&self) -> u32 {
        self.per_minute.load(Ordering::Relaxed)
    }

    /// Changes how many calls it may carry, from the next one on: those under way count as before.
    pub(super) fn set_limits(&self, max: u32, per_minute: u32) {
        self.max.store(max.max(1), Ordering::Relaxed);
        self.per_minute.store(per_minute, Ordering::Relaxed);
    }

    pub(super) fn position(&self) -> usize {
        self.position.load(Ordering::Relaxed)
    }

    pub(super) fn set_position(&self, at: usize) {
        self.position.store(at, Ordering::Relaxed);
    }

    pub(super) fn weight(&self) -> u32 {
        self.weight.load(Ordering::Relaxed)
    }

    pub(super) fn set_weight(&self, weight: u32) {
        self.weight.store(weight.clamp(1, 100), Ordering::Relaxed);
    }

    /// Returns how much of its share it has had.
    pub(super) fn turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed)
    }

    /// Takes its place beside the others, so that it does not make up for the time it was out.
    pub(super) fn catch_up(&self, turn: u64) {
        self.turn.fetch_max(turn, Ordering::Relaxed);
    }

    /// Its share of the calls, in hundredths: less for a while after a rest.
    fn share(&self, now: Instant, rules: &PoolRules) -> u32 {
        let whole = u64::from(self.weight()) * 100;
        let share = match self.back_at.load(Ordering::Relaxed) {
            0 => whole,
            back_at => {
                let start = micros(rules.slow_start).max(1);
                let since = self.tick(now).saturating_sub(back_at).min(start);
                whole * (FIRST_SHARE + (100 - FIRST_SHARE) * since / start) / 100
            }
        };
        u32::try_from(share).unwrap_or(u32::MAX)
    }

    /// Notes how long an answer took to its first content.
    pub(super) fn measure(&self, latency: Duration, now: Instant) {
        let new = u32::try_from(latency.as_micros()).unwrap_or(u32::MAX);
        let old = self.latency.load(Ordering::Relaxed);
        let mixed = if old == 0 { new } else { old - old / 8 + new / 8 };
        self.latency.store(mixed, Ordering::Relaxed);
        self.latency_at.store(self.tick(now), Ordering::Relaxed);
    }

    /// Learns something. Says whether it rests for it, and whether it now stands elsewhere.
    pub(super) fn learn(&self, signal: &Signal, now: Instant, rules: &PoolRules) -> Learnt {
        let mut state = self.lock();
        let before = (state.health.state(now), state.health.until());
        let rests = state.health.learn(signal, now, &rules.health());
        let changed = before != (state.health.state(now), state.health.until());
        if changed {
            self.publish(&state.health, now);
            // Behind the lock, so that older news cannot come in between.
            self.ledger.change();
        }
        Learnt { rests, changed }
    }

    /// Changes its health by other means than a signal.
    pub(super) fn change(&self, now: Instant, change: impl FnOnce(&mut Health)) {
        let mut state = self.lock();
        change(&mut state.health);
        self.publish(&state.health, now);
    }

    /// Takes a rest for this reason back; says whether there was one.
    pub(super) fn forgive(&self, reason: &str, from: Instant, now: Instant) -> bool {
        let mut forgiven = false;
        self.change(now, |health| forgiven = health.forgive(reason, from));
        if forgiven {
            self.ledger.change();
        }
        forgiven
    }

    /// Takes up what another server has kept, unless this one has news of its own. Says whether the
    /// other one has to hear of a longer rest instead.
    pub(super) fn adopt(&self, saved: &SavedHealth, now: Instant, longest: Duration) -> bool {
        let mut state = self.lock();
        if self.ledger.is_behind() || state.health.agrees(saved, now, unix_millis()) {
            return false;
        }
        if state.health.outlasts(saved, now, unix_millis()) {
            self.ledger.change();
            return true;
        }
        state.health.restore(saved, now, unix_millis(), longest);
        self.publish(&state.health, now);
        false
    }

    /// Says whether the operator has switched it off.
    pub(super) fn is_disabled(&self, now: Instant) -> bool {
        self.lock().health.state(now) == HealthState::Disabled
    }

    /// Says whether it is neither invalid nor switched off.
    pub(super) fn is_in_play(&self) -> bool {
        self.ready_at.load(Ordering::Acquire) != NEVER
    }

    /// Returns when time alone lets it take calls again: after a rest, a busy time of other
    /// servers, or a minute.
    pub(super) fn opens_at(&self, now: Instant) -> Option<Instant> {
        let tick = self.tick(now);
        let ready_at = Some(self.ready_at.load(Ordering::Acquire)).filter(|at| *at != NEVER)?;
        let full_until = self.full_until.load(Ordering::Relaxed);
        let from = Some(ready_at.max(full_until)).filter(|at| *at > tick);
        let from = from.map(|at| self.base + Duration::from_micros(at - 1));
        from.max(self.next_minute(now))
    }

    fn next_minute(&self, now: Instant) -> Option<Instant> {
        if self.per_minute() == 0 || self.has_minute(now) {
            return None;
        }
        self.lock().minute.next()
    }

    pub(super) fn note_error(&self, error: &str) {
        self.lock().last_error = Some(error.into());
    }

    pub(super) fn last_error(&self) -> Option<Box<str>> {
        self.lock().last_error.clone()
    }

    /// Returns where it stands, why, and until when.
    pub(super) fn standing(&self, now: Instant) -> (HealthState, Option<String>, Option<Instant>) {
        let state = self.lock();
        let health = &state.health;
        (health.state(now), health.reason().map(str::to_owned), health.until())
    }

    /// Returns its health to be kept, and the change up to which that tells.
    pub(super) fn to_keep(&self, now: Instant) -> (SavedHealth, u64) {
        let change = self.ledger.begin();
        (self.lock().health.save(now, unix_millis()), change)
    }

    /// Returns a copy of its health, for a credential that takes its place.
    pub(super) fn health(&self) -> Health {
        self.lock().health.clone()
    }

    /// Milliseconds since 1970 of the last use; 0 before the first.
    pub(super) fn last_used_ms(&self) -> u64 {
        self.last_used_ms.load(Ordering::Relaxed)
    }

    /// Copies what a choice looks at into the atomics.
    fn publish(&self, health: &Health, now: Instant) {
        let (ready_at, half_open) = match health.state(now) {
            HealthState::Active => (0, false),
            HealthState::Invalid | HealthState::Disabled => (NEVER, false),
            HealthState::Cooling | HealthState::HalfOpen => {
                (health.until().map_or(NEVER, |until| self.tick(until)), true)
            }
        };
        let back_at = health.back_since().map_or(0, |back| self.tick(back));
        self.back_at.store(back_at, Ordering::Relaxed);
        // First what limits it to one call, then what lets calls come.
        if half_open {
            self.half_open.store(true, Ordering::Release);
            self.ready_at.store(ready_at, Ordering::Release);
        } else {
            self.ready_at.store(ready_at, Ordering::Release);
            self.half_open.store(false, Ordering::Release);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of a signal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Learnt {
    pub(super) rests: bool,
    pub(super) changed: bool,
}

/// In 64 bits all the way: a choice looks at dozens of credentials.
fn micros(duration: Duration) -> u64 {
    let whole = duration.as_secs().saturating_mul(1_000_000);
    whole.saturating_add(duration.subsec_micros().into())
}
