//! The SQL. Values are bound, never written into the text.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::super::{Inserted, KeyId, OutboxEntry, Row, Sealed, Swapped};
use crate::credential::CredentialId;

/// Reads all rows in the order in which they came.
pub(super) fn rows(connection: &Connection) -> Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, upstream, fingerprint, account, key, sealed, profile, health
         FROM credential ORDER BY number",
    )?;
    statement.query_map([], row)?.collect()
}

fn row(row: &rusqlite::Row<'_>) -> Result<Row> {
    Ok(Row {
        id: CredentialId::from_text(row.get::<_, String>(0)?),
        upstream: row.get(1)?,
        fingerprint: row.get(2)?,
        account: row.get(3)?,
        sealed: Sealed { key: KeyId(row.get(4)?), bytes: row.get(5)? },
        profile: row.get(6)?,
        health: row.get(7)?,
    })
}

/// Adds a row, unless another has what must be unique.
pub(super) fn insert(connection: &Connection, row: &Row) -> Result<Inserted> {
    if let Some(id) = same(connection, row, "")? {
        return Ok(Inserted::Duplicate(id));
    }
    let mut statement = connection.prepare_cached(
        "INSERT INTO credential (id, upstream, fingerprint, account, key, sealed, profile, health)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let Sealed { key, bytes } = &row.sealed;
    let (id, account) = (row.id.as_str(), &row.account);
    let (profile, health) = (&row.profile, &row.health);
    statement.execute(params![
        id,
        row.upstream,
        row.fingerprint,
        account,
        key.0,
        bytes,
        profile,
        health
    ])?;
    Ok(Inserted::New)
}

/// Replaces all of a row but its health, unless another has what must be unique.
pub(super) fn replace(connection: &Connection, row: &Row) -> Result<Inserted> {
    if let Some(id) = same(connection, row, row.id.as_str())? {
        return Ok(Inserted::Duplicate(id));
    }
    let mut statement = connection.prepare_cached(
        "UPDATE credential SET upstream = ?2, fingerprint = ?3, account = ?4, key = ?5,
         sealed = ?6 WHERE id = ?1",
    )?;
    let Sealed { key, bytes } = &row.sealed;
    let (id, account) = (row.id.as_str(), &row.account);
    let changed =
        statement.execute(params![id, row.upstream, row.fingerprint, account, key.0, bytes])?;
    Ok(if changed > 0 { Inserted::New } else { Inserted::Missing })
}

/// Notes whose account a row is, unless another row of the upstream has that.
pub(super) fn set_account(
    connection: &Connection,
    id: &CredentialId,
    account: &str,
) -> Result<Inserted> {
    let mut statement = connection.prepare_cached(
        "SELECT other.id FROM credential AS this JOIN credential AS other
         ON other.upstream = this.upstream AND other.account = ?2 AND other.id <> this.id
         WHERE this.id = ?1",
    )?;
    let other: Option<String> =
        statement.query_row(params![id.as_str(), account], |row| row.get(0)).optional()?;
    if let Some(other) = other {
        return Ok(Inserted::Duplicate(CredentialId::from_text(other)));
    }
    let mut statement =
        connection.prepare_cached("UPDATE credential SET account = ?2 WHERE id = ?1")?;
    let changed = statement.execute(params![id.as_str(), account])?;
    Ok(if changed > 0 { Inserted::New } else { Inserted::Missing })
}

/// Finds a row, other than `but`, that has what must be unique of `row`.
fn same(connection: &Connection, row: &Row, but: &str) -> Result<Option<CredentialId>> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM credential WHERE id <> ?5 AND (id = ?1
         OR (upstream = ?2 AND fingerprint = ?3) OR (upstream = ?2 AND account = ?4))
         ORDER BY number LIMIT 1",
    )?;
    let (id, account) = (row.id.as_str(), &row.account);
    let found = statement
        .query_row(params![id, row.upstream, row.fingerprint, account, but], |row| {
            row.get::<_, String>(0)
        })
        .optional()?;
    Ok(found.map(CredentialId::from_text))
}

