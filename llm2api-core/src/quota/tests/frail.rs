//! A store that keeps counters, unless it is told to fail or to hang.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;

use crate::credential::CredentialId;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{
    Count, Inserted, MemoryStore, OutboxEntry, Row, Sealed, Store, Swapped, Version,
};

#[derive(Clone, Debug, Default)]
pub(super) struct Frail {
    pub(super) inner: Arc<MemoryStore>,
    mood: Arc<AtomicU8>,
}

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Works,
    Fails,
    Hangs,
}

impl Frail {
    pub(super) fn set(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::Relaxed);
    }

    fn is(&self, mood: Mood) -> bool {
        self.mood.load(Ordering::Relaxed) == mood as u8
    }

    async fn answer<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        if self.is(Mood::Hangs) {
            pending::<()>().await;
        }
        if self.is(Mood::Fails) {
            return Err(Error::new(ErrorKind::Store, "count", "the disk is full"));
        }
        work.await
    }
}

#[async_trait]
impl Store for Frail {
    async fn add(&self, batch: &str, counts: &[Count]) -> Result<()> {
        self.answer(self.inner.add(batch, counts)).await
    }

    async fn forget(&self, series: &str) -> Result<()> {
        self.answer(self.inner.forget(series)).await
    }

    async fn counts(&self, prefix: &str) -> Result<Vec<Count>> {
        self.answer(self.inner.counts(prefix)).await
    }

    async fn rows(&self) -> Result<(Vec<Row>, Version)> {
        self.inner.rows().await
    }

    async fn insert(&self, row: &Row) -> Result<Inserted> {
        self.inner.insert(row).await
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
        self.inner.set_value(name, expected, value).await
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
