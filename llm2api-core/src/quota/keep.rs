//! Keeps the tokens of the day over a restart, where this process is alone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, watch};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::meter::SERIES;
use super::shared::Shared;
use crate::error::Result;
use crate::store::{Count, Store};

/// How often tokens are handed to the store.
const EVERY: Duration = Duration::from_secs(5);
/// The first request waits no longer for the store.
const PATIENCE: Duration = Duration::from_millis(700);

/// The store, and what it was told.
pub(super) struct Keep {
    store: Arc<dyn Store>,
    /// That the store was asked once what it has kept.
    asked: OnceCell<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Counters of days that are over.
    old: Vec<String>,
    /// A batch that may have arrived or not.
    sent: Option<(String, Vec<Count>)>,
}

impl Keep {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, asked: OnceCell::new(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what an earlier process has kept. Where that fails tokens count from 0, until the store
    /// can be read.
    pub(super) async fn ready(&self, shared: &Shared) {
        let ask = async || match timeout(PATIENCE, self.load(shared)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "what was used today cannot be read, and is counted later");
            }
            Err(_) => tracing::warn!("the store is slow: what was used today is counted later"),
        };
        self.asked.get_or_init(ask).await;
    }

    /// Does the background work until told to stop, then keeps what is left. A write that was begun
    /// is waited for: else nobody would know whether it was made.
    pub(super) async fn work(&self, shared: &Shared, mut stopped: watch::Receiver<()>) {
        self.ready(shared).await;
        loop {
            let stops = tokio::select! {
                () = sleep(EVERY) => false,
                _ = stopped.changed() => true,
            };
            let saved = match self.save(shared).await {
                // That may have been an earlier batch: what came after it is still to be written.
                Ok(()) if stops => self.save(shared).await,
                saved => saved,
            };
            if stops {
                return saved.unwrap_or_else(|error| {
                    tracing::warn!(%error, "the last tokens of client keys could not be kept");
                });
            }
            if let Err(error) = self.follow_days(shared, saved).await {
                tracing::debug!(%error, "what client keys use is kept later");
            }
        }
    }

    async fn load(&self, shared: &Shared) -> Result<()> {
        let counts = self.store.counts(SERIES).await?;
        let old = shared.meter().load(shared.now().day(), counts);
        self.state().old = old;
        Ok(())
    }

    async fn save(&self, shared: &Shared) -> Result<()> {
        // One that may have arrived all the same is sent again under its name, and as it was.
        let sent = self.state().sent.take();
        let new = || (Uuid::new_v4().simple().to_string(), shared.meter().unsaved());
        let (name, counts) = sent.unwrap_or_else(new);
        if counts.is_empty() {
            return Ok(());
        }
        let added = self.store.add(&name, &counts, &[]).await;
        if added.is_err() {
            self.state().sent = Some((name, counts));
        }
        added
    }

    /// Once all is saved, reads the counters of a day that has begun, and forgets those of days that
    /// are over.
    async fn follow_days(&self, shared: &Shared, saved: Result<()>) -> Result<()> {
        saved?;
        let is_loaded = shared.meter().is_loaded(shared.now().day());
        if !is_loaded {
            self.load(shared).await?;
        }
        loop {
            let Some(series) = self.state().old.pop() else { return Ok(()) };
            if let Err(error) = self.store.forget(&series).await {
                self.state().old.push(series);
                return Err(error);
            }
        }
    }
}
