//! The handle on all client keys.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::book::{Book, Kept, entry};
use super::model::{ClientKey, FoundKey};
use crate::clock::unix_seconds;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Records, Store, Version};

/// Where the store has them.
pub(super) const COLLECTION: &str = "client_key";

/// The client keys. Cloning is cheap and shares them.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::Client;
/// use llm2api_core::keys::{KeyState, NewKey};
///
/// let keys = Client::builder().build().await?.keys();
/// let issued = keys.create(NewKey::new().with_label("Ann"), "docs").await?;
/// let found = keys.find(issued.key.expose().as_bytes()).expect("it was just made");
/// assert_eq!((&*found.id, found.state), (&*issued.entry.id, KeyState::Active));
///
/// keys.revoke(&issued.entry.id, "docs").await?;
/// let found = keys.find(issued.key.expose().as_bytes()).expect("revoked keys are known");
/// assert_eq!(found.state, KeyState::Revoked);
/// assert!(keys.is_closed());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ClientKeys {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    store: Arc<dyn Store>,
    book: RwLock<Arc<Book>>,
    /// One at a time makes the next book of the last.
    writing: Mutex<()>,
    /// Up to where the store's history is known here.
    pub(super) version: Mutex<Option<Version>>,
}

impl ClientKeys {
    /// Takes up what the store has. A store that keeps no records has no keys, and takes none.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] where it cannot be reached.
    pub async fn open(store: Arc<dyn Store>) -> Result<Self> {
        let (book, writing, version) = (RwLock::default(), Mutex::default(), Mutex::default());
        let keys = Self { shared: Arc::new(Shared { store, book, writing, version }) };
        if let Some(records) = keys.shared.store.records() {
            keys.follow_once(records).await?;
        }
        Ok(keys)
    }

    /// Finds whose key was sent, whatever has become of the key; none for what is no key, and for a
    /// key whose secret is wrong. It waits for nothing.
    pub fn find(&self, sent: &[u8]) -> Option<FoundKey> {
        self.book().find(sent, unix_seconds())
    }

    /// Says whether there has ever been a key. From then on nobody gets in without one, so that
    /// revoking the last key opens nothing.
    pub fn is_closed(&self) -> bool {
        !self.book().is_empty()
    }

    /// Lists all keys, oldest first; those that a newer version has written are left out.
    pub fn list(&self) -> Vec<ClientKey> {
        self.book().list(unix_seconds())
    }

    /// Returns one key.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] with code `key_not_found`.
    pub fn get(&self, id: &str) -> Result<ClientKey> {
        let book = self.book();
        let record = book.get(id).and_then(|kept| kept.record.as_ref());
        record.map(|record| entry(id, record, unix_seconds())).ok_or_else(not_found)
    }

    /// Returns the name for people of a key; none where it has none, or there is no such key.
    pub fn label(&self, id: &str) -> Option<String> {
        let book = self.book();
        book.get(id).and_then(|kept| kept.record.as_ref()?.label.clone())
    }

    pub(super) fn book(&self) -> Arc<Book> {
        self.shared.book.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in states of keys; where a later one is known already, that one stays.
    pub(super) fn take(&self, kept: impl IntoIterator<Item = (String, String)>) {
        // Nothing panics while it holds the locks.
        let _turn = self.shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut book = Book::clone(&self.book());
        kept.into_iter().for_each(|(id, text)| book.take(&id, Kept::new(text)));
        *self.shared.book.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(book);
    }

    pub(super) fn records(&self) -> Result<&dyn Records> {
        self.shared.store.records().ok_or_else(|| {
            let message = "this store keeps no client keys: use another STORE_URL";
            Error::new(ErrorKind::Configuration, "keep key", message)
        })
    }
}

impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKeys").field("keys", &self.list().len()).finish_non_exhaustive()
    }
}

pub(super) fn not_found() -> Error {
    let text = "no key has this id: the list of keys shows those there are";
    Error::new(ErrorKind::InvalidRequest, "find key", text)
        .with_status(404)
        .with_code("key_not_found")
}
