//! The store's two values: which key is current, and the key of fingerprints.

use std::sync::{Arc, PoisonError};

use zeroize::Zeroizing;

use super::super::{KeyId, Sealed, Store};
use super::Vault;
use crate::error::{Error, ErrorKind, Result};
use crate::random::fill;

/// The value that holds the id of the current key.
const KEY: &str = "key";
/// The value that holds the key of fingerprints, sealed.
const FINGERPRINT_KEY: &str = "fingerprint_key";
/// Characters of a key's id.
const ID_LENGTH: usize = 8;
/// How often somebody else may be faster before the store is taken for broken.
const TRIES: usize = 16;

/// The key of fingerprints.
#[derive(Clone)]
pub(super) struct FingerprintKey(Zeroizing<Vec<u8>>);

impl FingerprintKey {
    /// Makes a random key.
    pub(super) fn random() -> Result<Self> {
        let mut bytes = Zeroizing::new(vec![0; 32]);
        fill(&mut bytes, "seal")?;
        Ok(Self(bytes))
    }

    /// Returns the key itself.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Vault {
    /// Sees to it that the store has both values, and that this vault knows them.
    pub(super) async fn settle(&self) -> Result<KeyId> {
        let key = self.settle_key().await?;
        self.settle_fingerprint_key(&key).await?;
        Ok(key)
    }

    /// Returns the key that seals now, which another server may have changed.
    pub(super) async fn current_key(&self) -> Result<KeyId> {
        match self.store().value(KEY).await? {
            Some(id) => self.note_key(key_id(&id)),
            None => self.settle().await, // the store has lost everything
        }
    }

    /// Returns the key that sealed when it was last asked for: a rotation keeps the one before.
    pub(super) fn last_key(&self) -> KeyId {
        let key = self.inner.key.read().unwrap_or_else(PoisonError::into_inner);
        key.clone().unwrap_or_else(|| self.inner.keyring.first())
    }

    fn note_key(&self, key: KeyId) -> Result<KeyId> {
        let key = self.known(key)?;
        let mut last = self.inner.key.write().unwrap_or_else(PoisonError::into_inner);
        Ok(last.insert(key).clone())
    }

    /// Makes `new` the current key, unless it no longer is `old`.
    pub(super) async fn set_current_key(&self, old: &KeyId, new: &KeyId) -> Result<bool> {
        self.store().set_value(KEY, Some(old.0.as_bytes()), new.0.as_bytes()).await
    }

    /// Seals the key of fingerprints under the current key.
    pub(super) async fn reseal_fingerprint_key(&self) -> Result<()> {
        for _ in 0..TRIES {
            let key = self.current_key().await?;
            let value = self.store().value(FINGERPRINT_KEY).await?;
            let Some(value) = value else { return self.settle_fingerprint_key(&key).await };
            let sealed = decode(&value)?;
            if sealed.key == key {
                return Ok(());
            }
            let again = self.seal_value(&key, &self.open_value(&sealed)?)?;
            if self.store().set_value(FINGERPRINT_KEY, Some(&value), &again).await? {
                return Ok(());
            }
        }
        Err(restless())
    }

    async fn settle_key(&self) -> Result<KeyId> {
        let first = self.inner.keyring.first();
        for _ in 0..TRIES {
            if let Some(id) = self.store().value(KEY).await? {
                return self.note_key(key_id(&id));
            }
            if self.store().set_value(KEY, None, first.0.as_bytes()).await? {
                return self.note_key(first);
            }
        }
        Err(restless())
    }

    /// Takes over the store's key of fingerprints, or gives it ours where it has none.
    async fn settle_fingerprint_key(&self, key: &KeyId) -> Result<()> {
        for _ in 0..TRIES {
            if let Some(value) = self.store().value(FINGERPRINT_KEY).await? {
                let bytes = self.open_value(&decode(&value)?)?;
                let ours = self.inner.fingerprint_key.write();
                *ours.unwrap_or_else(PoisonError::into_inner) = FingerprintKey(bytes);
                return Ok(());
            }
            let ours = self.inner.fingerprint_key.read();
            let ours = ours.unwrap_or_else(PoisonError::into_inner).clone();
            let value = self.seal_value(key, ours.bytes())?;
            if self.store().set_value(FINGERPRINT_KEY, None, &value).await? {
                return Ok(());
            }
        }
        Err(restless())
    }

    fn seal_value(&self, key: &KeyId, plain: &[u8]) -> Result<Vec<u8>> {
        let sealed = self.inner.keyring.seal(key, &value_name(), plain)?;
        Ok([sealed.key.0.as_bytes(), &sealed.bytes].concat())
    }

    fn open_value(&self, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>> {
        self.known(sealed.key.clone())?;
        self.inner.keyring.open(&value_name(), sealed).ok_or_else(changed)
    }

    /// Refuses a key that the keyring lacks.
    fn known(&self, key: KeyId) -> Result<KeyId> {
        if self.inner.keyring.has(&key)? { Ok(key) } else { Err(unknown(&key)) }
    }

    fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }
}

/// What the key of fingerprints is tied to.
fn value_name() -> String {
    format!("value {FINGERPRINT_KEY}")
}

fn key_id(value: &[u8]) -> KeyId {
    KeyId(String::from_utf8_lossy(value).into_owned())
}

fn decode(value: &[u8]) -> Result<Sealed> {
    let (id, bytes) = value.split_at_checked(ID_LENGTH).ok_or_else(changed)?;
    Ok(Sealed { key: key_id(id), bytes: bytes.to_vec() })
}

fn unknown(key: &KeyId) -> Error {
    let message = format!(
        "the store is sealed under master key `{key}`, which was not given: restore the key file, \
         or set `MASTER_KEY` to the key that this store was made with; without it, move the store \
         away and add the credentials again"
    );
    Error::new(ErrorKind::Configuration, "open store", message)
}

fn changed() -> Error {
    let message = "the store's key of fingerprints was changed from outside: restore a backup of \
                   the store, or move it away and add the credentials again";
    Error::new(ErrorKind::Configuration, "open store", message)
}

fn restless() -> Error {
    let message = "the store never holds still: several processes rotate its key at once";
    Error::new(ErrorKind::Store, "open store", message)
}
