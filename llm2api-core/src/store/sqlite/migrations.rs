//! The tables, and how those of an older version become those of this one.

use rusqlite::{Connection, TransactionBehavior};

use super::failure::BROKEN;

/// What each version adds to the one before. Never change one that was released: add another.
const MIGRATIONS: [&str; 5] = [
    "
    CREATE TABLE credential (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        upstream TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        account TEXT,
        key TEXT NOT NULL,
        sealed BLOB NOT NULL,
        profile TEXT NOT NULL,
        health TEXT NOT NULL,
        UNIQUE (upstream, fingerprint),
        UNIQUE (upstream, account)
    ) STRICT;
    CREATE TABLE value (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE count (
        series TEXT NOT NULL,
        field TEXT NOT NULL,
        value INTEGER NOT NULL,
        PRIMARY KEY (series, field)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE outbox (
        id TEXT PRIMARY KEY,
        key TEXT NOT NULL,
        sealed BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE conversation (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        conversation TEXT NOT NULL,
        key TEXT NOT NULL,
        sealed BLOB NOT NULL,
        used INTEGER NOT NULL,
        holder TEXT NOT NULL DEFAULT '',
        until INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX conversation_owner ON conversation (owner, used);
    CREATE TABLE branch (
        key TEXT PRIMARY KEY,
        conversation TEXT NOT NULL,
        message TEXT NOT NULL,
        thread TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX branch_conversation ON branch (conversation);
    CREATE INDEX branch_thread ON branch (thread) WHERE thread IS NOT NULL;
",
    "
    CREATE TABLE record (
        collection TEXT NOT NULL,
        id TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (collection, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE record_version (
        collection TEXT PRIMARY KEY,
        version INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        actor TEXT NOT NULL,
        act TEXT NOT NULL,
        subject TEXT NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE figure (
        number INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE point (
        span INTEGER NOT NULL,
        part INTEGER NOT NULL,
        series TEXT NOT NULL,
        at INTEGER NOT NULL,
        figures BLOB NOT NULL,
        PRIMARY KEY (span, part, series, at)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE batch (
        number INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    ) STRICT;
",
];

/// The version that this program writes.
#[expect(clippy::cast_possible_wrap, reason = "there are but a few")]
const KNOWN: isize = MIGRATIONS.len() as isize;

/// Marks a file as ours: `l2ap`.
const APPLICATION: i32 = 0x6c32_6170;

/// Says why a file must be left alone, before anything is written to it.
pub(super) fn refusal(connection: &mut Connection) -> rusqlite::Result<Option<String>> {
    // All of one moment: another process may be about to make the tables.
    let seen = connection.transaction()?;
    let application: i32 = seen.pragma_query_value(None, "application_id", get)?;
    let version: isize = seen.pragma_query_value(None, "user_version", get)?;
    let tables: u32 = seen.query_row("SELECT count(*) FROM sqlite_schema", [], get)?;
    if application != APPLICATION && (application != 0 || version != 0 || tables > 0) {
        let message = "the store's file is a database of another program: name another file in \
                       `STORE_URL`";
        return Ok(Some(message.to_owned()));
    }
    if version > KNOWN {
        return Ok(Some(format!(
            "the store was written by a newer version of llm2api (format {version}, this one \
             knows {KNOWN}): update this server"
        )));
    }
    let sound: String = seen.pragma_query_value(None, "quick_check", get)?;
    Ok((sound != "ok").then(|| BROKEN.to_owned()))
}

/// Brings the tables up to this version, all or nothing, one process after the other.
pub(super) fn apply(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: isize = transaction.pragma_query_value(None, "user_version", get)?;
    for migration in MIGRATIONS.iter().skip(version.unsigned_abs()) {
        transaction.execute_batch(migration)?;
    }
    if version < KNOWN {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", KNOWN)?;
    }
    transaction.commit()
}

fn get<T: rusqlite::types::FromSql>(row: &rusqlite::Row<'_>) -> rusqlite::Result<T> {
    row.get(0)
}
