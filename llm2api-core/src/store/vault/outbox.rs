//! The outbox: what has to be done whatever becomes of this process, sealed with the secret that it
//! takes.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::super::{OutboxEntry, Sealed};
use super::{Vault, material};
use crate::credential::{Credential, CredentialId};
use crate::error::{Error, ErrorKind, Result};

/// A clean-up that was kept. It brings its credential, which may have been removed or replaced, or
/// was nobody's but an anonymous caller's.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeptCleanup {
    /// Its id.
    pub id: String,
    /// Whose session did what is to be cleaned up.
    pub credential: Credential,
    /// What is to be done, as the engine writes it.
    pub details: String,
}

/// The text that is sealed.
#[derive(Serialize)]
struct Plain<'a> {
    upstream: &'a str,
    credential: &'a str,
    material: &'a str,
    details: &'a str,
}

/// The same text as it is read.
#[derive(Deserialize)]
struct Opened {
    upstream: String,
    credential: String,
    material: String,
    details: String,
}

impl Vault {
    /// Keeps a clean-up, in the place of one with its id, until it is [forgotten].
    ///
    /// [forgotten]: Self::forget_cleanups
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// use std::sync::Arc;
    /// use llm2api_core::Credential;
    /// use llm2api_core::store::{Keyring, MemoryStore, Vault};
    ///
    /// let vault = Vault::open(Arc::new(MemoryStore::default()), Keyring::random()).await?;
    /// let credential = Credential::parse("team-chat", "hf-chat=abc")?;
    /// vault.keep_cleanup("1", &credential, "delete 66f").await?;
    /// assert_eq!(vault.cleanups().await?[0].details, "delete 66f");
    /// vault.forget_cleanups(&["1".into()]).await?;
    /// # Ok(()) }
    /// ```
    pub async fn keep_cleanup(
        &self,
        id: &str,
        credential: &Credential,
        details: &str,
    ) -> Result<()> {
        let sealed = self.seal_cleanup(id, credential, details)?;
        self.inner.store.put_outbox(&OutboxEntry { id: id.to_owned(), sealed }).await
    }

    /// Seals a clean-up with its secret.
    pub(super) fn seal_cleanup(
        &self,
        id: &str,
        credential: &Credential,
        details: &str,
    ) -> Result<Sealed> {
        let material = material::encode(credential.material());
        let plain = Plain {
            upstream: credential.upstream(),
            credential: credential.id().as_str(),
            material: std::str::from_utf8(&material).map_err(|_| no_text())?,
            details,
        };
        // Room for everything, so that no part of a secret is left behind by growing.
        let room = 2 * (material.len() + details.len()) + 256;
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        serde_json::to_writer(&mut *text, &plain).map_err(|_| no_text())?;
        self.inner.keyring.seal(&self.last_key(), &name(id), &text)
    }

    /// Forgets clean-ups that are done.
    pub async fn forget_cleanups(&self, ids: &[String]) -> Result<()> {
        self.inner.store.remove_outbox(ids).await
    }

    /// Takes over the clean-ups that nobody is at work on any more. One that does not open, as its
    /// key is lost, is logged and forgotten.
    pub async fn take_cleanups(&self) -> Result<Vec<KeptCleanup>> {
        // New ones are to be sealed under the key of the moment, which another server may change.
        self.current_key().await?;
        let taken = self.inner.store.take_outbox().await?;
        Ok(self.open_or_forget(taken).await)
    }

    /// Opens entries that are this process's to do.
    pub(super) async fn open_or_forget(&self, entries: Vec<OutboxEntry>) -> Vec<KeptCleanup> {
        let (mut open, mut lost) = (Vec::new(), Vec::new());
        for entry in entries {
            match self.open_cleanup(&entry) {
                Some(cleanup) => open.push(cleanup),
                None => lost.push(entry.id),
            }
        }
        if !lost.is_empty() {
            let key = "the master key they were sealed under is lost";
            tracing::warn!(count = lost.len(), "clean-ups cannot be done: {key}");
            if let Err(error) = self.forget_cleanups(&lost).await {
                tracing::debug!(%error, "they stay in the store");
            }
        }
        open
    }

    /// Returns all clean-ups that open, whoever is at work on them.
    pub async fn cleanups(&self) -> Result<Vec<KeptCleanup>> {
        let entries = self.inner.store.outbox().await?;
        Ok(entries.iter().filter_map(|entry| self.open_cleanup(entry)).collect())
    }

    fn open_cleanup(&self, entry: &OutboxEntry) -> Option<KeptCleanup> {
        let text = self.inner.keyring.open(&name(&entry.id), &entry.sealed)?;
        let Opened { upstream, credential, material, details } =
            serde_json::from_slice(&text).ok()?;
        let material = material::decode(Zeroizing::new(material).as_bytes())?;
        let id = CredentialId::from_text(credential);
        let credential = Credential::with_id(id, upstream, material);
        Some(KeptCleanup { id: entry.id.clone(), credential, details })
    }
}

/// What an entry is tied to.
fn name(id: &str) -> String {
    format!("cleanup {id}")
}

fn no_text() -> Error {
    Error::new(ErrorKind::Internal, "keep clean-up", "a clean-up does not become JSON")
}
