//! The queue before the collector, and who empties it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::spans::spans;
use crate::edge::Ended;

/// Requests that wait at most; one too many is dropped.
const QUEUE: usize = 2048;
/// Spans of one batch, about.
const BATCH: usize = 512;
/// A batch waits so long for more.
const GATHER: Duration = Duration::from_secs(1);
/// Pauses before a batch is sent again.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// The log says so seldom that traces get lost.
const QUIET: Duration = Duration::from_secs(60);

/// Takes batches of spans.
pub(super) trait Collect: Send {
    /// Takes one, or says why not.
    fn collect(&self, spans: Vec<SpanData>) -> impl Future<Output = Result<(), Refusal>> + Send;
}

/// Why a batch was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: String,
    /// Whether it may be taken a little later.
    pub(super) may_pass: bool,
}

/// Where requests leave their spans; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Outlet {
    queue: mpsc::Sender<Vec<SpanData>>,
    overflow: Arc<AtomicU64>,
}

impl Outlet {
    /// Leaves the spans of one request; where too many wait already, they are dropped.
    pub(crate) fn put(&self, request: &Ended<'_>) {
        self.leave(spans(request));
    }

    fn leave(&self, spans: Vec<SpanData>) {
        let count = spans.len() as u64;
        if self.queue.try_send(spans).is_err() {
            self.overflow.fetch_add(count, Ordering::Relaxed);
        }
    }
}

/// The way out of the process, while it is open.
#[derive(Debug)]
pub(crate) struct Export {
    task: JoinSet<()>,
    finish: CancellationToken,
}

impl Export {
    /// Begins to send to `collector` what is left at the outlet.
    pub(super) fn start(collector: impl Collect + 'static) -> (Outlet, Self) {
        let finish = CancellationToken::new();
        let (outlet, worker) = Worker::new(collector, finish.clone());
        let mut task = JoinSet::new();
        task.spawn(worker.run());
        (outlet, Self { task, finish })
    }

    /// Sends what is left, as far as that can be done within `limit`.
    pub(crate) async fn finish(mut self, limit: Duration) {
        self.finish.cancel();
        if timeout(limit, self.task.join_next()).await.is_err() {
            warn!("the last traces were dropped: their collector took too long");
        }
    }
}

/// Sends what requests have left, until it is told to finish.
#[derive(Debug)]
struct Worker<C> {
    collector: C,
    queue: mpsc::Receiver<Vec<SpanData>>,
    finish: CancellationToken,
    losses: Losses,
}

impl<C: Collect> Worker<C> {
    fn new(collector: C, finish: CancellationToken) -> (Outlet, Self) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let outlet = Outlet { queue: sender, overflow: Arc::default() };
        let losses = Losses::new(outlet.overflow.clone());
        (outlet, Self { collector, queue, finish, losses })
    }

    async fn run(mut self) {
        while let Some(spans) = self.next().await {
            let batch = self.gather(spans).await;
            self.send(batch).await;
            self.losses.tell();
        }
        self.losses.tell_all();
    }

    /// Waits for the spans of a request; none where all is said.
    async fn next(&mut self) -> Option<Vec<SpanData>> {
        tokio::select! {
            spans = self.queue.recv() => spans,
            () = self.finish.cancelled() => {
                self.queue.close();
                self.queue.recv().await
            }
        }
    }

    /// Waits a moment for the spans of more requests.
    async fn gather(&mut self, mut batch: Vec<SpanData>) -> Vec<SpanData> {
        let deadline = Instant::now() + GATHER;
        while batch.len() < BATCH {
            match timeout_at(deadline, self.next()).await {
                Ok(Some(spans)) => batch.extend(spans),
                Ok(None) | Err(_) => break,
            }
        }
        batch
    }

    /// Sends a batch, more than once where that may help; at the end there is no time for it.
    async fn send(&mut self, batch: Vec<SpanData>) {
        let count = batch.len() as u64;
        let mut pauses = PAUSES.into_iter();
        loop {
            let Err(refusal) = self.collector.collect(batch.clone()).await else {
                return self.losses.recovered();
            };
            let pause = pauses.next().filter(|_| refusal.may_pass && !self.finish.is_cancelled());
            let Some(pause) = pause else { return self.losses.add(count, refusal.reason) };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.finish.cancelled() => {}
            }
        }
    }
}

/// Counts what is lost, and says so once a minute at most.
#[derive(Debug)]
struct Losses {
    overflow: Arc<AtomicU64>,
    sum: u64,
    reason: Option<String>,
    said: Option<Instant>,
}

impl Losses {
    fn new(overflow: Arc<AtomicU64>) -> Self {
        Self { overflow, sum: 0, reason: None, said: None }
    }

    /// Counts a batch that nobody took.
    fn add(&mut self, spans: u64, reason: String) {
        self.sum += spans;
        self.reason = Some(reason);
    }

