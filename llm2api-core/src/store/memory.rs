//! A store that forgets everything with the process.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::Store;
use crate::credential::{Credential, CredentialId};
use crate::error::Result;

/// Keeps everything in memory.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::Credential;
/// use llm2api_core::store::{MemoryStore, Store};
///
/// let store = MemoryStore::default();
/// store.put(&Credential::anonymous("local")).await?;
/// assert_eq!(store.credentials().await?.len(), 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore {
    credentials: Mutex<Vec<Credential>>,
}

impl MemoryStore {
    fn list(&self) -> MutexGuard<'_, Vec<Credential>> {
        // Nothing panics while it holds the lock.
        self.credentials.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn credentials(&self) -> Result<Vec<Credential>> {
        Ok(self.list().clone())
    }

    async fn put(&self, credential: &Credential) -> Result<()> {
        let mut list = self.list();
        list.retain(|kept| kept.id() != credential.id());
        list.push(credential.clone());
        Ok(())
    }

    async fn remove(&self, id: &CredentialId) -> Result<bool> {
        let mut list = self.list();
        let before = list.len();
        list.retain(|kept| kept.id() != id);
        Ok(list.len() < before)
    }
}
