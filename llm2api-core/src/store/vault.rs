//! Secrets on their way into a store and out of it.

mod branches;
mod fingerprint;
mod material;
mod outbox;
mod rotate;
mod row;
mod values;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub(crate) use self::branches::Conversation;
pub use self::fingerprint::Fingerprint;
pub use self::outbox::KeptCleanup;
pub use self::rotate::Rotated;
use self::values::FingerprintKey;
use super::{
    Count, Inserted, KeyId, Keyring, Places, Point, PointsAsk, Row, Store, Swapped, Version,
};
use crate::credential::{CredentialId, Material, Profile, Record, SavedHealth};
use crate::error::Result;

/// A store whose secrets are sealed: what the engine keeps its credentials in. Cloning is cheap.
///
/// A secret is sealed under the key that the store names as its current one, and tied to its
/// credential's id: what was moved or changed in the store does not open. Fingerprints are made
/// under a key of their own, which the store keeps sealed, so that they survive a rotation.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use std::sync::Arc;
/// use llm2api_core::Credential;
/// use llm2api_core::credential::{Profile, Record, SavedHealth};
/// use llm2api_core::store::{Inserted, Keyring, MemoryStore, Vault};
///
/// let vault = Vault::open(Arc::new(MemoryStore::default()), Keyring::random()).await?;
/// let credential = Credential::parse("team-chat", "hf-chat=abc; token=def")?;
/// let record = Record::new(credential, Profile::default(), SavedHealth::default());
/// assert_eq!(vault.add(&record).await?, Inserted::New);
/// let again = Credential::parse("team-chat", "token=def; hf-chat=abc")?;
/// let again = Record::new(again, Profile::default(), SavedHealth::default());
/// let known = record.credential.id().clone();
/// assert_eq!(vault.add(&again).await?, Inserted::Duplicate(known));
/// assert_eq!(vault.load().await?.0.len(), 1);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    keyring: Keyring,
    fingerprint_key: RwLock<FingerprintKey>,
    /// The current key as it was last read.
    key: RwLock<Option<KeyId>>,
    /// Rows that did not open when they were last read.
    sealed: Mutex<Vec<CredentialId>>,
}

/// What has changed in a vault.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordChanges {
    /// Records that are new or different.
    pub changed: Vec<Record>,
    /// Credentials that are gone.
    pub removed: Vec<CredentialId>,
    /// Up to where this tells everything.
    pub version: Version,
    /// The store has lost its history: what is not among `changed` is not known to it, and whoever
    /// still knows it may [`add`](Vault::add) it again under its old id.
    pub reset: bool,
}

impl Vault {
    /// Opens the vault of a store, which gets its keys the first time.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) where the keyring lacks the
    /// key that the store's secrets are sealed under; [`ErrorKind::Store`](crate::ErrorKind::Store)
    /// where the store cannot be reached.
    pub async fn open(store: Arc<dyn Store>, keyring: Keyring) -> Result<Self> {
        let inner = Inner {
            store,
            keyring,
            fingerprint_key: RwLock::new(FingerprintKey::random()?),
            key: RwLock::default(),
            sealed: Mutex::default(),
        };
        let vault = Self { inner: Arc::new(inner) };
        vault.settle().await?;
        Ok(vault)
    }

    /// Returns all records that open, with the version up to which they are known.
    ///
    /// A row that does not open stays where it is, is logged, and is named by
    /// [`sealed`](Self::sealed).
    pub async fn load(&self) -> Result<(Vec<Record>, Version)> {
        let (rows, version) = self.inner.store.rows().await?;
        self.sealed_list().clear();
        Ok((self.open_rows(rows), version))
    }

    /// Returns what has changed after `since`, as other servers wrote it.
    pub async fn changes(&self, since: Version) -> Result<RecordChanges> {
        let news = self.inner.store.changes(since).await?;
        if news.reset {
            // The keys went with the rest: they must be back before anything is added again.
            self.settle().await?;
            self.sealed_list().clear();
        }
        self.sealed_list().retain(|id| !news.removed.contains(id));
        Ok(RecordChanges {
            changed: self.open_rows(news.rows),
            removed: news.removed,
            version: news.version,
            reset: news.reset,
        })
    }

    /// Names the rows that did not open when they were last read.
    ///
    /// They were changed or moved in the store, or are sealed under a key that is lost.
    pub fn sealed(&self) -> Vec<CredentialId> {
        self.sealed_list().clone()
    }

