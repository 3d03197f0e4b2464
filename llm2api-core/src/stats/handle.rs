//! The handle on all statistics.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::kept::{Figures, Kept};
use super::ledger::{Ledger, Pending};
use super::model::{Kind, Now, Series, SpanFigures};
use super::recent::Recent;
use crate::clock::unix_seconds;
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::{CREDENTIAL, Metrics, TOTAL, TallySnapshot};
use crate::store::{Point, PointsAsk, Span};

/// How often the counters are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// A store that takes longer counts as away.
const PATIENCE: Duration = Duration::from_secs(2);
/// Series whose points are held in memory at the same time.
const AT_ONCE: usize = 100;

/// Says what has happened: at the moment, of late and since ever. Cloning is cheap and shares it.
///
/// Totals and points are those of all servers on one store, and outlive restarts; what this process
/// has counted is in them at once, what others have counted some seconds later. While the store is
/// away they go by what was last read of it. [`now`](Self::now) is about this process alone.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::Client;
/// use llm2api_core::stats::{Kind, Series};
/// use llm2api_core::store::Span;
///
/// let client = Client::builder().build().await?;
/// client.ask("demo", "Hello").await?;
///
/// let statistics = client.statistics();
/// assert_eq!(statistics.total().await.completed, 1);
/// assert_eq!(statistics.totals(Kind::Model).await[0].0, "demo");
/// let minutes = statistics.points(&Series::Total, Span::Minute, 60).await;
/// assert_eq!(minutes.iter().map(|minute| minute.figures.requests).sum::<u64>(), 1);
/// assert_eq!(statistics.now().in_flight, 0);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Statistics {
    shared: Arc<Shared>,
}

struct Shared {
    ledger: Ledger,
    recent: Mutex<Recent>,
    kept: Mutex<Kept>,
    /// One at a time reads counters; whoever waits finds what the one before has read.
    reading: tokio::sync::Mutex<()>,
}

impl Statistics {
    pub(crate) fn new(ledger: Ledger) -> Self {
        let statistics = Self {
            shared: Arc::new(Shared {
                ledger,
                recent: Mutex::default(),
                kept: Mutex::default(),
                reading: tokio::sync::Mutex::default(),
            }),
        };
        statistics.look();
        statistics
    }

