//! Conversations that are kept in the file.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result as SqlResult, params};

use super::super::branches::MOST_BRANCHES;
use super::super::{
    Branch, Branches, Collection, Held, Hold, KeptConversation, KeyId, OutboxEntry, Sealed,
};
use super::SqliteStore;
use crate::clock::{unix_millis, unix_millis_once};
use crate::credential::CredentialId;
use crate::error::Result;

/// How long a conversation rests that an earlier process held. Runs are stopped at once, and a stop
/// that finds nothing to stop lingers for five seconds.
const LEFT: Duration = Duration::from_secs(10);

/// Picks what a collection is about: its owner or null, the moment of the last use, how many to pass
/// over and to take, now, and whether those that are held count.
const WANTED: &str = "
    SELECT id FROM (
        SELECT id, used, until, number FROM conversation WHERE ?1 IS NULL OR owner = ?1
        ORDER BY used DESC, number DESC LIMIT -1 OFFSET ?3
    ) WHERE (?6 OR until <= ?5) AND used <= ?2 ORDER BY used, number LIMIT ?4";

#[async_trait]
impl Branches for SqliteStore {
    async fn remember(
        &self,
        kept: &KeptConversation,
        branch: &Branch,
        hold: Option<&Hold>,
    ) -> Result<bool> {
        let (kept, branch, hold) = (kept.clone(), branch.clone(), hold.cloned());
        let work =
            move |connection: &_| remember(connection, &kept, &branch, hold.as_ref(), use_now());
        self.thread.note(work).await
    }

    async fn hold(&self, wanted: &Hold, lease: Duration) -> Result<Held> {
        let wanted = wanted.clone();
        self.thread
            .note(move |connection| hold(connection, &wanted, use_now(), millis(lease)))
            .await
    }

    async fn renew_holds(&self, holds: &[Hold], lease: Duration) -> Result<()> {
        let holds = holds.to_vec();
        let work = move |connection: &_| {
            holds.iter().try_for_each(|hold| set(connection, hold, &hold.token, millis(lease)))
        };
        self.thread.note(work).await
    }

    async fn release(&self, hold: &Hold, rest: Duration) -> Result<()> {
        let hold = hold.clone();
        self.thread.note(move |connection| set(connection, &hold, "", millis(rest))).await
    }

    async fn give_up(&self, hold: &Hold) -> Result<Vec<OutboxEntry>> {
        let hold = hold.clone();
        let work = move |connection: &_| {
            let ids = held_id(connection, &hold)?.into_iter().collect();
            move_to_outbox(connection, ids)
        };
        self.thread.note(work).await
    }

    async fn collect(&self, which: &Collection) -> Result<Vec<OutboxEntry>> {
        let which = which.clone();
        let work = move |connection: &_| {
            let ids = wanted(connection, &which, use_now())?;
            move_to_outbox(connection, ids)
        };
        self.thread.note(work).await
    }

    async fn owner_of(&self, thread: &str) -> Result<Option<CredentialId>> {
        let thread = thread.to_owned();
        self.thread.read(move |connection| owner_of(connection, &thread)).await
    }

    async fn conversations(&self) -> Result<Vec<KeptConversation>> {
        self.thread.read(all).await
    }
}

fn remember(
    connection: &Connection,
    kept: &KeptConversation,
    branch: &Branch,
    hold: Option<&Hold>,
    now: i64,
) -> SqlResult<bool> {
    let KeptConversation { id, owner, conversation, sealed } = kept;
    match hold {
        Some(hold) => {
            let is_it = held_id(connection, hold)?.is_some_and(|found| found == *id);
            if !is_it || branches_of(connection, id)? >= count(MOST_BRANCHES) {
                return Ok(false);
            }
            connection
                .prepare_cached(
                    "UPDATE conversation SET key = ?2, sealed = ?3, used = ?4, holder = '',
                     until = 0 WHERE id = ?1",
                )?
                .execute(params![id, sealed.key.0, sealed.bytes, now])?;
        }
        None => {
            connection
                .prepare_cached(
                    "INSERT INTO conversation (id, owner, conversation, key, sealed, used)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    id,
                    owner.as_str(),
                    conversation,
                    sealed.key.0,
                    sealed.bytes,
                    now
                ])?;
            super::statements::remove_outbox(connection, std::slice::from_ref(id))?;
        }
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO branch (key, conversation, message, thread)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![branch.key, id, branch.message, branch.thread])?;
    Ok(true)
}

fn branches_of(connection: &Connection, id: &str) -> SqlResult<i64> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM branch WHERE conversation = ?1")?;
    statement.query_row(params![id], |row| row.get(0))
}

