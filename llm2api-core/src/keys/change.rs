//! What an operator does to keys. Once a method returns, what it did is kept and holds.

use std::time::Duration;

use super::book::{Kept, entry};
use super::check;
use super::handle::{COLLECTION, ClientKeys, not_found};
use super::model::{ClientKey, IssuedKey, KeyChange, KeyState, NewKey};
use super::record::KeyRecord;
use super::text;
use crate::clock::{unix_millis, unix_millis_once, unix_seconds};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{AuditEntry, RecordChange, Records, Swapped};

/// How often a change is tried while others change the same key.
const MOST_TRIES: usize = 32;
/// No id is longer.
const LONGEST_ID: usize = 16;

impl ClientKeys {
    /// Makes a key. It can be read in the answer and never again.
    ///
    /// `actor` says in the log of changes who did it: `cli`, or the address that called.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] with code `invalid_value`, which names the field;
    /// [`ErrorKind::Configuration`] where the store keeps no keys; [`ErrorKind::Store`], and then there
    /// may be a key that nobody was given: [`list`](Self::list) shows it.
    pub async fn create(&self, new: NewKey, actor: &str) -> Result<IssuedKey> {
        let id = text::random_id()?;
        let key = text::random_key(&id)?;
        let mut record = KeyRecord::new(key.expose(), unix_millis_once());
        check::fill(&mut record, new, unix_seconds())?;
        let change = change_of(&id, None, &record, "key.create", actor)?;
        match write(self.records()?, &change).await? {
            Swapped::Done => {}
            _ => return Err(busy()),
        }
        let entry = entry(&id, &record, unix_seconds());
        self.take([(id, change.text)]);
        Ok(IssuedKey { entry, key })
    }

    /// Takes a key back, for good; calls under way go on. One that is revoked already stays as it
    /// is.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] with code `key_not_found`, or with `invalid_value` for a key in
    /// place of its id; [`ErrorKind::Configuration`] where the store keeps no keys;
    /// [`ErrorKind::Store`] where it did not answer: the change may have been made all the same, so look
    /// at the key before you try again.
    pub async fn revoke(&self, id: &str, actor: &str) -> Result<ClientKey> {
        let revoke = |record: &mut KeyRecord, now| {
            record.revoked_at = record.revoked_at.or(Some(now));
            Ok(())
        };
        self.alter(id, "key.revoke", actor, revoke).await
    }

    /// Makes another secret for a key. The one before it stops at once, or after `grace`; one that
    /// was still good from an earlier rotation stops at once.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke), and [`ErrorKind::InvalidRequest`] with code `key_revoked` or
    /// `key_expired`.
    pub async fn rotate(&self, id: &str, grace: Duration, actor: &str) -> Result<IssuedKey> {
        let key = text::random_key(id)?;
        let rotate = |record: &mut KeyRecord, now| {
            check_alive(record, now)?;
            record.rotate(key.expose(), now, now.saturating_add(grace.as_secs()));
            Ok(())
        };
        let entry = self.alter(id, "key.rotate", actor, rotate).await?;
        Ok(IssuedKey { entry, key })
    }

    /// Changes what a key is called and what it may. One that has expired may get another end.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke), and [`ErrorKind::InvalidRequest`] with code `key_revoked`, or
    /// with code `invalid_value`, which names the field.
    pub async fn update(&self, id: &str, change: KeyChange, actor: &str) -> Result<ClientKey> {
        let update = |record: &mut KeyRecord, now| {
            if record.revoked_at.is_some() {
                return Err(revoked());
            }
            check::change(record, change.clone(), now)
        };
        self.alter(id, "key.update", actor, update).await
    }

    /// Changes the record of a key as it is by then, however many others change it too.
    async fn alter(
        &self,
        id: &str,
        act: &str,
        actor: &str,
        change: impl Fn(&mut KeyRecord, u64) -> Result<()> + Send + Sync,
    ) -> Result<ClientKey> {
        if text::is_key(id) {
            return Err(whole_key());
        }
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !plain || id.len() > LONGEST_ID {
            return Err(not_found());
        }
        let records = self.records()?;
        let mut there = records.record(COLLECTION, id).await?;
        for _ in 0..MOST_TRIES {
            let before = self.latest(id, there.as_deref())?;
            let mut record = before.clone();
            let now = unix_seconds();
            change(&mut record, now)?;
            if record == before {
                return Ok(entry(id, &record, now));
            }
            record.revision += 1;
            let change = change_of(id, there, &record, act, actor)?;
            there = match write(records, &change).await? {
                Swapped::Done => {
                    self.take([(id.to_owned(), change.text)]);
                    return Ok(entry(id, &record, now));
                }
                Swapped::Other(text) => Some(text),
                Swapped::Missing => None,
            };
        }
        Err(busy())
    }

    /// The later of what the store has and what is known here: a store may have lost something.
    fn latest(&self, id: &str, there: Option<&str>) -> Result<KeyRecord> {
        let there = there.map(|text| Kept::new(text.to_owned()));
        let (book, there) = (self.book(), there.as_ref());
        let here = book.get(id).map(AsRef::as_ref);
        let latest = match (here, there) {
            (Some(here), Some(there)) if here.is_newer_than(there) => Some(here),
            (here, there) => there.or(here),
        };
        let record = latest.ok_or_else(not_found)?.record.clone();
        record.ok_or_else(|| {
            let message = "a newer version has written this key: change it there";
            Error::new(ErrorKind::Configuration, "change key", message)
        })
    }
}

/// Makes a change. One whose answer was lost may have been made: then the record says so.
async fn write(records: &dyn Records, change: &RecordChange) -> Result<Swapped> {
    let error = match records.change_record(change).await {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    match records.record(change.collection, &change.id).await {
        Ok(Some(text)) if text == change.text => Ok(Swapped::Done),
        _ => Err(error),
    }
}

/// Joins what is written with who does it.
pub(super) fn change_of(
    id: &str,
    expected: Option<String>,
    record: &KeyRecord,
    act: &str,
    actor: &str,
) -> Result<RecordChange> {
    Ok(change_to(id, expected, record.write()?, act, actor))
}

pub(super) fn change_to(
    id: &str,
    expected: Option<String>,
    text: String,
    act: &str,
    actor: &str,
) -> RecordChange {
    let (actor, act, subject) = (actor.to_owned(), act.to_owned(), id.to_owned());
    let audit = AuditEntry { at: unix_millis(), actor, act, subject };
    RecordChange { collection: COLLECTION, id: id.to_owned(), expected, text, audit }
}

fn check_alive(record: &KeyRecord, now: u64) -> Result<()> {
    match record.state(now) {
        KeyState::Active => Ok(()),
        KeyState::Revoked => Err(revoked()),
        KeyState::Expired => {
            Err(refused("the key has expired: give it another end first", "key_expired"))
        }
    }
}

fn whole_key() -> Error {
    let message =
        "this is the key itself: give its id, the part after `sk-l2a-` up to the next `-`";
    Error::new(ErrorKind::InvalidRequest, "find key", message)
        .with_code("invalid_value")
        .with_param("id")
}

fn revoked() -> Error {
    refused("the key is revoked, and stays so: make another", "key_revoked")
}

fn refused(message: &str, code: &'static str) -> Error {
    Error::new(ErrorKind::InvalidRequest, "change key", message).with_status(409).with_code(code)
}

fn busy() -> Error {
    let message = "others change the keys at the same time: try again";
    Error::new(ErrorKind::Store, "change key", message)
}
