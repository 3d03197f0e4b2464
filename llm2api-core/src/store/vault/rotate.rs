//! From one master key to the next, while servers run.

use std::collections::HashSet;

use futures::{StreamExt, TryStreamExt, stream};

use super::super::KeyId;
use super::Vault;
use crate::error::Result;

/// Rows that are sealed again at the same time, so that a store may write them together.
const AT_ONCE: usize = 64;

/// What a rotation has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotated {
    /// The key that is now current.
    pub key: KeyId,
    /// Rows that were sealed again.
    pub resealed: u64,
}

impl Vault {
    /// Moves every secret to another master key: a new one where the keys come from a file, the
    /// first of the keyring where they come from a setting.
    ///
    /// Servers may go on meanwhile. Killed at any point it leaves a store that opens, and may be
    /// started again. A key is dropped from the file once nothing is sealed under it and it is
    /// neither the current key nor the one before: a server that had looked at the key just
    /// before the change may still write under that one.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) where the key file cannot be
    /// written or a key is missing; [`ErrorKind::Store`](crate::ErrorKind::Store).
    pub async fn rotate(&self) -> Result<Rotated> {
        let current = self.current_key().await?;
        let next = self.next_key(&current)?;
        if next != current && !self.set_current_key(&current, &next).await? {
            tracing::warn!("another process rotates the master key too: going on with its key");
        }
        self.reseal_fingerprint_key().await?;
        let (resealed, mut used) = self.reseal_rows().await?;
        // These are done within a day, so they are left as they are.
        used.extend(self.inner.store.outbox().await?.into_iter().map(|entry| entry.sealed.key));
        // These are sealed anew with each turn, and gone a day after the last one.
        used.extend(self.conversations().await?.into_iter().map(|kept| kept.sealed.key));
        let key = self.current_key().await?;
        self.drop_old_keys(&key, &used)?;
        Ok(Rotated { key, resealed })
    }

    /// Returns the key to move to. One that comes before the current one is what a killed
    /// rotation has made, or what an operator has put there.
    fn next_key(&self, current: &KeyId) -> Result<KeyId> {
        let keyring = &self.inner.keyring;
        keyring.refresh()?;
        match keyring.first() {
            first if first != *current => Ok(first),
            _ if keyring.path().is_some() => keyring.rotate(),
            first => Ok(first),
        }
    }

    /// Seals rows again until a whole look at the store finds none that is left; says how many, and
    /// which keys are still used.
    async fn reseal_rows(&self) -> Result<(u64, HashSet<KeyId>)> {
        let mut resealed = 0;
        loop {
            let key = self.current_key().await?;
            let (rows, _) = self.inner.store.rows().await?;
            let left = rows.iter().filter(|row| row.sealed.key != key);
            let tried: Vec<_> = stream::iter(left.map(|row| self.reseal(row, &key)))
                .buffer_unordered(AT_ONCE)
                .try_collect()
                .await?;
            // Those that do not open have no answer: they stay, and so does their key.
            if tried.iter().all(Option::is_none) {
                return Ok((resealed, rows.into_iter().map(|row| row.sealed.key).collect()));
            }
            resealed += tried.iter().filter(|done| **done == Some(true)).count() as u64;
        }
    }

    fn drop_old_keys(&self, current: &KeyId, used: &HashSet<KeyId>) -> Result<()> {
        let keyring = &self.inner.keyring;
        if keyring.path().is_none() {
            return Ok(());
        }
        let ids = keyring.ids();
        let at = ids.iter().position(|id| id == current).unwrap_or(ids.len());
        let old: HashSet<_> = ids.into_iter().skip(at + 2).collect();
        if old.iter().all(|id| used.contains(id)) {
            return Ok(());
        }
        keyring.drop_unused(|id| !old.contains(id) || used.contains(id)).map(|_| ())
    }
}
