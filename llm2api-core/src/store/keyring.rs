//! The master keys: the first seals, all open.

mod file;
mod key;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use zeroize::Zeroizing;

use self::key::Key;
use super::{KeyId, Sealed};
use crate::error::Result;

/// The master keys of an installation. Cloning is cheap and shares them.
///
/// Secrets at rest are sealed with XChaCha20-Poly1305 under one of these keys, and tied to the name
/// of what they belong to. A key is called by the first 8 hex digits of its SHA-256: its [`KeyId`],
/// which is all that `Debug` shows.
///
/// # Example
/// ```
/// use llm2api_core::store::Keyring;
///
/// let folder = tempfile::tempdir().expect("a folder");
/// let path = folder.path().join("master.key");
/// let made = Keyring::file(&path)?;
/// let read = Keyring::file(&path)?;
/// assert_eq!(made.ids(), read.ids());
/// assert!(Keyring::parse("c2hvcnQ=").is_err());
/// # Ok::<(), llm2api_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Keyring {
    inner: Arc<Inner>,
}

struct Inner {
    keys: RwLock<Vec<Key>>,
    path: Option<PathBuf>,
}

impl Keyring {
    /// Makes a keyring with one random key, which is gone with the process.
    #[expect(clippy::missing_panics_doc, reason = "no machine that runs this lacks randomness")]
    pub fn random() -> Self {
        // Without random bytes no credential could get an id either.
        Self::new(vec![Key::random().expect("the operating system gives random bytes")], None)
    }

    /// Reads one or several keys in base64, separated by commas or line ends; the first seals.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for what is no key.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self::new(parse(text)?, None))
    }

    /// Reads the keys of a file, one a line; makes it with one random key where there is none.
    ///
    /// The file is made readable for its owner only. It is read again whenever a key is asked for
    /// that is not known, so that another process may rotate it.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for a file that others can
    /// read, that cannot be read or written, or that holds no key.
    pub fn file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Ok(Self::new(file::read_or_make(path)?, Some(path.to_owned())))
    }

    fn new(keys: Vec<Key>, path: Option<PathBuf>) -> Self {
        Self { inner: Arc::new(Inner { keys: RwLock::new(keys), path }) }
    }

    /// Returns the keys' ids, that of the key that seals first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys().iter().map(|key| key.id.clone()).collect()
    }

    /// Returns the file that the keys come from.
    pub fn path(&self) -> Option<&Path> {
        self.inner.path.as_deref()
    }

    /// Returns the id of the first key.
    pub fn first(&self) -> KeyId {
        // Neither a text nor a file without a key becomes a keyring.
        self.keys().first().map(|key| key.id.clone()).expect("a keyring has a key")
    }

    /// Puts a new random key first in the file and keeps the old ones; says what it is called.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) where the keys come from no
    /// file, or where it cannot be written.
    pub fn rotate(&self) -> Result<KeyId> {
        let new = Key::random()?;
        let id = new.id.clone();
        self.change(|keys| Ok(std::iter::once(new).chain(keys).collect()))?;
        Ok(id)
    }

    /// Drops the keys that are not to be kept from the file; says how many.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) where the keys come from no
    /// file, where it cannot be written, or where no key would be left.
    pub fn drop_unused(&self, keep: impl Fn(&KeyId) -> bool) -> Result<usize> {
        let mut dropped = 0;
        self.change(|keys| {
            let before = keys.len();
            let keys: Vec<_> = keys.into_iter().filter(|key| keep(&key.id)).collect();
            dropped = before - keys.len();
            if keys.is_empty() { Err(key::none()) } else { Ok(keys) }
        })?;
        Ok(dropped)
    }

    /// Says whether the keyring has a key, after another look at the file.
    pub(super) fn has(&self, id: &KeyId) -> Result<bool> {
        if self.knows(id) {
            return Ok(true);
        }
        self.refresh()?;
        Ok(self.knows(id))
    }

    /// Reads the file again, where there is one.
    pub(super) fn refresh(&self) -> Result<()> {
        if let Some(path) = self.path() {
            self.set(file::read(path)?);
        }
        Ok(())
    }

    /// Seals `plain` under one of the keys, so that it only opens under the same name.
    pub(super) fn seal(&self, id: &KeyId, name: &str, plain: &[u8]) -> Result<Sealed> {
        let keys = self.keys();
        match keys.iter().find(|key| key.id == *id) {
            Some(key) => key.seal(name, plain),
            None => Err(key::wrong(format!("key `{id}` is not among the master keys"))),
        }
    }

    /// Opens what one of the keys has sealed under the same name; none if no key fits, or if it
    /// was changed or moved.
    pub(super) fn open(&self, name: &str, sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        if let Err(error) = self.has(&sealed.key) {
            tracing::warn!(%error, "the master keys cannot be read again");
        }
        let keys = self.keys();
        let key = keys.iter().find(|key| key.id == sealed.key)?;
        key.open(name, &sealed.bytes)
    }

    fn change(&self, how: impl FnOnce(Vec<Key>) -> Result<Vec<Key>>) -> Result<()> {
        let advice = "the master keys come from a setting: put a new one before the old one there";
        let path = self.path().ok_or_else(|| key::wrong(advice))?;
        self.set(file::change(path, how)?);
        Ok(())
    }

    fn knows(&self, id: &KeyId) -> bool {
        self.keys().iter().any(|key| key.id == *id)
    }

    fn keys(&self) -> RwLockReadGuard<'_, Vec<Key>> {
        // Nothing panics while it writes.
        self.inner.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, keys: Vec<Key>) {
        *self.inner.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("ids", &self.ids()).finish_non_exhaustive()
    }
}

/// Reads keys, separated by commas or line ends.
fn parse(text: &str) -> Result<Vec<Key>> {
    let texts = text.split([',', '\n']).map(str::trim).filter(|text| !text.is_empty());
    let mut keys = Vec::<Key>::new();
    for key in texts.map(Key::parse) {
        let key = key?;
        // Given twice it is one key all the same.
        if !keys.iter().any(|known| known.id == key.id) {
            keys.push(key);
        }
    }
    if keys.is_empty() { Err(key::none()) } else { Ok(keys) }
}

#[cfg(test)]
mod tests;