    /// Notes that a batch was taken.
    fn recovered(&mut self) {
        if self.reason.take().is_some() {
            info!("the collector of traces takes them again");
        }
    }

    /// Says what was lost, unless that was said a moment ago.
    fn tell(&mut self) {
        if self.said.is_none_or(|said| said.elapsed() >= QUIET) {
            self.tell_all();
        }
    }

    fn tell_all(&mut self) {
        self.sum += self.overflow.swap(0, Ordering::Relaxed);
        let spans = std::mem::take(&mut self.sum);
        if spans > 0 {
            let reason = self.reason.as_deref().unwrap_or("more come than it takes");
            warn!(spans, reason, "traces were dropped: check OTEL_EXPORTER_OTLP_ENDPOINT");
            self.said = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Mutex, PoisonError};

    use llm2api_core::chat::TraceContext;
    use tokio::time::advance;

    use super::super::spans::empty;
    use super::*;

    /// Takes batches as it was told to, then all; `Err` says whether that may pass.
    #[derive(Clone, Debug, Default)]
    struct Moody {
        answers: Arc<Mutex<VecDeque<Result<(), bool>>>>,
        batches: Arc<Mutex<Vec<usize>>>,
    }

    impl Moody {
        fn new(answers: impl IntoIterator<Item = Result<(), bool>>) -> Self {
            let answers = Arc::new(Mutex::new(answers.into_iter().collect()));
            Self { answers, batches: Arc::default() }
        }

        fn batches(&self) -> Vec<usize> {
            self.batches.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    impl Collect for Moody {
        async fn collect(&self, spans: Vec<SpanData>) -> Result<(), Refusal> {
            self.batches.lock().expect("not poisoned").push(spans.len());
            let answer = self.answers.lock().expect("not poisoned").pop_front();
            let refusal = |may_pass| Refusal { reason: "no".to_owned(), may_pass };
            answer.unwrap_or(Ok(())).map_err(refusal)
        }
    }

    fn some(count: usize) -> Vec<SpanData> {
        vec![empty(&TraceContext::random()); count]
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_within_a_moment_is_one_batch() {
        let collector = Moody::default();
        let (outlet, export) = Export::start(collector.clone());
        outlet.leave(some(2));
        outlet.leave(some(3));
        sleep(GATHER * 2).await;
        assert_eq!(collector.batches(), [5]);
        for _ in 0..3 {
            outlet.leave(some(BATCH));
        }
        sleep(GATHER / 2).await;
        assert_eq!(collector.batches(), [5, BATCH, BATCH, BATCH], "a full one does not wait");
        outlet.leave(some(1));
        export.finish(GATHER / 2).await;
        assert_eq!(collector.batches().last(), Some(&1), "nor does the last one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_is_sent_again_where_that_may_help() {
        let collector = Moody::new([Err(true), Err(true), Ok(()), Err(false), Ok(())]);
        let (outlet, _export) = Export::start(collector.clone());
        outlet.leave(some(1));
        sleep(Duration::from_secs(60)).await;
        assert_eq!(collector.batches(), [1, 1, 1]);
        outlet.leave(some(2));
        sleep(Duration::from_secs(60)).await;
        assert_eq!(collector.batches(), [1, 1, 1, 2], "what is refused for good is dropped");
        outlet.leave(some(3));
        sleep(Duration::from_secs(60)).await;
        assert_eq!(collector.batches().last(), Some(&3), "and the next one is sent");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_where_the_queue_is_full() {
        let collector = Moody::new([Err(true), Err(true)]);
        let finish = CancellationToken::new();
        let (outlet, worker) = Worker::new(collector, finish);
        for _ in 0..QUEUE + 5 {
            outlet.leave(some(2));
        }
        assert_eq!(outlet.overflow.load(Ordering::Relaxed), 10);
        assert_eq!(worker.queue.len(), QUEUE);
    }

    #[tokio::test(start_paused = true)]
    async fn losses_are_told_once_a_minute() {
        let mut losses = Losses::new(Arc::default());
        losses.tell();
        assert!(losses.said.is_none(), "nothing is lost");
        losses.add(2, "no".to_owned());
        losses.tell();
        assert_eq!((losses.sum, losses.said.is_some()), (0, true));
        losses.add(3, "no".to_owned());
        losses.overflow.store(4, Ordering::Relaxed);
        losses.tell();
        assert_eq!(losses.sum, 3, "that was said a moment ago");
        advance(QUIET).await;
        losses.tell();
        assert_eq!((losses.sum, losses.overflow.load(Ordering::Relaxed)), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_does_not_wait_for_a_collector_that_does_not_answer() {
        #[derive(Debug)]
        struct Silent;

        impl Collect for Silent {
            async fn collect(&self, _: Vec<SpanData>) -> Result<(), Refusal> {
                std::future::pending().await
            }
        }

        let (outlet, export) = Export::start(Silent);
        outlet.leave(some(1));
        let begun = Instant::now();
        export.finish(Duration::from_secs(5)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(5));
    }
}
