//! One look at the server, written as events.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use llm2api_core::accounts::AccountStatus;
use serde::Serialize;

use super::accounts::Delta;
use crate::journal;
use crate::routes::requests::{Entry, Names};
use crate::routes::stats;
use crate::sse::write_named;
use crate::state::State;

/// Requests of one event; of the rest it tells the number.
pub(super) const MOST_REQUESTS: usize = 25;

/// What one look has found, as the events that tabs get.
#[derive(Debug)]
pub(super) struct Picture {
    /// The number of the look.
    pub(super) look: u64,
    pub(super) stats: Bytes,
    /// What is new since the look before, where anything is.
    pub(super) accounts: Option<Bytes>,
    /// Requests that ended since the look before, where there are any.
    pub(super) requests: Option<Bytes>,
    /// Requests that had ended by the look before, and by this one.
    pub(super) ended: (u64, u64),
}

#[derive(Serialize)]
struct Accounts<'a> {
    changed: Vec<&'a AccountStatus>,
    removed: &'a [String],
}

#[derive(Serialize)]
struct Requests {
    data: Vec<Entry>,
    skipped: u64,
}

/// Says in a number what an account looks like to tabs.
pub(super) fn print(account: &AccountStatus) -> u64 {
    let mut hasher = DefaultHasher::new();
    account.hash(&mut hasher);
    hasher.finish()
}

/// Writes how the server fares.
pub(super) async fn stats_event(state: &State) -> Bytes {
    event("stats", &stats::of(state).await)
}

/// Writes which accounts have changed, as they are in `all`; nothing where none has.
pub(super) fn accounts_event(delta: &Delta, all: &[AccountStatus]) -> Option<Bytes> {
    let ids: HashSet<_> = delta.changed.iter().map(String::as_str).collect();
    let has_changed = |account: &&AccountStatus| ids.contains(account.id.as_str());
    let changed = all.iter().filter(has_changed).collect();
    let accounts = Accounts { changed, removed: &delta.removed };
    (!delta.is_empty()).then(|| event("accounts", &accounts))
}

/// Writes requests that have ended, the newest first, of so many; nothing where none has.
pub(super) fn requests_event(
    state: &State,
    entries: &[Arc<journal::Entry>],
    all: u64,
) -> Option<Bytes> {
    if entries.is_empty() {
        return None;
    }
    let names = Names::of(&state.client);
    let data = entries.iter().map(|entry| Entry::new(entry, &names)).collect();
    let skipped = all.saturating_sub(entries.len() as u64);
    Some(event("requests", &Requests { data, skipped }))
}

fn event(name: &str, value: &impl Serialize) -> Bytes {
    let mut frame = Vec::with_capacity(1024);
    write_named(name, value, &mut frame);
    frame.into()
}