    /// Adds a record, unless the store has its secret or its account at the same upstream.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store), and then nothing was added;
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) where the store has moved on
    /// to a key that the keyring lacks.
    pub async fn add(&self, record: &Record) -> Result<Inserted> {
        let row = self.seal(record).await?;
        let inserted = self.inner.store.insert(&row).await?;
        self.follow_rotation(&row, &inserted).await;
        Ok(inserted)
    }

    /// Adds a record that the store had before and has lost, unless it was removed since.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub async fn put_back(&self, record: &Record) -> Result<Inserted> {
        let row = self.seal(record).await?;
        let inserted = self.inner.store.put_back(&row).await?;
        self.follow_rotation(&row, &inserted).await;
        Ok(inserted)
    }

    /// Notes whose account a credential is, unless another one of the upstream is that.
    pub async fn set_account(&self, id: &CredentialId, account: &str) -> Result<Inserted> {
        self.inner.store.set_account(id, account).await
    }

    /// Puts another secret, and the account it belongs to, in the place of those that the record's
    /// id has; profile and health stay.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub async fn replace(&self, record: &Record) -> Result<Inserted> {
        let row = self.seal(record).await?;
        let inserted = self.inner.store.replace(&row).await?;
        self.follow_rotation(&row, &inserted).await;
        if inserted == Inserted::New {
            self.sealed_list().retain(|id| *id != row.id);
        }
        Ok(inserted)
    }

    /// Changes what is known about a credential, `known` or what another server has made of it
    /// meanwhile; returns what is kept now, or none where the store does not have it.
    ///
    /// An account that was found out later is kept from being added twice by
    /// [`replace`](Self::replace), not by this.
    pub async fn change_profile(
        &self,
        id: &CredentialId,
        known: &Profile,
        change: impl Fn(&mut Profile) + Send,
    ) -> Result<Option<Profile>> {
        let (mut old, mut profile) = (row::to_json(known)?, known.clone());
        loop {
            change(&mut profile);
            match self.inner.store.set_profile(id, &old, &row::to_json(&profile)?).await? {
                Swapped::Done => return Ok(Some(profile)),
                Swapped::Missing => return Ok(None),
                Swapped::Other(now) => {
                    profile = row::from_json(id, "profile", &now);
                    old = now;
                }
            }
        }
    }

    /// Changes the health of several credentials at once; passes over those that are gone.
    pub async fn set_health(&self, health: &[(CredentialId, SavedHealth)]) -> Result<()> {
        let texts = health.iter().map(|(id, health)| Ok((id.clone(), row::to_json(health)?)));
        self.inner.store.set_health(&texts.collect::<Result<Vec<_>>>()?).await
    }

    /// Forgets a credential; says whether the store had it.
    pub async fn remove(&self, id: &CredentialId) -> Result<bool> {
        let removed = self.inner.store.remove(id).await?;
        self.sealed_list().retain(|sealed| sealed != id);
        Ok(removed)
    }

    /// Adds a batch to counters and points, all or none; sent again under its name it is added once.
    pub async fn count(&self, batch: &str, counts: &[Count], points: &[Point]) -> Result<()> {
        self.inner.store.add(batch, counts, points).await
    }

    /// Returns the points that are asked for, by series as asked, then by time.
    pub async fn points(&self, ask: &PointsAsk) -> Result<Vec<Point>> {
        self.inner.store.points(ask).await
    }

    /// Forgets the counters and the points of a series.
    pub async fn forget_counts(&self, series: &str) -> Result<()> {
        self.inner.store.forget(series).await
    }

    /// Returns all counters whose series begins with `prefix`.
    pub async fn counts(&self, prefix: &str) -> Result<Vec<Count>> {
        self.inner.store.counts(prefix).await
    }

    /// Returns the places that several servers share; none where this process is alone.
    pub fn places(&self) -> Option<Arc<dyn Places>> {
        self.inner.store.places()
    }

    /// Names a secret so that nobody learns it: the same secret has the same fingerprint at an
    /// upstream, whatever order its cookies come in.
    pub fn fingerprint(&self, upstream: &str, material: &Material) -> Fingerprint {
        // Nothing panics while it writes.
        let key = self.inner.fingerprint_key.read().unwrap_or_else(PoisonError::into_inner);
        Fingerprint::of(&key, upstream, material)
    }

    fn open_rows(&self, rows: Vec<Row>) -> Vec<Record> {
        let mut sealed = self.sealed_list();
        let open = rows.into_iter().filter_map(|row| {
            let record = row::open(&self.inner.keyring, &row);
            sealed.retain(|id| *id != row.id);
            if record.is_none() {
                row::report(&row);
                sealed.push(row.id.clone());
            }
            record
        });
        open.collect()
    }

    fn sealed_list(&self) -> MutexGuard<'_, Vec<CredentialId>> {
        // Nothing panics while it holds the lock.
        self.inner.sealed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("store", &self.inner.store)
            .field("keyring", &self.inner.keyring)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
