//! A store for tests that fails, hangs, or does its work and loses the answer.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;

use super::{
    AuditEntry, Count, Inserted, Listing, MemoryStore, OutboxEntry, Point, PointsAsk, RecordChange,
    Records, Row, Sealed, Store, Swapped, Version,
};
use crate::credential::CredentialId;
use crate::error::{Error, ErrorKind, Result};

#[derive(Clone, Debug, Default)]
pub(crate) struct Moody {
    pub(crate) inner: Arc<MemoryStore>,
    mood: Arc<AtomicU8>,
}

/// How it answers: counters fail and hang, and changes of records get lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Works,
    /// Counters are neither kept nor read.
    Fails,
    /// Counters are waited for in vain.
    Hangs,
    /// A change is made, and nobody says so.
    LosesAnswers,
    /// A change is not made.
    LosesQuestions,
    /// A change is made, nobody says so, and from then on the store is [away](Mood::Away).
    GoesAway,
    Away,
}

impl Moody {
    pub(crate) fn set(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::Relaxed);
    }

    fn is(&self, mood: Mood) -> bool {
        self.mood.load(Ordering::Relaxed) == mood as u8
    }

    async fn count<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        if self.is(Mood::Hangs) {
            pending::<()>().await;
        }
        if self.is(Mood::Fails) {
            return Err(Error::new(ErrorKind::Store, "count", "the disk is full"));
        }
        work.await
    }
}

fn no_answer(message: &str) -> Error {
    Error::new(ErrorKind::Store, "store", message)
}

#[async_trait]
impl Records for Moody {
    async fn records(&self, collection: &str, known: Option<Version>) -> Result<Option<Listing>> {
        Records::records(&*self.inner, collection, known).await
    }

    async fn record(&self, collection: &str, id: &str) -> Result<Option<String>> {
        if self.is(Mood::Away) {
            return Err(no_answer("it is away"));
        }
        self.inner.record(collection, id).await
    }

    async fn change_record(&self, change: &RecordChange) -> Result<Swapped> {
        if self.is(Mood::LosesQuestions) || self.is(Mood::Away) {
            return Err(no_answer("the change is lost"));
        }
        let answer = self.inner.change_record(change).await?;
        if self.is(Mood::GoesAway) {
            self.set(Mood::Away);
        } else if !self.is(Mood::LosesAnswers) {
            return Ok(answer);
        }
        Err(no_answer("the answer is lost"))
    }

    async fn audit(&self, entry: &AuditEntry) -> Result<()> {
        self.inner.audit(entry).await
    }

    async fn audit_log(&self, limit: usize) -> Result<Vec<AuditEntry>> {
        self.inner.audit_log(limit).await
    }
}

#[async_trait]
impl Store for Moody {
    fn records(&self) -> Option<&dyn Records> {
        Some(self)
    }

    async fn add(&self, batch: &str, counts: &[Count], points: &[Point]) -> Result<()> {
        self.count(self.inner.add(batch, counts, points)).await
    }

    async fn points(&self, ask: &PointsAsk) -> Result<Vec<Point>> {
        self.count(self.inner.points(ask)).await
    }

    async fn forget(&self, series: &str) -> Result<()> {
        self.count(self.inner.forget(series)).await
    }

    async fn counts(&self, prefix: &str) -> Result<Vec<Count>> {
        self.count(self.inner.counts(prefix)).await
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
