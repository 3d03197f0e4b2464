//! The credentials of one upstream, and the upstream's own troubles.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::time::Instant;

use super::blame::{Blame, Finding, Seen};
use super::breaker::{Breaker, Gate};
use super::entry::{Entry, Place};
use super::rules::PoolRules;
use super::select::{Candidate, Field, Selected, Wish, select};
use crate::chat::Attempted;
use crate::credential::reason;
use crate::error::ErrorKind;
use crate::metrics::Tally;

/// Places that may be lost to faster calls before a choice is given up.
const TRIES: usize = 8;

#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: Arc<str>,
    /// Counts the attempts.
    pub(super) tally: Arc<Tally>,
    members: RwLock<Arc<Members>>,
    trouble: Mutex<Trouble>,
    /// There is trouble to look at; else the lock is left alone.
    troubled: AtomicBool,
    by_address: AtomicBool,
    /// The settings do not name the upstream any more: nobody new uses its credentials.
    closed: AtomicBool,
    /// How far the turns have got.
    turn: AtomicU64,
    cursor: AtomicUsize,
}

#[derive(Debug, Default)]
struct Trouble {
    blame: Blame,
    breaker: Breaker,
}

/// The credentials, replaced as a whole, so that a choice keeps a steady view.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) entries: Vec<Arc<Entry>>,
    /// The weights added up, for drawing.
    sums: Vec<u64>,
}

impl Members {
    fn new(entries: Vec<Arc<Entry>>) -> Self {
        let add = |sum: &mut u64, entry: &Arc<Entry>| {
            *sum += u64::from(entry.weight());
            Some(*sum)
        };
        let sums = entries.iter().scan(0, add).collect();
        Self { entries, sums }
    }
}

/// What a choice in one group came to.
#[derive(Debug)]
pub(super) enum Choice {
    Take {
        entry: Arc<Entry>,
        place: Place,
        probe: bool,
        /// The favourite was taken in the place of another.
        favoured: bool,
    },
    /// Nobody may take the call now.
    None,
}

/// Those that a choice has compared.
pub(super) type Drawn = Vec<(Arc<Entry>, Candidate)>;

/// Whose fault a failure was.
#[derive(Debug)]
pub(super) enum Judgement {
    /// The credential's own.
    Own,
    /// The upstream's; these credentials had to rest for it and no longer do.
    Incident(Vec<Arc<Entry>>),
}

/// The group's credentials, as a choice sees them.
struct View<'a> {
    members: &'a Members,
    attempts: &'a [Attempted],
    rules: &'a PoolRules,
    now: Instant,
    /// Where somebody wants to know.
    drawn: Option<&'a RefCell<Drawn>>,
}

impl Field for View<'_> {
    fn len(&self) -> usize {
        self.members.entries.len()
    }

    fn draw(&self, random: u64) -> usize {
        let total = self.members.sums.last().copied().unwrap_or_default();
        let drawn = u64::try_from((u128::from(random) * u128::from(total)) >> 64);
        let drawn = drawn.unwrap_or_default();
        self.members.sums.partition_point(|sum| *sum <= drawn)
    }

    fn usable(&self, at: usize) -> Option<Candidate> {
        let entry = self.members.entries.get(at)?;
        let tried = self.attempts.iter().any(|attempt| is(entry, attempt));
        let candidate = if tried { None } else { entry.candidate(self.now, self.rules) }?;
        if let Some(drawn) = self.drawn {
            drawn.borrow_mut().push((entry.clone(), candidate));
        }
        Some(candidate)
    }
}

/// Says whether an attempt used this credential.
pub(super) fn is(entry: &Entry, attempt: &Attempted) -> bool {
    *attempt.credential == *entry.credential.id().as_str()
}

impl Group {
    pub(super) fn new(name: Arc<str>, tally: Arc<Tally>) -> Self {
        Self {
            name,
            tally,
            members: RwLock::default(),
            trouble: Mutex::default(),
            troubled: AtomicBool::new(false),
            by_address: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            turn: AtomicU64::new(0),
            cursor: AtomicUsize::new(0),
        }
    }

    pub(super) fn set_by_address(&self, by_address: bool) {
        self.by_address.store(by_address, Ordering::Relaxed);
    }

    pub(super) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    pub(super) fn set_open(&self, open: bool) {
        self.closed.store(!open, Ordering::Release);
    }

