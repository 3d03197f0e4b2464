//! Counters by name, and how much of each has been handed over.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::tally::{Tally, TallySnapshot};
use super::{CREDENTIAL, TOTAL};

/// Models that nobody lists and that are counted by name all the same, since they have answered; what
/// comes later counts as `other`.
const MODELS: usize = 100;
/// So much of a model's name tells it from others, in characters.
const LONGEST_MODEL: usize = 200;

/// The counters of everything that is counted by name, such as `model:llama`.
#[derive(Debug, Default)]
pub(super) struct AllSeries {
    by_name: Mutex<HashMap<Arc<str>, Series>>,
    models: AtomicUsize,
}

/// The counters of one thing, and how much of them has been handed over.
#[derive(Clone, Debug, Default)]
struct Series {
    tally: Arc<Tally>,
    handed: Option<Arc<TallySnapshot>>,
}

/// What was counted since it was last handed over.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// In the order of their names.
    parts: Vec<(Arc<str>, TallySnapshot)>,
}

impl Batch {
    /// Returns the name of each series, such as `model:llama` or `credential:cred_1`, and what is
    /// to be added to each of its figures.
    pub fn figures(&self) -> impl Iterator<Item = (&str, String, u64)> {
        self.parts.iter().flat_map(|(name, part)| {
            part.figures().into_iter().map(move |(field, value)| (&**name, field, value))
        })
    }

    /// Returns each series and what is to be added to it.
    pub fn parts(&self) -> impl Iterator<Item = (&str, &TallySnapshot)> {
        self.parts.iter().map(|(name, part)| (&**name, part))
    }

    /// Returns what is to be added to one series.
    pub(crate) fn part(&self, name: &str) -> Option<&TallySnapshot> {
        let at = self.parts.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(&self.parts[at].1)
    }

    /// Leaves out what earlier batches have, which are on their way.
    pub(crate) fn without<'a>(mut self, earlier: impl Iterator<Item = &'a Self>) -> Self {
        let mut sums = HashMap::<_, TallySnapshot>::new();
        for (name, part) in earlier.flat_map(|batch| &batch.parts) {
            sums.entry(name).or_default().add(part);
        }
        if !sums.is_empty() {
            let rest = |(name, part): (Arc<str>, TallySnapshot)| {
                let rest = part.since(sums.get(&name))?;
                Some((name, rest))
            };
            self.parts = self.parts.into_iter().filter_map(rest).collect();
        }
        self
    }

    /// Splits it into batches of at most so many series; those of credentials, which may be many, come
    /// last.
    pub(crate) fn split(self, most: usize) -> impl Iterator<Item = Self> {
        let is_last = |(name, _): &(Arc<str>, TallySnapshot)| name.starts_with(CREDENTIAL);
        let (last, first): (Vec<_>, Vec<_>) = self.parts.into_iter().partition(is_last);
        let mut parts = first.into_iter().chain(last).peekable();
        std::iter::from_fn(move || {
            parts.peek()?;
            let mut parts: Vec<_> = parts.by_ref().take(most).collect();
            parts.sort_by(|one, other| one.0.cmp(&other.0));
            Some(Self { parts })
        })
    }

    /// Says whether there is nothing to hand over.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

impl AllSeries {
    /// Returns the counters of a thing, and makes them if need be.
    pub(super) fn of(&self, kind: &str, name: &str) -> Arc<Tally> {
        let key = key(kind, name);
        let mut series = self.lock();
        if let Some(known) = series.get(key.as_str()) {
            return known.tally.clone();
        }
        series.entry(key.into()).or_default().tally.clone()
    }

    /// Returns the counters of a thing, unless they were forgotten or never were.
    pub(super) fn known(&self, kind: &str, name: &str) -> Option<Arc<Tally>> {
        self.lock().get(key(kind, name).as_str()).map(|known| known.tally.clone())
    }

    /// Returns the counters of a model, unless it has none of its own.
    pub(super) fn known_model(&self, name: &str) -> Option<Arc<Tally>> {
        self.lock().get(model_key(name).as_str()).map(|known| known.tally.clone())
    }

    /// Returns the counters of a model that is listed, or an alias.
    pub(super) fn listed_model(&self, name: &str) -> Arc<Tally> {
        self.lock().entry(model_key(name).into()).or_default().tally.clone()
    }

