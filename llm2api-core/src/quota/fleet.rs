//! Asks all servers at once: what was used is counted where they all look.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use uuid::Uuid;

use super::minute;
use crate::clock::after;
use crate::error::{Error, Result};
use crate::store::{Correction, Places, Spend, Spent, Standing, Usage};

/// How often corrections are told.
const EVERY: Duration = Duration::from_secs(1);
/// After a failed question nobody asks again for this time.
const PAUSE: Duration = Duration::from_secs(1);
/// Corrections that are told at once.
const AT_ONCE: usize = 500;

/// What all servers share.
pub(super) struct Fleet {
    usage: Arc<dyn Usage>,
    places: Option<Arc<dyn Places>>,
    state: Mutex<State>,
    left: UnboundedSender<Left>,
    queue: tokio::sync::Mutex<UnboundedReceiver<Left>>,
}

#[derive(Default)]
struct State {
    /// Until when nobody asks, since the last question found no answer.
    pause: Option<Instant>,
    /// What is to be corrected, by subject and day.
    owed: HashMap<(Arc<str>, u64), Owed>,
    /// A batch that may have arrived or not.
    sent: Option<(String, Vec<Correction>)>,
}

#[derive(Default)]
struct Owed {
    tokens: i64,
    sooner: Duration,
}

/// A question whose asker has left, and what was asked.
struct Left {
    answer: BoxFuture<'static, Result<Spent>>,
    ask: Spend,
}

impl Fleet {
    pub(super) fn new(usage: Arc<dyn Usage>, places: Option<Arc<dyn Places>>) -> Self {
        let (left, queue) = unbounded_channel();
        let queue = tokio::sync::Mutex::new(queue);
        Self { usage, places, state: Mutex::default(), left, queue }
    }

