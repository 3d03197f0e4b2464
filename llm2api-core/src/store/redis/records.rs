//! Records that several servers share, and the log of who changed them.

use async_trait::async_trait;

use super::super::{
    AuditEntry, Listing, MOST_AUDIT_ENTRIES, RecordChange, Records, Swapped, Version,
};
use super::RedisStore;
use crate::error::{Error, ErrorKind, Result};

/// An act as the log has it: when, who, what, to what.
type Fields = (u64, String, String, String);

#[async_trait]
impl Records for RedisStore {
    async fn records(&self, collection: &str, known: Option<Version>) -> Result<Option<Listing>> {
        let mut script = self.scripts.records.arg(collection);
        script.arg(known.map(|version| version.0).as_slice());
        let found: Option<(u64, Vec<(String, String)>)> = self.link.run_now(&script).await?;
        Ok(found.map(|(version, mut records)| {
            records.sort_unstable();
            Listing::new(records, Version(version))
        }))
    }

    async fn record(&self, collection: &str, id: &str) -> Result<Option<String>> {
        let mut script = self.scripts.record.arg(collection);
        script.arg(id);
        self.link.run_now(&script).await
    }

    async fn change_record(&self, change: &RecordChange) -> Result<Swapped> {
        let RecordChange { collection, id, expected, text, audit } = change;
        let mut script = self.scripts.change_record.arg(*collection);
        script.arg(id).arg(text).arg(encode(audit)?).arg(MOST_AUDIT_ENTRIES);
        script.arg(expected.as_slice());
        let (kept, found): (bool, Option<String>) = self.link.run_now(&script).await?;
        Ok(match (kept, found) {
            (true, _) => Swapped::Done,
            (false, Some(text)) => Swapped::Other(text),
            (false, None) => Swapped::Missing,
        })
    }

    async fn audit(&self, entry: &AuditEntry) -> Result<()> {
        let mut script = self.scripts.audit.arg(encode(entry)?);
        script.arg(MOST_AUDIT_ENTRIES);
        self.link.run_now(&script).await
    }

    async fn audit_log(&self, limit: usize) -> Result<Vec<AuditEntry>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let script = self.scripts.audit_log.arg(limit.min(MOST_AUDIT_ENTRIES));
        let found: Vec<String> = self.link.run_now(&script).await?;
        Ok(found.iter().filter_map(|text| decode(text)).collect())
    }
}

fn encode(entry: &AuditEntry) -> Result<String> {
    let AuditEntry { at, actor, act, subject } = entry;
    serde_json::to_string(&(at, actor, act, subject)).map_err(|error| {
        let message = "an act cannot be written down";
        Error::new(ErrorKind::Internal, "store", message).with_source(error)
    })
}

/// What is no act of ours is passed over.
fn decode(text: &str) -> Option<AuditEntry> {
    let (at, actor, act, subject): Fields = serde_json::from_str(text).ok()?;
    Some(AuditEntry { at, actor, act, subject })
}