fn hold(connection: &Connection, hold: &Hold, now: i64, lease: i64) -> SqlResult<Held> {
    let mut statement = connection.prepare_cached(
        "SELECT kept.id, kept.conversation, branch.message, kept.until FROM branch
         JOIN conversation AS kept ON kept.id = branch.conversation WHERE branch.key = ?1",
    )?;
    let found = statement.query_row(params![hold.branch], |row| {
        Ok(([row.get(0)?, row.get(1)?, row.get(2)?], row.get::<_, i64>(3)?))
    });
    let Some(([id, conversation, message], until)) = found.optional()? else {
        return Ok(Held::Unknown);
    };
    if until > now {
        return Ok(Held::Busy(id));
    }
    connection
        .prepare_cached(
            "UPDATE conversation SET holder = ?2, until = ?3, used = ?4
             WHERE id = (SELECT conversation FROM branch WHERE key = ?1)",
        )?
        .execute(params![hold.branch, hold.token, now.saturating_add(lease), now])?;
    Ok(Held::Yes { id, conversation, message })
}

/// Changes who holds a conversation, and for how long, if it is held so.
fn set(connection: &Connection, hold: &Hold, holder: &str, time: i64) -> SqlResult<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE conversation SET holder = ?4, until = ?5 WHERE holder = ?3
         AND id = coalesce(?2, (SELECT conversation FROM branch WHERE key = ?1))",
    )?;
    let until = now().saturating_add(time);
    statement.execute(params![hold.branch, hold.id, hold.token, holder, until]).map(drop)
}

/// Shortens what an earlier process held: by the end of this its runs are stopped.
pub(super) fn ease_holds(connection: &Connection) -> SqlResult<()> {
    let until = now().saturating_add(millis(LEFT));
    let mut statement =
        connection.prepare_cached("UPDATE conversation SET until = ?1 WHERE until > ?1")?;
    statement.execute(params![until]).map(drop)
}

fn held_id(connection: &Connection, hold: &Hold) -> SqlResult<Option<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM conversation WHERE holder = ?3
         AND id = coalesce(?2, (SELECT conversation FROM branch WHERE key = ?1))",
    )?;
    statement.query_row(params![hold.branch, hold.id, hold.token], |row| row.get(0)).optional()
}

fn wanted(connection: &Connection, which: &Collection, now: i64) -> SqlResult<Vec<String>> {
    let owner = which.owner.as_ref().map(CredentialId::as_str);
    let old = now.saturating_sub(millis(which.unused_for));
    let most = if which.at_most == 0 { -1 } else { count(which.at_most) };
    let mut statement = connection.prepare_cached(WANTED)?;
    let rows = statement
        .query_map(params![owner, old, count(which.spare), most, now, which.held_too], |row| {
            row.get(0)
        })?;
    rows.collect()
}

/// Makes entries of the outbox of conversations.
fn move_to_outbox(connection: &Connection, ids: Vec<String>) -> SqlResult<Vec<OutboxEntry>> {
    let mut entries = Vec::with_capacity(ids.len());
    for id in ids {
        let mut removed = connection
            .prepare_cached("DELETE FROM conversation WHERE id = ?1 RETURNING key, sealed")?;
        let sealed = removed.query_row(params![id], |row| {
            Ok(Sealed { key: KeyId(row.get(0)?), bytes: row.get(1)? })
        })?;
        connection
            .prepare_cached("DELETE FROM branch WHERE conversation = ?1")?
            .execute(params![id])?;
        let entry = OutboxEntry { id, sealed };
        super::statements::put_outbox(connection, &entry)?;
        entries.push(entry);
    }
    Ok(entries)
}

fn owner_of(connection: &Connection, thread: &str) -> SqlResult<Option<CredentialId>> {
    let mut statement = connection.prepare_cached(
        "SELECT kept.owner FROM branch JOIN conversation AS kept ON kept.id = branch.conversation
         WHERE branch.thread = ?1 ORDER BY kept.used DESC LIMIT 1",
    )?;
    let owner = statement.query_row(params![thread], |row| row.get::<_, String>(0)).optional()?;
    Ok(owner.map(CredentialId::from_text))
}

fn all(connection: &Connection) -> SqlResult<Vec<KeptConversation>> {
    let mut statement = connection
        .prepare_cached("SELECT id, owner, conversation, key, sealed FROM conversation")?;
    let kept = |row: &rusqlite::Row<'_>| {
        let sealed = Sealed { key: KeyId(row.get(3)?), bytes: row.get(4)? };
        let owner = CredentialId::from_text(row.get::<_, String>(1)?);
        Ok(KeptConversation { id: row.get(0)?, owner, conversation: row.get(2)?, sealed })
    };
    statement.query_map([], kept)?.collect()
}

fn now() -> i64 {
    i64::try_from(unix_millis()).unwrap_or(i64::MAX)
}

/// The moment of a use: of two uses, each has one of its own.
fn use_now() -> i64 {
    i64::try_from(unix_millis_once()).unwrap_or(i64::MAX)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