    pub(super) fn members(&self) -> Arc<Members> {
        self.members.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the list of credentials, and with it the sums of the weights.
    pub(super) fn change(&self, change: impl FnOnce(&mut Vec<Arc<Entry>>)) {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        // Copied only where somebody is just choosing.
        let mut entries = match Arc::get_mut(&mut members) {
            Some(members) => std::mem::take(&mut members.entries),
            None => members.entries.clone(),
        };
        change(&mut entries);
        entries.iter().enumerate().for_each(|(at, entry)| entry.set_position(at));
        *members = Arc::new(Members::new(entries));
    }

    pub(super) fn turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed)
    }

    /// Chooses one that was not tried, and takes a place there; notes in `drawn` those it compared.
    pub(super) fn choose(
        &self,
        attempts: &[Attempted],
        favourite: Option<&Arc<Entry>>,
        rules: &PoolRules,
        now: Instant,
        drawn: Option<&RefCell<Drawn>>,
    ) -> Choice {
        let members = self.members();
        let view = View { members: &members, attempts, rules, now, drawn };
        let taken = || self.take(&view, favourite);
        let mut trouble = match self.troubled.load(Ordering::Acquire) {
            true => self.trouble(),
            false => return taken().map_or(Choice::None, |found| found.into_choice(false)),
        };
        match trouble.breaker.gate(now) {
            Gate::Shut(_) => Choice::None,
            Gate::Open => taken().map_or(Choice::None, |found| found.into_choice(false)),
            Gate::Trial => taken().map_or(Choice::None, |found| {
                trouble.breaker.begin_trial();
                found.into_choice(true)
            }),
        }
    }

    fn take(&self, view: &View<'_>, favourite: Option<&Arc<Entry>>) -> Option<Found> {
        let entries = &view.members.entries;
        let favourite = favourite.and_then(|wanted| {
            let at = wanted.position();
            entries.get(at).filter(|entry| Arc::ptr_eq(entry, wanted)).map(|_| at)
        });
        for _ in 0..TRIES {
            let cursor = self.cursor.load(Ordering::Relaxed);
            let wish = Wish { strategy: view.rules.strategy, favourite, cursor };
            let Selected { at, favoured } = select(view, wish, || fastrand::u64(..))?;
            let entry = &entries[at];
            let turn = entry.turn();
            if let Some(place) = entry.enter(view.now, view.rules) {
                self.cursor.store((at + 1) % entries.len(), Ordering::Relaxed);
                self.turn.fetch_max(turn, Ordering::Relaxed);
                return Some(Found { entry: entry.clone(), place, favoured });
            }
        }
        None
    }

    /// Judges a failure. An incident shuts the group, and what rests for it is forgiven.
    pub(super) fn judge(&self, seen: Seen, probe: bool, rules: &PoolRules) -> Judgement {
        let (now, kind, named) = (seen.at, seen.kind, seen.named);
        let members = self.members();
        let in_play = members.entries.iter().filter(|entry| entry.is_in_play()).count();
        let by_address = self.by_address.load(Ordering::Relaxed);
        let mut trouble = self.trouble();
        self.troubled.store(true, Ordering::Release);
        let mut finding = trouble.blame.judge(seen, in_play, by_address, rules);
        if probe && finding == Finding::Own && trouble.breaker.kind() == Some(kind) {
            let limited = kind == ErrorKind::RateLimited;
            let pause = limited.then(|| rules.pause(named));
            finding = Finding::Incident { pause, from: now };
        }
        let Finding::Incident { pause, from } = finding else {
            if probe {
                trouble.breaker.end_trial();
            }
            return Judgement::Own;
        };
        trouble.breaker.shut(kind, pause, now, rules);
        drop(trouble);
        let forgiven =
            members.entries.iter().filter(|entry| entry.forgive(reason(kind), from, now));
        Judgement::Incident(forgiven.cloned().collect())
    }

    /// A call that began then has worked; says whether that brings the upstream back.
    pub(super) fn worked(&self, began: Instant) -> bool {
        if !self.troubled.load(Ordering::Acquire) {
            return false;
        }
        let mut trouble = self.trouble();
        trouble.blame.worked(began);
        let out = trouble.breaker.out_since();
        if out.is_some_and(|since| since > began) {
            return false;
        }
        trouble.breaker.worked();
        if trouble.blame.is_clean() {
            self.troubled.store(false, Ordering::Release);
        }
        out.is_some()
    }

    /// The call that tried the upstream has ended without saying anything about it.
    pub(super) fn end_trial(&self) {
        self.trouble().breaker.end_trial();
    }

    /// Returns why the upstream is out, and until when.
    pub(super) fn outage(&self, now: Instant) -> Option<(ErrorKind, Instant)> {
        if !self.troubled.load(Ordering::Acquire) {
            return None;
        }
        let trouble = self.trouble();
        let kind = trouble.breaker.kind()?;
        match trouble.breaker.gate(now) {
            Gate::Shut(until) => Some((kind, until.unwrap_or(now))),
            Gate::Open | Gate::Trial => None,
        }
    }

    /// Says whether this is the only credential that may be used.
    pub(super) fn is_last(&self, entry: &Entry, now: Instant) -> bool {
        let members = self.members();
        let id = entry.credential.id();
        !members.entries.iter().any(|other| other.credential.id() != id && other.may_be_used(now))
    }

    /// Numbers all places through, in the order of the credentials' ids: returns how many come
    /// before this credential's, and how many there are.
    pub(super) fn numbered(&self, entry: &Entry) -> (u64, u64) {
        let members = self.members();
        let id = entry.credential.id().as_str();
        // Those that checks have found dead count as well: not every server may know that.
        let now = Instant::now();
        let in_use = members.entries.iter().filter(|other| !other.is_disabled(now));
        in_use.fold((0, 0), |(before, all), other| {
            let places = u64::from(other.max());
            let is_before = other.credential.id().as_str() < id;
            (before + if is_before { places } else { 0 }, all + places)
        })
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        // Nothing panics while it holds the lock.
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that was found.
struct Found {
    entry: Arc<Entry>,
    place: Place,
    favoured: bool,
}

impl Found {
    fn into_choice(self, probe: bool) -> Choice {
        let Self { entry, place, favoured } = self;
        Choice::Take { entry, place, probe, favoured }
    }
}
