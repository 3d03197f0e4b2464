//! What an error of SQLite means to whoever runs the server.

use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind};

/// Makes our error of one of SQLite's, which several callers may share.
pub(super) fn of(error: &Arc<rusqlite::Error>) -> Error {
    let (kind, message) = meaning(error.sqlite_error_code());
    Error::new(kind, "store", message).with_source(error.clone())
}

fn meaning(code: Option<ErrorCode>) -> (ErrorKind, &'static str) {
    match code {
        Some(ErrorCode::DiskFull) => (ErrorKind::Store, "the disk is full: make room"),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            (ErrorKind::Store, "the store's file or folder cannot be written: look at its rights")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (ErrorKind::Store, "another program holds the store's file: stop it")
        }
        Some(ErrorCode::NotADatabase) => (
            ErrorKind::Configuration,
            "the store's file is no SQLite database: move it away, or name another in `STORE_URL`",
        ),
        Some(ErrorCode::DatabaseCorrupt) => (ErrorKind::Configuration, BROKEN),
        Some(ErrorCode::SystemIoFailure) => (ErrorKind::Store, "the disk of the store fails"),
        _ => (ErrorKind::Store, "the store refused to keep something"),
    }
}

/// What a file means that SQLite cannot make sense of.
pub(super) const BROKEN: &str = "the store's file is broken: restore a backup, or move it away";