/// Changes a row's profile, if it still is `expected`.
pub(super) fn set_profile(
    connection: &Connection,
    id: &CredentialId,
    expected: &str,
    profile: &str,
) -> Result<Swapped> {
    let mut statement = connection
        .prepare_cached("UPDATE credential SET profile = ?3 WHERE id = ?1 AND profile = ?2")?;
    if statement.execute(params![id.as_str(), expected, profile])? > 0 {
        return Ok(Swapped::Done);
    }
    let mut statement =
        connection.prepare_cached("SELECT profile FROM credential WHERE id = ?1")?;
    let other = statement.query_row(params![id.as_str()], |row| row.get(0)).optional()?;
    Ok(other.map_or(Swapped::Missing, Swapped::Other))
}

/// Changes the health of several rows.
pub(super) fn set_health(connection: &Connection, all: &[(CredentialId, String)]) -> Result<()> {
    let mut statement =
        connection.prepare_cached("UPDATE credential SET health = ?2 WHERE id = ?1")?;
    for (id, health) in all {
        statement.execute(params![id.as_str(), health])?;
    }
    Ok(())
}

/// Removes a row.
pub(super) fn remove(connection: &Connection, id: &CredentialId) -> Result<bool> {
    let mut statement = connection.prepare_cached("DELETE FROM credential WHERE id = ?1")?;
    Ok(statement.execute(params![id.as_str()])? > 0)
}

/// Replaces what is sealed, if it still is `old`.
pub(super) fn reseal(
    connection: &Connection,
    id: &CredentialId,
    old: &Sealed,
    new: &Sealed,
) -> Result<bool> {
    let mut statement = connection.prepare_cached(
        "UPDATE credential SET key = ?4, sealed = ?5 WHERE id = ?1 AND key = ?2 AND sealed = ?3",
    )?;
    let id = id.as_str();
    Ok(statement.execute(params![id, old.key.0, old.bytes, new.key.0, new.bytes])? > 0)
}

/// Reads a small value.
pub(super) fn value(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached("SELECT value FROM value WHERE name = ?1")?;
    statement.query_row(params![name], |row| row.get(0)).optional()
}

/// Sets a small value, if it still is `expected`.
pub(super) fn set_value(
    connection: &Connection,
    name: &str,
    expected: Option<&[u8]>,
    value: &[u8],
) -> Result<bool> {
    let changed = match expected {
        Some(expected) => connection
            .prepare_cached("UPDATE value SET value = ?3 WHERE name = ?1 AND value = ?2")?
            .execute(params![name, expected, value])?,
        None => connection
            .prepare_cached("INSERT OR IGNORE INTO value (name, value) VALUES (?1, ?2)")?
            .execute(params![name, value])?,
    };
    Ok(changed > 0)
}

/// Keeps an entry of the outbox.
pub(super) fn put_outbox(connection: &Connection, entry: &OutboxEntry) -> Result<()> {
    let mut statement = connection
        .prepare_cached("INSERT OR REPLACE INTO outbox (id, key, sealed) VALUES (?1, ?2, ?3)")?;
    let Sealed { key, bytes } = &entry.sealed;
    statement.execute(params![entry.id, key.0, bytes]).map(drop)
}

/// Removes entries of the outbox.
pub(super) fn remove_outbox(connection: &Connection, ids: &[String]) -> Result<()> {
    let mut statement = connection.prepare_cached("DELETE FROM outbox WHERE id = ?1")?;
    ids.iter().try_for_each(|id| statement.execute(params![id]).map(drop))
}

/// Reads the whole outbox.
pub(super) fn outbox(connection: &Connection) -> Result<Vec<OutboxEntry>> {
    let mut statement = connection.prepare_cached("SELECT id, key, sealed FROM outbox")?;
    let entry = |row: &rusqlite::Row<'_>| {
        let sealed = Sealed { key: KeyId(row.get(1)?), bytes: row.get(2)? };
        Ok(OutboxEntry { id: row.get(0)?, sealed })
    };
    statement.query_map([], entry)?.collect()
}
