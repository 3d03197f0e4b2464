//! Accounts as JSON. Times are seconds since 1970, as everywhere in this dialect; null where unknown.

use std::time::{SystemTime, UNIX_EPOCH};

use llm2api_core::accounts::{AccountStatus, Checked, Verdict};
use serde::{Serialize, Serializer};

use crate::openai::error::Failure;

/// One account, everything but its secret.
#[derive(Hash, Serialize)]
pub(in crate::routes) struct Entry<'a> {
    pub(super) id: &'a str,
    pub(super) label: &'a str,
    pub(super) upstream: &'a str,
    pub(super) fingerprint: &'a str,
    pub(super) state: &'a str,
    pub(super) reason: Option<&'a str>,
    pub(super) until: Option<u64>,
    pub(super) account: Option<&'a str>,
    pub(super) proven: bool,
    pub(super) in_flight: u32,
    pub(super) max_concurrency: u32,
    pub(super) weight: u32,
    pub(super) requests: u64,
    pub(super) failures: u64,
    pub(super) last_error: Option<&'a str>,
    pub(super) last_used: Option<u64>,
    pub(super) last_checked: Option<u64>,
    pub(super) created: u64,
}

impl<'a> From<&'a AccountStatus> for Entry<'a> {
    fn from(status: &'a AccountStatus) -> Self {
        Self {
            id: status.id.as_str(),
            label: &status.label,
            upstream: &status.upstream,
            fingerprint: &status.fingerprint,
            state: status.state.as_str(),
            reason: status.reason.as_deref(),
            until: status.until.map(seconds),
            account: status.account.as_deref(),
            proven: status.proven,
            in_flight: status.in_flight,
            max_concurrency: status.max_concurrency,
            weight: status.weight,
            requests: status.requests,
            failures: status.failures,
            last_error: status.last_error.as_deref(),
            last_used: status.last_used.map(seconds),
            last_checked: status.last_checked.map(seconds),
            created: seconds(status.created),
        }
    }
}

/// The seconds since 1970; a clock before that is wrong, and 0 says so.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A list of accounts that is written as it is walked through.
#[derive(Serialize)]
pub(super) struct Page<'a> {
    #[serde(serialize_with = "entries")]
    pub(super) data: &'a [AccountStatus],
    /// All accounts, whatever part of them is shown.
    pub(super) total: usize,
}

fn entries<S: Serializer>(data: &[AccountStatus], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(data.iter().map(Entry::from))
}

/// An account that was added.
#[derive(Serialize)]
pub(super) struct AddedEntry<'a> {
    #[serde(flatten)]
    pub(super) entry: Entry<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<&'a str>,
}

/// An account that was checked.
#[derive(Serialize)]
pub(super) struct CheckedEntry<'a> {
    #[serde(flatten)]
    entry: Entry<'a>,
    verdict: &'static str,
    message: Option<&'a str>,
}

impl<'a> From<&'a Checked> for CheckedEntry<'a> {
    fn from(checked: &'a Checked) -> Self {
        let (verdict, message) = match &checked.verdict {
            Verdict::Valid => ("valid", None),
            Verdict::Invalid(message) => ("invalid", Some(message.as_str())),
            Verdict::Unknown(message) => ("unknown", Some(message.as_str())),
            _ => ("unknown", None),
        };
        Self { entry: Entry::from(&checked.account), verdict, message }
    }
}

/// All that were checked.
#[derive(Serialize)]
pub(super) struct CheckedList<'a> {
    pub(super) data: Vec<CheckedEntry<'a>>,
}

/// What became of one account of an import.
#[derive(Serialize)]
pub(super) struct Outcome<'a> {
    /// Its place in what was sent, from 0.
    pub(super) index: usize,
    /// `ok`, `duplicate` or `error`.
    pub(super) result: &'static str,
    #[serde(flatten)]
    pub(super) account: Option<AddedEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Told<'a>>,
}

/// An error of one account.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    pub(super) code: &'a str,
    pub(super) message: &'a str,
}

impl<'a> From<&'a Failure> for Told<'a> {
    fn from(failure: &'a Failure) -> Self {
        Self { code: failure.code(), message: failure.message() }
    }
}

/// What became of an import.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) data: Vec<Outcome<'a>>,
    pub(super) added: usize,
    pub(super) duplicates: usize,
    pub(super) failed: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry<'static> {
        Entry {
            id: "cred_1",
            label: "Ann",
            upstream: "team-chat",
            fingerprint: "0a1b2c3d",
            state: "cooling",
            reason: Some("rate limited"),
            until: Some(1_700_000_000),
            account: None,
            proven: true,
            in_flight: 1,
            max_concurrency: 4,
            weight: 1,
            requests: 7,
            failures: 2,
            last_error: None,
            last_used: Some(1_699_999_999),
            last_checked: None,
            created: 1_600_000_000,
        }
    }

    #[test]
    fn an_account_is_flat_json() {
        let checked = CheckedEntry { entry: entry(), verdict: "valid", message: None };
        let added = AddedEntry { entry: entry(), note: Some("not proven") };
        let refused = Failure::no_such_page("after");
        let data = vec![
            Outcome { index: 0, result: "ok", account: Some(added), error: None },
            Outcome { index: 1, result: "error", account: None, error: Some((&refused).into()) },
        ];
        let report = Report { data, added: 1, duplicates: 0, failed: 1 };
        let texts = [serde_json::to_string(&checked), serde_json::to_string(&report)];
        insta::assert_snapshot!(texts.map(|text| text.expect("is JSON")).join("\n"));
    }
}