    /// Looks at the counters once a second, and asks the store again where it did not answer, until
    /// told to stop.
    pub(crate) async fn work(&self, mut stopped: watch::Receiver<()>) {
        let looking = async {
            let mut tick = interval(LOOK);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                self.look();
            }
        };
        let asking = async {
            loop {
                sleep(LOOK).await;
                let overdue = self.kept().overdue();
                for prefix in overdue {
                    self.read_before(prefix).await;
                }
            }
        };
        tokio::select! {
            () = looking => {}
            () = asking => {}
            _ = stopped.changed() => {}
        }
    }

    pub(super) fn look(&self) {
        let (counters, total) = (self.metrics().snapshot(), self.metrics().total());
        self.recent().look(Instant::now(), &counters, total);
    }

    /// Says how this process fares at the moment.
    pub fn now(&self) -> Now {
        let (counters, total) = (self.metrics().snapshot(), self.metrics().total());
        self.recent().now(Instant::now(), &counters, &total)
    }

    /// Returns the figures of all calls of all servers, over restarts.
    pub async fn total(&self) -> TallySnapshot {
        let before = self.before(TOTAL).await;
        let mut total = self.metrics().total();
        before.iter().filter(|(name, _)| name == TOTAL).for_each(|(_, before)| total.add(before));
        total
    }

    /// Returns the figures of each thing of a kind, by its name, of all servers and over restarts.
    pub async fn totals(&self, kind: Kind) -> Vec<(String, TallySnapshot)> {
        let prefix = prefix(kind);
        let mut totals: BTreeMap<_, _> = self.metrics().series(kind.as_str()).into_iter().collect();
        for (name, before) in self.before(prefix).await.iter() {
            let name = name.strip_prefix(prefix).unwrap_or(name);
            totals.entry(name.to_owned()).or_default().add(before);
        }
        totals.into_iter().collect()
    }

    /// Returns the figures of the last spans of a series, this one included, oldest first. Spans in
    /// which nothing happened are left out.
    ///
    /// Of many credentials that are used within one span, some thousand have points of their own.
    pub async fn points(&self, series: &Series, span: Span, last: u64) -> Vec<SpanFigures> {
        let (name, now) = (series.to_string(), unix_seconds());
        let ask = ask(vec![name.clone()], span, last, now);
        let ledger = &self.shared.ledger;
        let read = timeout(PATIENCE, async { ledger.read().await.points(&ask, now).await }).await;
        let (stored, pending) = match read {
            Ok(Ok((stored, pending))) => {
                self.kept().take_points(&ask, &stored);
                (stored, pending)
            }
            _ => (self.kept().points(&ask), ledger.pending_now(&ask, now)),
        };
        joined(stored, pending, span).remove(&name).unwrap_or_default()
    }

    /// Returns how long half of the calls with each credential took to their first content, at most,
    /// in each of the last minutes, oldest first: for those that had any.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] where the store does not answer.
    pub async fn first_content(
        &self,
        credentials: &[String],
        minutes: u64,
    ) -> Result<Vec<(String, Vec<Option<Duration>>)>> {
        let (mut medians, now) = (Vec::new(), unix_seconds());
        let newest = Span::Minute.at(now);
        let reading = timeout(PATIENCE, self.shared.ledger.read()).await.map_err(no_answer)?;
        for part in credentials.chunks(AT_ONCE) {
            let names = part.iter().map(|id| format!("{}{id}", prefix(Kind::Credential)));
            let ask = ask(names.collect(), Span::Minute, minutes, now);
            let read = timeout(PATIENCE, reading.points(&ask, now)).await;
            let (stored, pending) = read.map_err(no_answer)??;
            let found = joined(stored, pending, Span::Minute);
            medians.extend(found.into_iter().filter_map(|(name, spans)| {
                let id = name.strip_prefix(prefix(Kind::Credential))?;
                Some((id.to_owned(), each_minute(&spans, newest, minutes)?))
            }));
        }
        Ok(medians)
    }

    /// Returns what was counted elsewhere or earlier.
    async fn before(&self, prefix: &'static str) -> Figures {
        if let Some(figures) = self.kept().fresh(prefix) {
            return figures;
        }
        // Once one has waited for a store in vain, nobody else does until it answers.
        let unanswered = self.kept().unanswered(prefix);
        match unanswered {
            Some(figures) => figures,
            None => self.read_before(prefix).await,
        }
    }

    /// Reads what was counted elsewhere or earlier.
    async fn read_before(&self, prefix: &'static str) -> Figures {
        let read = async {
            let _turn = self.shared.reading.lock().await;
            if let Some(figures) = self.kept().fresh(prefix) {
                return figures;
            }
            let read = self.shared.ledger.before(prefix).await;
            self.kept().take(prefix, read.ok())
        };
        timeout(PATIENCE, read).await.unwrap_or_else(|_| self.kept().take(prefix, None))
    }

    fn metrics(&self) -> &Metrics {
        self.shared.ledger.metrics()
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        // Nothing panics while it holds the lock.
        self.shared.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing panics while it holds the lock.
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statistics").field("now", &self.now()).finish_non_exhaustive()
    }
}

fn no_answer(_: Elapsed) -> Error {
    Error::new(ErrorKind::Store, "read statistics", "the store does not answer")
}

fn prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::Model => "model:",
        Kind::Credential => CREDENTIAL,
        Kind::Key => "key:",
        Kind::Upstream => "upstream:",
    }
}

/// Asks for the last spans of some series, this one included.
fn ask(series: Vec<String>, span: Span, last: u64, now: u64) -> PointsAsk {
    let newest = span.at(now);
    PointsAsk::new(series, span, (newest + 1).saturating_sub(last.min(span.kept())), newest)
}

/// Adds what is on its way to what the store has.
fn joined(
    stored: Vec<Point>,
    mut pending: Pending,
    span: Span,
) -> HashMap<String, Vec<SpanFigures>> {
    for Point { series, at, figures, .. } in stored {
        pending.entry((series, at)).or_default().add(&TallySnapshot::from_figures(&figures));
    }
    let mut spans = HashMap::<_, Vec<_>>::new();
    for ((series, at), figures) in pending {
        let at = at * span.seconds();
        spans.entry(series).or_default().push(SpanFigures { at, figures });
    }
    spans
}

/// Lays medians out minute by minute; none where there are none at all.
fn each_minute(spans: &[SpanFigures], newest: u64, minutes: u64) -> Option<Vec<Option<Duration>>> {
    let oldest = (newest + 1).saturating_sub(minutes);
    let median = |at: u64| {
        let span = spans.iter().find(|span| Span::Minute.at(span.at) == at)?;
        span.figures.first_content.quantile(0.5)
    };
    let medians: Vec<_> = (oldest..=newest).map(median).collect();
    medians.iter().any(Option::is_some).then_some(medians)
}
