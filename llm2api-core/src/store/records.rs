//! Records of several kinds, and the log of who changed them, as a store sees them.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{Swapped, Version};
use crate::error::Result;

/// Entries of the log that are kept: the oldest go first.
pub const MOST_AUDIT_ENTRIES: usize = 100_000;

/// All records of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// Each record's id and text, in the order of the ids.
    pub records: Vec<(String, String)>,
    /// The state of the collection that this is.
    pub version: Version,
}

impl Listing {
    /// Joins the records and the state that they are.
    pub fn new(records: Vec<(String, String)>, version: Version) -> Self {
        Self { records, version }
    }
}

/// Another text for a record, and what the log is to say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordChange {
    /// The kind of record, such as `client_key`.
    pub collection: &'static str,
    /// The record's id.
    pub id: String,
    /// The text that it must have; none where it must not be there.
    pub expected: Option<String>,
    /// The text that it gets.
    pub text: String,
    /// Who does it.
    pub audit: AuditEntry,
}

/// One act in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Who: `cli`, or the address that called.
    pub actor: String,
    /// What, such as `key.create`.
    pub act: String,
    /// The id of what it was done to.
    pub subject: String,
}

/// Keeps records by collection and id, and the log of the acts that changed them.
///
/// A store understands neither ids nor texts: it compares and keeps them. Records are never
/// removed; what is revoked stays, and says so.
#[async_trait]
pub trait Records: Debug + Send + Sync {
    /// Returns all records of a collection, or none where it still is as it was at `known`.
    async fn records(&self, collection: &str, known: Option<Version>) -> Result<Option<Listing>>;

    /// Returns the text of one record.
    async fn record(&self, collection: &str, id: &str) -> Result<Option<String>>;

    /// Changes a record and writes the log, both or neither, if the record is what is expected.
    ///
    /// [`Swapped::Other`] tells the text that it has, [`Swapped::Missing`] that it is not there.
    async fn change_record(&self, change: &RecordChange) -> Result<Swapped>;

    /// Writes an act into the log that changes no record.
    async fn audit(&self, entry: &AuditEntry) -> Result<()>;

    /// Returns the last `limit` entries of the log, the newest first.
    async fn audit_log(&self, limit: usize) -> Result<Vec<AuditEntry>>;
}
