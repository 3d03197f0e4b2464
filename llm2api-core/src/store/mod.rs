//! What outlives a process: credentials, for now.
//!
//! One engine a file. The engines that keep what they are given on disk or in a fleet come with accounts;
//! all of them pass one suite.

mod memory;

use std::fmt::Debug;

use async_trait::async_trait;

pub use memory::MemoryStore;

use crate::credential::{Credential, CredentialId};
use crate::error::Result;

/// Keeps what the engine must not lose.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// Returns all credentials.
    async fn credentials(&self) -> Result<Vec<Credential>>;

    /// Keeps a credential; once this returns, it is kept.
    async fn put(&self, credential: &Credential) -> Result<()>;

    /// Forgets a credential; says whether it was there.
    async fn remove(&self, id: &CredentialId) -> Result<bool>;
}
