//! Rows as Redis has them.

use ::redis::{FromRedisValue, cmd};

use super::super::{Inserted, KeyId, Row, Sealed};
use super::link::{Link, Live};
use super::scripts::ROW;
use crate::credential::CredentialId;
use crate::error::Result;

/// Rows that are read in one go.
const AT_ONCE: usize = 500;
const FIELDS: [&str; 7] =
    ["upstream", "fingerprint", "account", "key", "sealed", "profile", "health"];

type Fields = (String, String, Option<String>, String, Vec<u8>, String, String);

/// Reads rows; passes over those that have gone meanwhile.
pub(super) async fn read_rows(link: &Link, live: &Live, ids: Vec<String>) -> Result<Vec<Row>> {
    let mut rows = Vec::with_capacity(ids.len());
    for part in ids.chunks(AT_ONCE) {
        let mut pipe = ::redis::pipe();
        for id in part {
            pipe.add_command(cmd("HMGET")).arg(format!("{ROW}{id}")).arg(&FIELDS);
        }
        let found: Vec<::redis::Value> = link.pipe(live, &pipe).await?;
        rows.extend(part.iter().zip(found).filter_map(|(id, fields)| row(id, fields)));
    }
    Ok(rows)
}

/// What is not text, or lacks a field, is no row of ours.
fn row(id: &str, fields: ::redis::Value) -> Option<Row> {
    let fields: Fields = FromRedisValue::from_redis_value(fields).ok()?;
    let (upstream, fingerprint, account, key, bytes, profile, health) = fields;
    let id = CredentialId::from_text(id);
    let sealed = Sealed { key: KeyId(key), bytes };
    Some(Row { id, upstream, fingerprint, account, sealed, profile, health })
}

/// Reads what a script says of a row that was to be kept.
pub(super) fn inserted(owner: Option<&str>) -> Inserted {
    match owner {
        None => Inserted::Missing,
        Some("") => Inserted::New,
        Some(owner) => Inserted::Duplicate(CredentialId::from_text(owner)),
    }
}
