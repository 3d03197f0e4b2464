//! What subjects have used, as this process knows it: pure, with the time given.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::allowance::Allowance;
use super::minute;
use crate::store::{Count, Short, Spent};

/// Begins the names of the counters that are kept; the day and the subject follow.
pub(super) const SERIES: &str = "usage:";
const TOKENS: &str = "tokens";
const DAY: u64 = 24 * 3600;

/// A moment: by the clock that never jumps, and by the date.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) at: Instant,
    /// Seconds since 1970.
    pub(super) unix: u64,
}

impl Now {
    /// Days since 1970.
    pub(super) fn day(self) -> u64 {
        self.unix / DAY
    }

    fn day_ends_in(self) -> Duration {
        Duration::from_secs(DAY - self.unix % DAY)
    }
}

/// All subjects that have used something today, or hold something now.
///
/// Of a subject that is idle nothing stays but the tokens of its day, and of one without tokens
/// nothing at all, once [`forget_idle`](Self::forget_idle) was called.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// The day that the tokens belong to.
    day: u64,
    /// That what a store has kept was taken over since that day began here.
    is_loaded: bool,
    subjects: HashMap<Arc<str>, Subject>,
}

#[derive(Debug, Default)]
struct Subject {
    /// Requests that run.
    running: u32,
    /// When all requests of a minute may begin at once again.
    full_at: Option<Instant>,
    tokens: Tally,
}

/// Tokens of the day.
#[derive(Debug, Default)]
struct Tally {
    /// All of them, with the estimates of the requests that run.
    used: u64,
    /// Those of requests that have ended and were not handed to the store.
    unsaved: u64,
    /// Those that were handed to the store, or found there.
    known: u64,
}

impl Meter {
    /// Takes one of `limit` places; says whether there was one.
    pub(super) fn enter(&mut self, subject: &Arc<str>, limit: u32) -> bool {
        let entry = self.entry(subject);
        let has_place = entry.running < limit;
        entry.running += u32::from(has_place);
        has_place
    }

    /// Gives a place back.
    pub(super) fn leave(&mut self, subject: &str) {
        if let Some(entry) = self.subjects.get_mut(subject) {
            entry.running = entry.running.saturating_sub(1);
        }
    }

    /// Asks for one request and its tokens: it gets both, or nothing is counted.
    pub(super) fn spend(
        &mut self,
        subject: &Arc<str>,
        allowance: &Allowance,
        tokens: u64,
        now: Now,
    ) -> Spent {
        let mut spent = self.look(subject, now);
        if allowance.tokens_per_day.is_some_and(|limit| spent.tokens >= limit) {
            spent.short = Some(Short::Tokens);
            return spent;
        }
        match allowance.requests_per_minute.map(|limit| minute::begin(limit, spent.full_in)) {
            Some(Err(wait)) => {
                spent.short = Some(Short::Requests(wait));
                return spent;
            }
            Some(Ok(full_in)) => spent.full_in = full_in,
            None => {}
        }
        spent.tokens = spent.tokens.saturating_add(tokens);
        self.learn(subject, &spent, now);
        spent
    }

    /// Says how a subject stands, without asking for anything.
    pub(super) fn look(&mut self, subject: &str, now: Now) -> Spent {
        self.turn(now.day());
        let entry = self.subjects.get(subject);
        let full_at = entry.and_then(|entry| entry.full_at);
        Spent {
            short: None,
            full_in: full_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now.at)),
            day: self.day,
            tokens: entry.map_or(0, |entry| entry.tokens.used),
            day_ends_in: now.day_ends_in(),
        }
    }

    /// Notes how a subject stands.
    pub(super) fn learn(&mut self, subject: &Arc<str>, spent: &Spent, now: Now) {
        self.turn(spent.day);
        let entry = self.entry(subject);
        entry.tokens.used = spent.tokens;
        entry.full_at = (!spent.full_in.is_zero()).then(|| now.at + spent.full_in);
    }

    /// Puts what a request took in the place of its estimate, unless its day is over.
    pub(super) fn settle(&mut self, subject: &Arc<str>, day: u64, estimate: u64, took: u64) {
        if day == self.day {
            // One that was estimated at nothing may have been forgotten meanwhile.
            let tokens = &mut self.entry(subject).tokens;
            tokens.used = tokens.used.saturating_sub(estimate).saturating_add(took);
            tokens.unsaved = tokens.unsaved.saturating_add(took);
        }
    }

    /// Hands out the counts that are to be kept, once.
    pub(super) fn unsaved(&mut self) -> Vec<Count> {
        let day = self.day;
        let subjects = self.subjects.iter_mut().filter(|(_, entry)| entry.tokens.unsaved > 0);
        let count = |(subject, entry): (&Arc<str>, &mut Subject)| {
            let tokens = &mut entry.tokens;
            let value = std::mem::take(&mut tokens.unsaved);
            tokens.known = tokens.known.saturating_add(value);
            Count::new(format!("{SERIES}{day}:{subject}"), TOKENS, value)
        };
        subjects.map(count).collect()
    }

    /// Says whether what a store has kept of the day was taken over, and not lost since: a clock that
    /// goes to another day and comes back makes the tokens of this one unknown.
    pub(super) fn is_loaded(&mut self, day: u64) -> bool {
        self.turn(day);
        self.is_loaded
    }

    /// Takes over what a store has kept of the day, where all that was handed out has been written;
    /// returns the series of days that are over.
    ///
    /// Yesterday is not over yet, nor is a day to come: the clock may have been wrong.
    pub(super) fn load(&mut self, day: u64, counts: Vec<Count>) -> Vec<String> {
        self.turn(day);
        self.is_loaded = true;
        let mut over = Vec::new();
        for Count { series, value, .. } in counts {
            let Some((of, subject)) = parts_of(&series) else { continue };
            if of.saturating_add(1) < day {
                over.push(series);
                continue;
            }
            if of != day {
                continue;
            }
            let tokens = &mut self.entry(&subject.into()).tokens;
            tokens.used = tokens.used.saturating_add(value.saturating_sub(tokens.known));
            tokens.known = value;
        }
        over
    }

    /// Forgets those that hold nothing and have used nothing today.
    pub(super) fn forget_idle(&mut self, now: Now) {
        self.turn(now.day());
        self.subjects.retain(|_, entry| {
            entry.full_at = entry.full_at.filter(|at| *at > now.at);
            entry.running > 0 || entry.full_at.is_some() || entry.tokens.used > 0
        });
    }

    pub(super) fn day(&self) -> u64 {
        self.day
    }

    /// Returns how many subjects are remembered.
    pub(super) fn len(&self) -> usize {
        self.subjects.len()
    }

    /// Begins another day, if it is one.
    fn turn(&mut self, day: u64) {
        if self.day != day {
            (self.day, self.is_loaded) = (day, false);
            self.subjects.values_mut().for_each(|entry| entry.tokens = Tally::default());
        }
    }

    fn entry(&mut self, subject: &Arc<str>) -> &mut Subject {
        self.subjects.entry(subject.clone()).or_default()
    }
}

/// Reads the day and the subject out of the name of a counter.
fn parts_of(series: &str) -> Option<(u64, &str)> {
    let (day, subject) = series.strip_prefix(SERIES)?.split_once(':')?;
    Some((day.parse().ok()?, subject))
}
