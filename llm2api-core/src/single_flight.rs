//! What is done by one caller at a time: asking for a value that is kept for a while, and turns.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync;
use tokio::time::{Instant, timeout};

use crate::clock::after;
use crate::error::{Error, ErrorKind, Result};

/// Longest time that asking may take by default, so that nobody blocks those who wait behind him.
const PATIENCE: Duration = Duration::from_secs(5);

/// A cached answer. Of callers that come together one asks, and the others get what he gets; an old
/// value serves while somebody asks, and while asking fails.
#[derive(Debug)]
pub(crate) struct Cached<T> {
    life: Duration,
    pause: Duration,
    patience: Duration,
    state: Mutex<State<T>>,
    asking: sync::Mutex<()>,
}

#[derive(Debug)]
struct State<T> {
    value: Option<T>,
    failure: Option<Error>,
    until: Option<Instant>,
    round: u64,
}

impl<T: Clone> Cached<T> {
    /// Keeps a value for `life`; after a failure nobody asks again for `pause`.
    pub(crate) fn new(life: Duration, pause: Duration) -> Self {
        let state = State { value: None, failure: None, until: None, round: 0 };
        let (state, asking) = (Mutex::new(state), sync::Mutex::new(()));
        Self { life, pause, patience: PATIENCE, state, asking }
    }

    /// Lets asking take so long; 5 s by default.
    #[cfg(feature = "web-search")]
    pub(crate) fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns the value, calling `ask` if there is no fresh one.
    pub(crate) async fn get(&self, ask: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
        let (round, old) = match self.fresh() {
            Ok(answer) => return answer,
            Err(state) => state,
        };
        let turn = match (self.asking.try_lock(), old) {
            (Ok(turn), _) => turn,
            (Err(_), Some(old)) => return Ok(old),
            (Err(_), None) => self.asking.lock().await,
        };
        // Somebody's bad credential says nothing about that of the next, who asks for himself.
        if self.state().wants_another(round) {
            let asked = timeout(self.patience, ask()).await.unwrap_or_else(|_| Err(slow()));
            self.learn(asked);
        }
        drop(turn);
        self.state().answer()
    }

    /// Returns what is known, however old.
    pub(crate) fn known(&self) -> Option<T> {
        self.state().value.clone()
    }

    /// Returns the code of the last failure, unless asking has succeeded since.
    pub(crate) fn failure(&self) -> Option<&'static str> {
        self.state().failure.as_ref().map(Error::code)
    }

    /// Returns what is known if it is fresh, else the round and the old value.
    fn fresh(&self) -> std::result::Result<Result<T>, (u64, Option<T>)> {
        let state = self.state();
        if state.until.is_some_and(|until| Instant::now() < until) {
            return Ok(state.answer());
        }
        Err((state.round, state.value.clone()))
    }

    fn learn(&self, asked: Result<T>) {
        let mut state = self.state();
        state.round += 1;
        match asked {
            Ok(value) => {
                (state.value, state.failure) = (Some(value), None);
                state.until = Some(after(self.life));
            }
            Err(error) => {
                state.failure = Some(error);
                state.until = Some(after(self.pause));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> State<T> {
    /// Says whether one who came in this round has to ask himself.
    fn wants_another(&self, round: u64) -> bool {
        let kind = self.failure.as_ref().filter(|_| self.value.is_none()).map(Error::kind);
        self.round == round
            || matches!(kind, Some(ErrorKind::CredentialRejected | ErrorKind::CredentialForbidden))
    }

    fn answer(&self) -> Result<T> {
        match (&self.value, &self.failure) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(failure)) => Err(failure.copy()),
            (None, None) => Err(slow()),
        }
    }
}

/// One turn at a time for each key.
#[derive(Debug)]
pub(crate) struct Turns<K> {
    taken: Mutex<HashMap<K, Arc<sync::Mutex<()>>>>,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self { taken: Mutex::default() }
    }
}

impl<K: Eq + Hash + Clone> Turns<K> {
    /// Waits for the turn of `key`; it ends when what is returned is dropped.
    pub(crate) async fn take(&self, key: &K) -> sync::OwnedMutexGuard<()> {
        let turn = {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody waits for a turn that only this map knows.
            taken.retain(|_, turn| Arc::strong_count(turn) > 1);
            taken.entry(key.clone()).or_default().clone()
        };
        turn.lock_owned().await
    }
}

fn slow() -> Error {
    let message = "the upstream did not answer a question in time";
    Error::new(ErrorKind::Timeout, "ask upstream", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::time::{advance, sleep};

    const LIFE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn callers_that_come_together_ask_once() {
        let (cached, asked) = (Cached::new(LIFE, Duration::ZERO), AtomicU32::new(0));
        let call = || {
            cached.get(async || {
                asked.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_secs(1)).await;
                Err::<u8, _>(slow())
            })
        };
        let all = futures::future::join_all((0..10).map(|_| call())).await;
        assert!(all.iter().all(Result::is_err));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert!(call().await.is_err());
        assert_eq!(asked.load(Ordering::Relaxed), 2, "who comes later asks again");
    }

    #[tokio::test]
    async fn what_is_told_to_several_is_the_whole_error() {
        let cached = Cached::<u8>::new(LIFE, LIFE);
        let limited = || {
            Error::new(ErrorKind::RateLimited, "ask", "slow down")
                .with_code("rate_limit")
                .with_status(429)
                .with_retry_after(LIFE)
        };
        for _ in 0..2 {
            let told = cached.get(async || Err(limited())).await.expect_err("limited");
            assert_eq!((told.code(), told.retry_after()), ("rate_limit", Some(LIFE)));
            assert_eq!((told.to_string(), told.status()), (limited().to_string(), Some(429)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_credential_fails_its_own_caller_only() {
        let cached = Cached::new(LIFE, Duration::ZERO);
        let dead = || Error::new(ErrorKind::CredentialRejected, "ask", "signed out");
        let ask = |answer: Result<u8>| {
            cached.get(async || {
                sleep(Duration::from_secs(1)).await;
                answer
            })
        };
        let (first, second, third) = tokio::join!(ask(Err(dead())), ask(Ok(1)), ask(Ok(2)));
        assert!(first.is_err());
        assert_eq!((second.expect("its own"), third.expect("the same")), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_value_serves_while_the_upstream_hangs() {
        let cached = Cached::new(LIFE, Duration::from_secs(5));
        assert_eq!(cached.get(async || Ok(1)).await.expect("asked"), 1);
        advance(LIFE).await;
        let hang = || cached.get(async || std::future::pending().await);
        let before = Instant::now();
        let (first, second) = tokio::join!(hang(), async {
            let value = hang().await;
            (value, before.elapsed())
        });
        assert_eq!(first.expect("the old one"), 1);
        assert_eq!(second.0.expect("the old one"), 1);
        assert_eq!(second.1, Duration::ZERO, "nobody waits behind the one who asks");
    }
}
