//! A store that takes its time, so that what runs at once meets in between, and that may play one
//! which several servers share and which loses what it has.

use std::collections::HashSet;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use llm2api_core::store::{
    Ask, Changes, Count, Inserted, MemoryStore, OutboxEntry, Places, Point, PointsAsk, Row, Sealed,
    Standing, Store, Swapped, Taken, Version,
};
use llm2api_core::{CredentialId, Result};
use tokio::time::sleep;

/// Before and after each step.
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug, Default)]
pub(crate) struct SlowStore {
    inner: MemoryStore,
    /// What another server has removed after the loss; present where several servers share it.
    removed_since: Option<Mutex<HashSet<CredentialId>>>,
    lost: AtomicBool,
}

impl SlowStore {
    /// Makes one that several servers share.
    pub(crate) fn shared() -> Self {
        Self { removed_since: Some(Mutex::default()), ..Self::default() }
    }

    /// Loses its rows; another server removes `removed` after the news were read.
    pub(crate) async fn lose(&self, removed: &CredentialId) {
        for row in self.inner.rows().await.expect("rows").0 {
            self.inner.remove(&row.id).await.expect("an answer");
        }
        let removed_since = self.removed_since.as_ref().expect("a shared one");
        removed_since.lock().expect("no panic").insert(removed.clone());
        self.lost.store(true, Ordering::Relaxed);
    }
}

/// Places without end, for servers that share nothing else.
#[derive(Debug)]
struct Endless;

#[async_trait]
impl Places for Endless {
    async fn take(&self, _: &Ask) -> Taken {
        Taken::Place(0)
    }

    fn give_back(&self, _: &CredentialId, _: u64) {}

    async fn tend(&self) {
        pending::<()>().await;
    }

    fn standing(&self) -> Standing {
        Standing::Joined
    }
}

async fn slowly<T>(step: impl Future<Output = T>) -> T {
    sleep(PAUSE).await;
    let done = step.await;
    sleep(PAUSE).await;
    done
}

#[async_trait]
impl Store for SlowStore {
    async fn rows(&self) -> Result<(Vec<Row>, Version)> {
        slowly(self.inner.rows()).await
    }

    async fn insert(&self, row: &Row) -> Result<Inserted> {
        slowly(self.inner.insert(row)).await
    }

    async fn put_back(&self, row: &Row) -> Result<Inserted> {
        let removed = self.removed_since.as_ref();
        match removed.is_some_and(|ids| ids.lock().expect("no panic").contains(&row.id)) {
            true => Ok(Inserted::Missing),
            false => self.insert(row).await,
        }
    }

    async fn changes(&self, since: Version) -> Result<Changes> {
        let mut changes = Changes::none(since);
        changes.reset = self.lost.swap(false, Ordering::Relaxed);
        Ok(changes)
    }

    fn places(&self) -> Option<Arc<dyn Places>> {
        self.removed_since.as_ref().map(|_| Arc::new(Endless) as Arc<dyn Places>)
    }

    async fn replace(&self, row: &Row) -> Result<Inserted> {
        slowly(self.inner.replace(row)).await
    }

    async fn set_account(&self, id: &CredentialId, account: &str) -> Result<Inserted> {
        slowly(self.inner.set_account(id, account)).await
    }

    async fn set_profile(&self, id: &CredentialId, old: &str, new: &str) -> Result<Swapped> {
        slowly(self.inner.set_profile(id, old, new)).await
    }

    async fn set_health(&self, health: &[(CredentialId, String)]) -> Result<()> {
        slowly(self.inner.set_health(health)).await
    }

    async fn remove(&self, id: &CredentialId) -> Result<bool> {
        slowly(self.inner.remove(id)).await
    }

    async fn reseal(&self, id: &CredentialId, old: &Sealed, new: &Sealed) -> Result<bool> {
        slowly(self.inner.reseal(id, old, new)).await
    }

    async fn value(&self, name: &str) -> Result<Option<Vec<u8>>> {
        slowly(self.inner.value(name)).await
    }

    async fn set_value(&self, name: &str, expected: Option<&[u8]>, value: &[u8]) -> Result<bool> {
        slowly(self.inner.set_value(name, expected, value)).await
    }

    async fn add(&self, batch: &str, counts: &[Count], points: &[Point]) -> Result<()> {
        slowly(self.inner.add(batch, counts, points)).await
    }

    async fn points(&self, ask: &PointsAsk) -> Result<Vec<Point>> {
        slowly(self.inner.points(ask)).await
    }

    async fn forget(&self, series: &str) -> Result<()> {
        slowly(self.inner.forget(series)).await
    }

    async fn counts(&self, prefix: &str) -> Result<Vec<Count>> {
        slowly(self.inner.counts(prefix)).await
    }

    async fn put_outbox(&self, entry: &OutboxEntry) -> Result<()> {
        self.inner.put_outbox(entry).await
    }

    async fn remove_outbox(&self, ids: &[String]) -> Result<()> {
        self.inner.remove_outbox(ids).await
    }

    async fn outbox(&self) -> Result<Vec<OutboxEntry>> {
        self.inner.outbox().await
    }

    async fn take_outbox(&self) -> Result<Vec<OutboxEntry>> {
        self.inner.take_outbox().await
    }
}
