//! What was counted, on its way to the store.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use super::named::Named;
use crate::clock::unix_seconds;
use crate::error::Result;
use crate::metrics::{Batch, Metrics, TallySnapshot};
use crate::store::{Count, Point, PointsAsk, Span, Vault};

/// Parts of batches that wait while the store is away, a part a series: some 20 MB. What is counted
/// beyond goes as one lump when the store is back.
const MOST_WAITING: usize = 20_000;
/// Series of a batch. With all their figures they stay below what Redis takes in one command: a
/// million arguments before its version 7.
const MOST_IN_BATCH: usize = 500;

/// Hands counters over to the store, and reads what is there. Cloning is cheap and shares it.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    metrics: Metrics,
    vault: Vault,
    /// Whoever reads what the store has holds it as well: what is on its way must not be counted
    /// twice, or not at all.
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    cuts: VecDeque<Cut>,
    /// When the last batch was cut, in seconds since 1970.
    since: u64,
    named: [Named; Span::ALL.len()],
}

/// A batch that is sent under its name until the store says that it has it, and as it was, but for
/// what was forgotten since.
#[derive(Debug)]
struct Cut {
    name: String,
    at: u64,
    batch: Batch,
}

/// Figures by series and time, in spans since 1970.
pub(super) type Pending = BTreeMap<(String, u64), TallySnapshot>;

impl Ledger {
    pub(crate) fn new(metrics: Metrics, vault: Vault) -> Self {
        let named = Span::ALL.map(Named::new);
        let waiting = Waiting { cuts: VecDeque::new(), since: unix_seconds(), named };
        Self { shared: Arc::new(Shared { metrics, vault, waiting: Mutex::new(waiting) }) }
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Hands over what was counted up to now, in seconds since 1970, with a point for each series in
    /// its minute and its hour; says whether there was anything. What does not arrive is handed over
    /// again.
    pub(crate) async fn hand_over(&self, now: u64) -> Result<bool> {
        let Shared { metrics, vault, waiting } = &*self.shared;
        let mut waiting = waiting.lock().await;
        let waited = !waiting.cuts.is_empty();
        waiting.cut(metrics, now);
        let has_any = !waiting.cuts.is_empty();
        waiting.send(vault, metrics).await?;
        if waited {
            // What was counted since is not to wait: there may be no next time.
            waiting.cut(metrics, now);
            waiting.send(vault, metrics).await?;
        }
        Ok(has_any)
    }

    /// Reads what the store has of the series that begin with `prefix`, without what this process
    /// has handed over: what is counted here comes on top.
    pub(super) async fn before(&self, prefix: &str) -> Result<Vec<(String, TallySnapshot)>> {
        let Shared { metrics, vault, waiting } = &*self.shared;
        let _turn = waiting.lock().await;
        let mut series = BTreeMap::<String, Vec<_>>::new();
        for Count { series: name, field, value, .. } in vault.counts(prefix).await? {
            series.entry(name).or_default().push((field, value));
        }
        let before = series.into_iter().filter_map(|(name, figures)| {
            let handed = metrics.handed(&name);
            let rest = TallySnapshot::from_figures(&figures).since(handed.as_ref())?;
            Some((name, rest))
        });
        Ok(before.collect())
    }

    /// Begins to read points. Nothing is handed over meanwhile.
    pub(super) async fn read(&self) -> Reading<'_> {
        let Shared { metrics, vault, waiting } = &*self.shared;
        let waiting = waiting.lock().await;
        let uncut = metrics.pending().without(waiting.cuts.iter().map(|cut| &cut.batch));
        Reading { vault, waiting, uncut }
    }

    /// Returns what is on its way to points, for whoever cannot wait to look at the batches that were
    /// cut: all of it counts as of now.
    pub(super) fn pending_now(&self, ask: &PointsAsk, now: u64) -> Pending {
        pending([(&self.shared.metrics.pending(), now)].into_iter(), ask)
    }
}

/// Reads points, and what was on its way to them when this began.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    vault: &'a Vault,
    waiting: MutexGuard<'a, Waiting>,
    uncut: Batch,
}

impl Reading<'_> {
    /// Reads points, and what is on its way to them, up to now.
    pub(super) async fn points(&self, ask: &PointsAsk, now: u64) -> Result<(Vec<Point>, Pending)> {
        let stored = self.vault.points(ask).await?;
        let cuts = self.waiting.cuts.iter().map(|cut| (&cut.batch, cut.at));
        Ok((stored, pending(cuts.chain([(&self.uncut, now)]), ask)))
    }
}

/// Joins the parts of batches, each of its time, that are asked for.
fn pending<'a>(batches: impl Iterator<Item = (&'a Batch, u64)>, ask: &PointsAsk) -> Pending {
    let mut pending = Pending::new();
    for (batch, at) in batches.map(|(batch, at)| (batch, ask.span.at(at))) {
        let in_time = (ask.from..=ask.to).contains(&at);
        for name in ask.series.iter().filter(|_| in_time) {
            if let Some(part) = batch.part(name) {
                pending.entry((name.clone(), at)).or_default().add(part);
            }
        }
    }
    pending
}

impl Waiting {
    /// Sends what was cut, the oldest first.
    async fn send(&mut self, vault: &Vault, metrics: &Metrics) -> Result<()> {
        let Self { cuts, named, .. } = self;
        while let Some(cut) = cuts.front_mut() {
            metrics.still_known(&mut cut.batch);
            let points = named.iter_mut().flat_map(|named| named.points(&cut.batch, cut.at));
            let points: Vec<_> = points.collect();
            vault.count(&cut.name, &counts(&cut.batch), &points).await?;
            metrics.hand_over(&cut.batch);
            cuts.pop_front();
        }
        Ok(())
    }

    /// Cuts a batch of what was counted since the last; while others wait, one a minute at most.
    ///
    /// Its time is that of the cut before, when its figures began: what was counted in a minute of
    /// an outage belongs to that minute, and not to the next.
    fn cut(&mut self, metrics: &Metrics, now: u64) {
        let minute = Span::Minute.at(now);
        let parts: usize = self.cuts.iter().map(|cut| cut.batch.parts().count()).sum();
        let early = !self.cuts.is_empty() && minute <= Span::Minute.at(self.since);
        if early || parts > MOST_WAITING {
            return;
        }
        let at = std::mem::replace(&mut self.since, now);
        let batch = metrics.pending().without(self.cuts.iter().map(|cut| &cut.batch));
        let cut = |batch| Cut { name: Uuid::new_v4().simple().to_string(), at, batch };
        self.cuts.extend(batch.split(MOST_IN_BATCH).map(cut));
    }
}

fn counts(batch: &Batch) -> Vec<Count> {
    batch.figures().map(|(series, field, value)| Count::new(series, field, value)).collect()
}
