//! A store in one SQLite file.

mod branches;
mod counters;
mod failure;
mod file;
mod migrations;
mod records;
mod statements;
mod thread;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::Connection;

use self::thread::Thread;
use super::{
    Branches, Count, Inserted, OutboxEntry, Point, PointsAsk, Records, Row, Sealed, Store, Swapped,
    Version,
};
use crate::credential::CredentialId;
use crate::error::Result;

/// Keeps everything in one SQLite file, next to which SQLite has two more (`-wal`, `-shm`).
///
/// One thread owns the file. What waits to be written is written in one transaction, and each
/// caller is answered only when that is on the disk. A caller that leaves before its answer may
/// find later that its write was made.
///
/// Dropping the store waits for the write in hand, so that whoever opens the file next finds it
/// free.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::store::{Count, SqliteStore, Store};
///
/// let folder = tempfile::tempdir().expect("a folder");
/// let path = folder.path().join("llm2api.db");
/// let store = SqliteStore::open(&path)?;
/// store.add("first", &[Count::new("model:llama", "requests", 2)], &[]).await?;
/// assert!(SqliteStore::open(&path).is_err(), "one server a file");
/// drop(store);
/// assert_eq!(SqliteStore::open(&path)?.counts("model:").await?[0].value, 2);
/// # Ok(()) }
/// ```
pub struct SqliteStore {
    path: PathBuf,
    thread: Thread,
    /// What an earlier process left in the outbox.
    left: Mutex<Vec<OutboxEntry>>,
}

impl SqliteStore {
    /// Opens a file, which is made where there is none, and keeps other servers from it.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) where another server has the
    /// file, or where it is no store, a broken one, or one of a newer version: it is left as it
    /// is. [`ErrorKind::Store`](crate::ErrorKind::Store) where the disk fails.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let lock = file::lock(path)?;
        let connection = file::open(path, file::BUSY)?;
        Self::start(path, connection, Some(lock))
    }

    /// Opens a file that a server may have open too: to rotate its key, or to look at it.
    ///
    /// # Errors
    /// As [`open`](Self::open), but for the other server; the file must be there.
    pub fn open_beside(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        file::must_exist(path)?;
        Self::open_shared(path)
    }

    /// Opens a file that servers and others may have open too, and makes it where there is none: for
    /// tools that change records, and for servers that keep nothing else.
    ///
    /// What it opens never takes over what an earlier server has left.
    ///
    /// # Errors
    /// As [`open`](Self::open), but for the other server.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// use llm2api_core::store::{AuditEntry, RecordChange, Records, SqliteStore, Swapped};
    ///
    /// let folder = tempfile::tempdir().expect("a folder");
    /// let path = folder.path().join("llm2api.db");
    /// let (tool, server) = (SqliteStore::open_shared(&path)?, SqliteStore::open(&path)?);
    /// let change = RecordChange {
    ///     collection: "client_key",
    ///     id: "key_1".into(),
    ///     expected: None,
    ///     text: "{}".into(),
    ///     audit: AuditEntry {
    ///         at: 1_767_225_600_000,
    ///         actor: "cli".into(),
    ///         act: "key.create".into(),
    ///         subject: "key_1".into(),
    ///     },
    /// };
    /// assert_eq!(tool.change_record(&change).await?, Swapped::Done);
    /// assert_eq!(server.record("client_key", "key_1").await?.as_deref(), Some("{}"));
    /// assert_eq!(server.audit_log(10).await?, [change.audit]);
    /// # Ok(()) }
    /// ```
    pub fn open_shared(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let connection = file::open(path, file::BUSY_BESIDE)?;
        Self::start(path, connection, None)
    }
}

