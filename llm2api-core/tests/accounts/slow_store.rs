//! A store that takes its time, so that what runs at once meets in between.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use llm2api_core::store::{Count, Inserted, MemoryStore, Row, Sealed, Store, Swapped, Version};
use llm2api_core::{CredentialId, Result};
use tokio::time::sleep;

/// Before and after each step.
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug, Default)]
pub(crate) struct SlowStore(pub(crate) Arc<MemoryStore>);

async fn slowly<T>(step: impl Future<Output = T>) -> T {
    sleep(PAUSE).await;
    let done = step.await;
    sleep(PAUSE).await;
    done
}

#[async_trait]
impl Store for SlowStore {
    async fn rows(&self) -> Result<(Vec<Row>, Version)> {
        slowly(self.0.rows()).await
    }

    async fn insert(&self, row: &Row) -> Result<Inserted> {
        slowly(self.0.insert(row)).await
    }

    async fn replace(&self, row: &Row) -> Result<Inserted> {
        slowly(self.0.replace(row)).await
    }

    async fn set_account(&self, id: &CredentialId, account: &str) -> Result<Inserted> {
        slowly(self.0.set_account(id, account)).await
    }

    async fn set_profile(&self, id: &CredentialId, old: &str, new: &str) -> Result<Swapped> {
        slowly(self.0.set_profile(id, old, new)).await
    }

    async fn set_health(&self, health: &[(CredentialId, String)]) -> Result<()> {
        slowly(self.0.set_health(health)).await
    }

    async fn remove(&self, id: &CredentialId) -> Result<bool> {
        slowly(self.0.remove(id)).await
    }

    async fn reseal(&self, id: &CredentialId, old: &Sealed, new: &Sealed) -> Result<bool> {
        slowly(self.0.reseal(id, old, new)).await
    }

    async fn value(&self, name: &str) -> Result<Option<Vec<u8>>> {
        slowly(self.0.value(name)).await
    }

    async fn set_value(&self, name: &str, expected: Option<&[u8]>, value: &[u8]) -> Result<bool> {
        slowly(self.0.set_value(name, expected, value)).await
    }

    async fn add(&self, batch: &str, counts: &[Count]) -> Result<()> {
        slowly(self.0.add(batch, counts)).await
    }

    async fn forget(&self, series: &str) -> Result<()> {
        slowly(self.0.forget(series)).await
    }

    async fn counts(&self, prefix: &str) -> Result<Vec<Count>> {
        slowly(self.0.counts(prefix)).await
    }
}
