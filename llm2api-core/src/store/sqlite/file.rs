//! The file: made for its owner only, locked, and looked at before it is trusted.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{failure, migrations};
use crate::error::{Error, ErrorKind, Result};

/// How long a server waits for another process that holds the file: a rotation of keys takes it for
/// milliseconds.
pub(super) const BUSY: Duration = Duration::from_secs(2);
/// How long who works beside a server waits, which may write without a pause.
pub(super) const BUSY_BESIDE: Duration = Duration::from_secs(10);
/// How often the way the file is written is set while others are at the same.
const ATTEMPTS: usize = 100;
/// Statements that are kept prepared: all of them.
const PREPARED: usize = 64;
/// WAL: readers and writer do not wait for each other. FULL: a commit that was answered survives
/// a loss of power. Secure delete: what is removed is gone from the file.
const SETTINGS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA secure_delete = ON;
";

/// Keeps other servers from a file for as long as it lives.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // A process that was forked off has the file too: closing it here alone would not end the lock.
        let _ = self.0.unlock();
    }
}

/// Keeps other servers from the file at `path` for as long as the result lives.
pub(super) fn lock(path: &Path) -> Result<Lock> {
    make_folder(path)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = PathBuf::from(name);
    let file = private().open(&lock).map_err(|error| unusable(&lock, error))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(taken(path)),
        Err(TryLockError::Error(error)) => Err(unusable(&lock, error)),
    }
}

/// Opens the file at `path`, which is made where there is none. Whoever else holds it may do so for
/// as long as `patience`.
pub(super) fn open(path: &Path, patience: Duration) -> Result<Connection> {
    make_folder(path)?;
    make(path)?;
    // Without the flag for it a path is no URI, whatever it looks like.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags);
    let opened = opened
        .map_err(|error| failure::of(&Arc::new(error)))
        .and_then(|connection| prepared(connection, patience));
    opened.map_err(|error| error.with_context("path", path.display()))
}

/// Looks at a file before anything is written to it, then brings it up to this version.
fn prepared(mut connection: Connection, patience: Duration) -> Result<Connection> {
    let refused =
        connection.busy_timeout(patience).and_then(|()| migrations::refusal(&mut connection));
    match refused.map_err(|error| failure::of(&Arc::new(error)))? {
        Some(message) => Err(Error::new(ErrorKind::Configuration, "store", message)),
        None => {
            connection.set_prepared_statement_cache_capacity(PREPARED);
            let done = set_up(&connection).and_then(|()| migrations::apply(&mut connection));
            done.map(|()| connection).map_err(|error| failure::of(&Arc::new(error)))
        }
    }
}

/// Sets how the file is written. Everywhere else SQLite waits for others; a new file that somebody
/// else sets up is refused at once.
fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    for _ in 1..ATTEMPTS {
        match connection.execute_batch(SETTINGS) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                // Begins when nobody is at work on the file.
                connection.execute_batch("BEGIN EXCLUSIVE; ROLLBACK")?;
            }
            done => return done,
        }
    }
    connection.execute_batch(SETTINGS)
}

/// Refuses a path where there is no file: a mistyped one must not become an empty store.
pub(super) fn must_exist(path: &Path) -> Result<()> {
    if path.is_file() {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Configuration, "store", "there is no store at this path");
    Err(error.with_context("path", path.display()))
}

/// Makes an empty file where there is none. SQLite would make it readable for everybody; the files
/// beside it get the rights of this one.
///
/// A file that is there is not touched: closing it would end the locks that SQLite holds on it for
/// another store of this process. One thread at a time makes one, for the same reason.
fn make(path: &Path) -> Result<()> {
    static MAKING: Mutex<()> = Mutex::new(());
    // Nothing panics while it holds the lock.
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if path.exists() {
        return Ok(());
    }
    private().open(path).map(drop).map_err(|error| unusable(path, error))
}

fn make_folder(path: &Path) -> Result<()> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder.map_err(|error| unusable(path, error))
}

#[cfg(unix)]
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    options
}

fn taken(path: &Path) -> Error {
    let message = "another server has this store open: stop it, or give this one a `DATA_DIR` of \
                   its own; servers that share their credentials need Redis";
    Error::new(ErrorKind::Configuration, "store", message).with_context("path", path.display())
}

fn unusable(path: &Path, error: io::Error) -> Error {
    let message = format!("the store's file cannot be opened: {error}");
    Error::new(ErrorKind::Store, "store", message)
        .with_context("path", path.display())
        .with_source(error)
}