impl SqliteStore {
    fn start(path: &Path, connection: Connection, lock: Option<file::Lock>) -> Result<Self> {
        // Only where no other process is at work on it has it been left.
        let left = lock.as_ref().map(|_| statements::outbox(&connection)).transpose();
        if lock.is_some() {
            let eased = branches::ease_holds(&connection);
            eased.map_err(|error| failure::of(&Arc::new(error)))?;
        }
        let left = left.map_err(|error| failure::of(&Arc::new(error)))?.unwrap_or_default();
        let thread = Thread::start(connection, lock)?;
        Ok(Self { path: path.to_owned(), thread, left: Mutex::new(left) })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn rows(&self) -> Result<(Vec<Row>, Version)> {
        let rows = self.thread.read(statements::rows).await?;
        Ok((rows, Version::default()))
    }

    async fn insert(&self, row: &Row) -> Result<Inserted> {
        let row = row.clone();
        self.thread.write(move |connection| statements::insert(connection, &row)).await
    }

    async fn replace(&self, row: &Row) -> Result<Inserted> {
        let row = row.clone();
        self.thread.write(move |connection| statements::replace(connection, &row)).await
    }

    async fn set_account(&self, id: &CredentialId, account: &str) -> Result<Inserted> {
        let (id, account) = (id.clone(), account.to_owned());
        let work = move |connection: &_| statements::set_account(connection, &id, &account);
        self.thread.write(work).await
    }

    async fn set_profile(
        &self,
        id: &CredentialId,
        expected: &str,
        profile: &str,
    ) -> Result<Swapped> {
        let (id, expected, profile) = (id.clone(), expected.to_owned(), profile.to_owned());
        let work =
            move |connection: &_| statements::set_profile(connection, &id, &expected, &profile);
        self.thread.write(work).await
    }

    async fn set_health(&self, health: &[(CredentialId, String)]) -> Result<()> {
        let health = health.to_vec();
        self.thread.write(move |connection| statements::set_health(connection, &health)).await
    }

    async fn remove(&self, id: &CredentialId) -> Result<bool> {
        let id = id.clone();
        self.thread.write(move |connection| statements::remove(connection, &id)).await
    }

    async fn reseal(&self, id: &CredentialId, old: &Sealed, new: &Sealed) -> Result<bool> {
        let (id, old, new) = (id.clone(), old.clone(), new.clone());
        self.thread.write(move |connection| statements::reseal(connection, &id, &old, &new)).await
    }

    async fn value(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let name = name.to_owned();
        self.thread.read(move |connection| statements::value(connection, &name)).await
    }

    async fn set_value(&self, name: &str, expected: Option<&[u8]>, value: &[u8]) -> Result<bool> {
        let (name, expected) = (name.to_owned(), expected.map(<[u8]>::to_vec));
        let value = value.to_vec();
        let work = move |connection: &_| {
            statements::set_value(connection, &name, expected.as_deref(), &value)
        };
        self.thread.write(work).await
    }

    async fn add(&self, batch: &str, counts: &[Count], points: &[Point]) -> Result<()> {
        let (batch, counts, points) = (batch.to_owned(), counts.to_vec(), points.to_vec());
        let work = move |connection: &_| counters::add(connection, &batch, &counts, &points);
        self.thread.write(work).await
    }

    async fn forget(&self, series: &str) -> Result<()> {
        let series = series.to_owned();
        self.thread.write(move |connection| counters::forget(connection, &series)).await
    }

    async fn counts(&self, prefix: &str) -> Result<Vec<Count>> {
        let prefix = prefix.to_owned();
        self.thread.read(move |connection| counters::counts(connection, &prefix)).await
    }

    /// Others may write, or have their calls noted, between one series and the next.
    async fn points(&self, ask: &PointsAsk) -> Result<Vec<Point>> {
        let ask = Arc::new(ask.clone());
        let mut points = Vec::new();
        for series in ask.series.clone() {
            let ask = ask.clone();
            let work = move |connection: &_| counters::points(connection, &series, &ask);
            points.extend(self.thread.read(work).await?);
        }
        Ok(points)
    }

    async fn put_outbox(&self, entry: &OutboxEntry) -> Result<()> {
        let entry = entry.clone();
        self.thread.note(move |connection| statements::put_outbox(connection, &entry)).await
    }

    async fn remove_outbox(&self, ids: &[String]) -> Result<()> {
        let ids = ids.to_vec();
        self.thread.note(move |connection| statements::remove_outbox(connection, &ids)).await
    }

    async fn outbox(&self) -> Result<Vec<OutboxEntry>> {
        self.thread.read(statements::outbox).await
    }

    async fn take_outbox(&self) -> Result<Vec<OutboxEntry>> {
        // Nothing panics while it holds the lock.
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut *left))
    }

    fn branches(&self) -> Option<&dyn Branches> {
        Some(self)
    }

    fn records(&self) -> Option<&dyn Records> {
        Some(self)
    }
}

#[cfg(test)]
mod tests;
