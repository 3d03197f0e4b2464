//! A store that has room for so many accounts, and may keep no small values.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use llm2api_core::store::{
    Changes, Count, Inserted, MemoryStore, OutboxEntry, Point, PointsAsk, Row, Sealed, Store,
    Swapped, Version,
};
use llm2api_core::{CredentialId, Error, ErrorKind, Result};
use tokio::task::yield_now;

#[derive(Debug)]
pub(crate) struct FrailStore {
    inner: MemoryStore,
    inserts: AtomicU32,
    /// Whether small values that are set are kept.
    pub(crate) keeps_values: AtomicBool,
}

impl FrailStore {
    pub(crate) fn new(room: u32) -> Self {
        let (inserts, keeps_values) = (AtomicU32::new(room), AtomicBool::new(true));
        Self { inner: MemoryStore::default(), inserts, keeps_values }
    }
}

#[async_trait]
impl Store for FrailStore {
    async fn rows(&self) -> Result<(Vec<Row>, Version)> {
        self.inner.rows().await
    }

    async fn insert(&self, row: &Row) -> Result<Inserted> {
        // The others take their time: they are under way when one fails.
        yield_now().await;
        let one_less = |left: u32| left.checked_sub(1);
        match self.inserts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
            Ok(_) => self.inner.insert(row).await,
            Err(_) => Err(Error::new(ErrorKind::Store, "add credential", "the disk is full")),
        }
    }

    async fn changes(&self, since: Version) -> Result<Changes> {
        self.inner.changes(since).await
    }

    async fn replace(&self, row: &Row) -> Result<Inserted> {
        self.inner.replace(row).await
    }

    async fn set_account(&self, id: &CredentialId, account: &str) -> Result<Inserted> {
        self.inner.set_account(id, account).await
    }

    async fn set_profile(&self, id: &CredentialId, old: &str, new: &str) -> Result<Swapped> {
        self.inner.set_profile(id, old, new).await
    }

    async fn set_health(&self, health: &[(CredentialId, String)]) -> Result<()> {
        self.inner.set_health(health).await
    }

    async fn remove(&self, id: &CredentialId) -> Result<bool> {
        self.inner.remove(id).await
    }

    async fn reseal(&self, id: &CredentialId, old: &Sealed, new: &Sealed) -> Result<bool> {
        self.inner.reseal(id, old, new).await
    }

    async fn value(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.inner.value(name).await
    }

    async fn set_value(&self, name: &str, expected: Option<&[u8]>, value: &[u8]) -> Result<bool> {
        if !self.keeps_values.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Store, "set value", "the disk is full"));
        }
        self.inner.set_value(name, expected, value).await
    }

    async fn add(&self, batch: &str, counts: &[Count], points: &[Point]) -> Result<()> {
        self.inner.add(batch, counts, points).await
    }

    async fn points(&self, ask: &PointsAsk) -> Result<Vec<Point>> {
        self.inner.points(ask).await
    }

    async fn forget(&self, series: &str) -> Result<()> {
        self.inner.forget(series).await
    }

    async fn counts(&self, prefix: &str) -> Result<Vec<Count>> {
        self.inner.counts(prefix).await
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