    pub(super) fn places(&self) -> Option<&Arc<dyn Places>> {
        self.places.as_ref()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for one request and its tokens; none where this server has to decide.
    pub(super) async fn spend(&self, ask: Spend, deadline: Instant) -> Option<Spent> {
        if self.is_alone() {
            return None;
        }
        let usage = self.usage.clone();
        let asked = ask.clone();
        let answer = Box::pin(async move { usage.spend(&asked).await });
        let mut asked = Asked { left: Some(Left { answer, ask }), queue: &self.left };
        self.hear(timeout_at(deadline, asked.answer()).await.ok())
    }

    /// Returns the tokens that a subject has used today; none where nobody can be asked.
    pub(super) async fn used(&self, subject: &str, deadline: Instant) -> Option<u64> {
        if self.is_alone() {
            return None;
        }
        self.hear(timeout_at(deadline, self.usage.used(subject)).await.ok())
    }

    /// Says whether asking would be in vain: nobody answered a moment ago, or nobody answers those
    /// who ask for places.
    fn is_alone(&self) -> bool {
        let pauses = self.state().pause.is_some_and(|until| until > Instant::now());
        let standing = self.places.as_ref().map(|places| places.standing());
        pauses || standing == Some(Standing::Alone)
    }

    /// Notes how a question went, and says so where that has changed.
    fn hear<T>(&self, answer: Option<Result<T>>) -> Option<T> {
        let failed = !matches!(answer, Some(Ok(_)));
        let pause = failed.then(|| after(PAUSE));
        let failed_before = std::mem::replace(&mut self.state().pause, pause).is_some();
        match (answer, failed_before) {
            (Some(Ok(answer)), false) => Some(answer),
            (Some(Ok(answer)), true) => {
                tracing::info!("the store is back: quotas are shared again");
                Some(answer)
            }
            (answer, false) => {
                warn(answer.and_then(Result::err).as_ref());
                None
            }
            (_, true) => None,
        }
    }

    /// Notes that another number of tokens was used than was counted.
    pub(super) fn owe(&self, subject: &Arc<str>, day: u64, counted: u64, used: u64) {
        let signed = |tokens| i64::try_from(tokens).unwrap_or(i64::MAX);
        let more = signed(used).saturating_sub(signed(counted));
        if more != 0 {
            self.note(subject, day, more, Duration::ZERO);
        }
    }

    fn note(&self, subject: &Arc<str>, day: u64, tokens: i64, sooner: Duration) {
        let mut state = self.state();
        let owed = state.owed.entry((subject.clone(), day)).or_default();
        owed.tokens = owed.tokens.saturating_add(tokens);
        owed.sooner = owed.sooner.saturating_add(sooner);
    }

    /// Takes back what was given to somebody who had left.
    fn take_back(&self, (ask, answer): (Spend, Result<Spent>)) {
        let Ok(spent) = answer else { return };
        if spent.short.is_none() {
            let sooner = ask.requests_per_minute.map(minute::interval).unwrap_or_default();
            let tokens = i64::try_from(ask.tokens).unwrap_or(i64::MAX);
            self.note(&ask.subject, spent.day, -tokens, sooner);
        }
    }

    /// Does the background work until told to stop, then tells what is left.
    pub(super) async fn work(&self, mut stopped: watch::Receiver<()>) {
        let mut queue = self.queue.lock().await;
        let mut answers = FuturesUnordered::new();
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(left) = queue.recv() => answers.push(left.end()),
                Some(ended) = answers.next(), if !answers.is_empty() => self.take_back(ended),
                _ = tick.tick() => if let Err(error) = self.tell().await {
                    tracing::debug!(%error, "what client keys use is told later");
                },
                _ = stopped.changed() => break,
            }
        }
        queue.close();
        while let Some(left) = queue.recv().await {
            answers.push(left.end());
        }
        while let Some(ended) = answers.next().await {
            self.take_back(ended);
        }
        if let Err(error) = self.tell().await {
            tracing::warn!(%error, "what client keys used last could not be told");
        }
    }

    /// Tells all that is owed.
    async fn tell(&self) -> Result<()> {
        while let Some((name, corrections)) = self.next_batch() {
            let told = self.usage.correct(&name, &corrections).await;
            if told.is_err() {
                self.state().sent = Some((name, corrections));
            }
            told?;
        }
        Ok(())
    }

    /// One that may have arrived all the same is sent again under its name, and as it was.
    fn next_batch(&self) -> Option<(String, Vec<Correction>)> {
        let mut state = self.state();
        if let Some(sent) = state.sent.take() {
            return Some(sent);
        }
        let some: Vec<_> = state.owed.keys().take(AT_ONCE).cloned().collect();
        let correction = |key: (Arc<str>, u64)| {
            let Owed { tokens, sooner } = state.owed.remove(&key)?;
            let (subject, day) = key;
            Some(Correction { subject, day, tokens, sooner })
        };
        let corrections: Vec<_> = some.into_iter().filter_map(correction).collect();
        let name = || Uuid::new_v4().simple().to_string();
        (!corrections.is_empty()).then(|| (name(), corrections))
    }
}

impl Left {
    async fn end(self) -> (Spend, Result<Spent>) {
        (self.ask, self.answer.await)
    }
}

/// A question under way. Where its asker leaves it goes on: what is given to nobody is taken back.
struct Asked<'a> {
    left: Option<Left>,
    queue: &'a UnboundedSender<Left>,
}

impl Asked<'_> {
    async fn answer(&mut self) -> Result<Spent> {
        poll_fn(|context| {
            let Some(left) = &mut self.left else { return Poll::Pending };
            let answer = ready!(left.answer.as_mut().poll(context));
            self.left = None;
            Poll::Ready(answer)
        })
        .await
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if let Some(left) = self.left.take() {
            // Nobody reads any more: the engine has stopped.
            let _ = self.queue.send(left);
        }
    }
}

fn warn(error: Option<&Error>) {
    let said = "the store does not count requests: this server goes on with what it knows";
    match error {
        Some(error) => tracing::warn!(%error, "{said}"),
        None => tracing::warn!("{said}"),
    }
}
