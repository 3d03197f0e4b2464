//! Records in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::super::{
    AuditEntry, Listing, MOST_AUDIT_ENTRIES, RecordChange, Records, Swapped, Version,
};
use super::MemoryStore;
use crate::error::Result;

#[derive(Debug, Default)]
pub(super) struct Shelf {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    collections: BTreeMap<String, Collection>,
    log: VecDeque<AuditEntry>,
}

#[derive(Debug, Default)]
struct Collection {
    records: BTreeMap<String, String>,
    version: u64,
}

impl Shelf {
    #[cfg(test)]
    pub(super) fn lose(&self) {
        *self.inner() = Inner::default();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn note(&mut self, entry: &AuditEntry) {
        self.log.push_front(entry.clone());
        self.log.truncate(MOST_AUDIT_ENTRIES);
    }
}

#[async_trait]
impl Records for MemoryStore {
    async fn records(&self, collection: &str, known: Option<Version>) -> Result<Option<Listing>> {
        let inner = self.shelf.inner();
        let Some(found) = inner.collections.get(collection) else {
            let empty = Listing::new(Vec::new(), Version(0));
            return Ok((known != Some(Version(0))).then_some(empty));
        };
        if known == Some(Version(found.version)) {
            return Ok(None);
        }
        let records = found.records.iter().map(|(id, text)| (id.clone(), text.clone())).collect();
        Ok(Some(Listing::new(records, Version(found.version))))
    }

    async fn record(&self, collection: &str, id: &str) -> Result<Option<String>> {
        let inner = self.shelf.inner();
        let collection = inner.collections.get(collection);
        Ok(collection.and_then(|collection| collection.records.get(id)).cloned())
    }

    async fn change_record(&self, change: &RecordChange) -> Result<Swapped> {
        let mut inner = self.shelf.inner();
        let collection = inner.collections.entry(change.collection.to_owned()).or_default();
        let found = collection.records.get(&change.id);
        if found != change.expected.as_ref() {
            return Ok(found.cloned().map_or(Swapped::Missing, Swapped::Other));
        }
        collection.records.insert(change.id.clone(), change.text.clone());
        collection.version += 1;
        inner.note(&change.audit);
        Ok(Swapped::Done)
    }

    async fn audit(&self, entry: &AuditEntry) -> Result<()> {
        self.shelf.inner().note(entry);
        Ok(())
    }

    async fn audit_log(&self, limit: usize) -> Result<Vec<AuditEntry>> {
        Ok(self.shelf.inner().log.iter().take(limit).cloned().collect())
    }
}