    /// Returns the counters of a model.
    pub(super) fn model(&self, name: &str) -> Arc<Tally> {
        let mut series = self.lock();
        let key = model_key(name);
        if let Some(known) = series.get(key.as_str()) {
            return known.tally.clone();
        }
        let known = self.models.fetch_add(1, Ordering::Relaxed);
        let key = if known < MODELS { key } else { "model:other".to_owned() };
        series.entry(key.into()).or_default().tally.clone()
    }

    /// Reads the counters of each series of one kind, by the name behind it.
    pub(super) fn of_kind(&self, kind: &str) -> Vec<(String, TallySnapshot)> {
        let tallies = self.tallies(kind).into_iter();
        tallies.map(|(name, tally)| (name, tally.snapshot())).collect()
    }

    /// Returns the counters of each series of one kind, to be read when nobody waits for the lock.
    pub(super) fn tallies(&self, kind: &str) -> Vec<(String, Arc<Tally>)> {
        let of = |(name, series): (&Arc<str>, &Series)| {
            let name = name.strip_prefix(kind)?.strip_prefix(':')?;
            Some((name.to_owned(), series.tally.clone()))
        };
        let mut all: Vec<_> = self.lock().iter().filter_map(of).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    /// Returns what was handed over of a series.
    pub(super) fn handed(&self, name: &str) -> Option<TallySnapshot> {
        self.lock().get(name)?.handed.as_deref().cloned()
    }

    /// Leaves out of a batch what was forgotten since it was cut.
    pub(super) fn still_known(&self, batch: &mut Batch) {
        let known = self.lock();
        batch.parts.retain(|(name, _)| known.contains_key(name));
    }

    /// Forgets the counters of a thing.
    pub(super) fn forget(&self, kind: &str, name: &str) {
        self.lock().remove(key(kind, name).as_str());
    }

    /// Returns what was counted and not handed over yet, the sum of all calls included.
    pub(super) fn pending(&self, total: &Arc<Tally>) -> Batch {
        let mut all = self.lock();
        all.entry(TOTAL.into()).or_insert_with(|| Series { tally: total.clone(), handed: None });
        let of = |(name, series): (&Arc<str>, &Series)| (name.clone(), series.clone());
        let series: Vec<_> = all.iter().map(of).collect();
        // Calls take the lock too: they must not wait for figures to be read.
        drop(all);
        let since = |(name, series): (Arc<str>, Series)| {
            let part = series.tally.snapshot().since(series.handed.as_deref())?;
            Some((name, part))
        };
        let mut parts: Vec<_> = series.into_iter().filter_map(since).collect();
        parts.sort_by(|one, other| one.0.cmp(&other.0));
        Batch { parts }
    }

    /// Takes note that a batch has arrived where it is kept.
    pub(super) fn hand_over(&self, batch: &Batch) {
        let mut all = self.lock();
        for (name, part) in &batch.parts {
            if let Some(series) = all.get_mut(name) {
                Arc::make_mut(series.handed.get_or_insert_default()).add(part);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Series>> {
        // Nothing panics while it holds the lock.
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn model_key(name: &str) -> String {
    let end = name.char_indices().nth(LONGEST_MODEL).map_or(name.len(), |(at, _)| at);
    key("model", &name[..end])
}

/// Made for each call several times: by `concat`, which is six times as fast as `format!`.
fn key(kind: &str, name: &str) -> String {
    [kind, ":", name].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_models_count_as_one() {
        let series = AllSeries::default();
        (0..3 * MODELS).for_each(|at| series.model(&format!("m{at}")).begin());
        assert_eq!(series.of_kind("model").len(), MODELS + 1);
    }

    #[test]
    fn a_large_batch_is_split_and_credentials_come_last() {
        let series = AllSeries::default();
        (0..1200).for_each(|at| series.of("credential", &format!("{at:04}")).begin());
        (0..3).for_each(|at| series.model(&format!("m{at}")).begin());
        let batch = series.pending(&Arc::default());
        let parts: Vec<_> = batch.clone().split(500).collect();
        assert_eq!(parts.iter().map(|part| part.parts.len()).collect::<Vec<_>>(), [500, 500, 203]);
        for at in 0..3 {
            assert!(parts[0].part(&format!("model:m{at}")).is_some(), "it is found, and early");
        }
        let mut all: Vec<_> = parts.iter().flat_map(Batch::parts).collect();
        all.sort_by_key(|(name, _)| *name);
        assert_eq!(all, batch.parts().collect::<Vec<_>>());
        assert_eq!(Batch::default().split(500).count(), 0);
    }
}
