//! Records, and the log of who changed them, in the file.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result as SqlResult, params};

use super::super::{
    AuditEntry, Listing, MOST_AUDIT_ENTRIES, RecordChange, Records, Swapped, Version,
};
use super::SqliteStore;
use crate::error::Result;

/// Reads a collection and its version as one statement, so that both are of one moment although
/// another process may write.
const LISTING: &str = "
    SELECT version, id, text FROM record_version JOIN record USING (collection)
    WHERE collection = ?1 ORDER BY id";

#[async_trait]
impl Records for SqliteStore {
    async fn records(&self, collection: &str, known: Option<Version>) -> Result<Option<Listing>> {
        let collection = collection.to_owned();
        self.thread.read(move |connection| news(connection, &collection, known)).await
    }

    async fn record(&self, collection: &str, id: &str) -> Result<Option<String>> {
        let (collection, id) = (collection.to_owned(), id.to_owned());
        self.thread.read(move |connection| text(connection, &collection, &id)).await
    }

    async fn change_record(&self, change: &RecordChange) -> Result<Swapped> {
        let wanted = change.clone();
        self.thread.write(move |connection| change_if_expected(connection, &wanted)).await
    }

    async fn audit(&self, entry: &AuditEntry) -> Result<()> {
        let entry = entry.clone();
        self.thread.write(move |connection| note(connection, &entry)).await
    }

    async fn audit_log(&self, limit: usize) -> Result<Vec<AuditEntry>> {
        self.thread.read(move |connection| log(connection, limit)).await
    }
}

/// Reads a collection, unless it still has the version that is known.
fn news(
    connection: &Connection,
    collection: &str,
    known: Option<Version>,
) -> SqlResult<Option<Listing>> {
    let mut statement =
        connection.prepare_cached("SELECT version FROM record_version WHERE collection = ?1")?;
    let version = statement.query_row(params![collection], |row| row.get(0)).optional()?;
    if known == Some(version_of(version.unwrap_or_default())) {
        return Ok(None);
    }
    listing(connection, collection).map(Some)
}

fn listing(connection: &Connection, collection: &str) -> SqlResult<Listing> {
    let mut statement = connection.prepare_cached(LISTING)?;
    let mut rows = statement.query(params![collection])?;
    let mut listing = Listing::new(Vec::new(), Version(0));
    while let Some(row) = rows.next()? {
        listing.version = version_of(row.get(0)?);
        listing.records.push((row.get(1)?, row.get(2)?));
    }
    Ok(listing)
}

fn text(connection: &Connection, collection: &str, id: &str) -> SqlResult<Option<String>> {
    let mut statement =
        connection.prepare_cached("SELECT text FROM record WHERE collection = ?1 AND id = ?2")?;
    statement.query_row(params![collection, id], |row| row.get(0)).optional()
}

/// Changes a record if it is what is expected. The transaction that this is part of has the file
/// for itself from its beginning: nobody writes between the look and the change.
fn change_if_expected(connection: &Connection, change: &RecordChange) -> SqlResult<Swapped> {
    let found = text(connection, change.collection, &change.id)?;
    if found != change.expected {
        return Ok(found.map_or(Swapped::Missing, Swapped::Other));
    }
    connection
        .prepare_cached(
            "INSERT INTO record (collection, id, text) VALUES (?1, ?2, ?3)
             ON CONFLICT (collection, id) DO UPDATE SET text = excluded.text",
        )?
        .execute(params![change.collection, change.id, change.text])?;
    connection
        .prepare_cached(
            "INSERT INTO record_version (collection, version) VALUES (?1, 1)
             ON CONFLICT (collection) DO UPDATE SET version = version + 1",
        )?
        .execute(params![change.collection])?;
    note(connection, &change.audit)?;
    Ok(Swapped::Done)
}

/// Writes an act into the log, and removes the oldest one where that makes too many.
fn note(connection: &Connection, entry: &AuditEntry) -> SqlResult<()> {
    let AuditEntry { at, actor, act, subject } = entry;
    let at = i64::try_from(*at).unwrap_or(i64::MAX);
    let number = connection
        .prepare_cached("INSERT INTO audit (at, actor, act, subject) VALUES (?1, ?2, ?3, ?4)")?
        .insert(params![at, actor, act, subject])?;
    // Each number is one more than the last, and only the lowest go.
    connection
        .prepare_cached("DELETE FROM audit WHERE number <= ?1")?
        .execute(params![number.saturating_sub(count(MOST_AUDIT_ENTRIES))])
        .map(drop)
}

fn log(connection: &Connection, limit: usize) -> SqlResult<Vec<AuditEntry>> {
    let mut statement = connection.prepare_cached(
        "SELECT at, actor, act, subject FROM audit ORDER BY number DESC LIMIT ?1",
    )?;
    let entry = |row: &rusqlite::Row<'_>| {
        let at = u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default();
        Ok(AuditEntry { at, actor: row.get(1)?, act: row.get(2)?, subject: row.get(3)? })
    };
    statement.query_map(params![count(limit)], entry)?.collect()
}

fn version_of(number: i64) -> Version {
    Version(u64::try_from(number).unwrap_or_default())
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
