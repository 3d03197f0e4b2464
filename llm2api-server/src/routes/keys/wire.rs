//! Keys as JSON. Times are seconds since 1970, as everywhere in this dialect; null where none is.

use llm2api_core::keys::{ClientKey, IssuedKey};
use llm2api_core::quota::Quotas;
use serde::Serialize;

use crate::routes::ask::subject;

/// One key, everything but its secret.
#[derive(Serialize)]
pub(crate) struct Entry<'a> {
    id: &'a str,
    label: Option<&'a str>,
    state: &'static str,
    created_at: u64,
    expires_at: Option<u64>,
    rotated_at: Option<u64>,
    revoked_at: Option<u64>,
    models: &'a [String],
    requests_per_minute: Option<u32>,
    tokens_per_day: Option<u64>,
    concurrency: Option<u32>,
    tokens_today: Option<u64>,
}

impl<'a> Entry<'a> {
    /// Shows a key. What it has used today is counted where there is a limit for it.
    pub(crate) async fn of(key: &'a ClientKey, quotas: &Quotas) -> Self {
        let today = match key.allowance.tokens_per_day {
            Some(_) => Some(quotas.tokens_today(&subject(&key.id)).await),
            None => None,
        };
        Self {
            id: &key.id,
            label: key.label.as_deref(),
            state: key.state.as_str(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            rotated_at: key.rotated_at,
            revoked_at: key.revoked_at,
            models: &key.models,
            requests_per_minute: key.allowance.requests_per_minute,
            tokens_per_day: key.allowance.tokens_per_day,
            concurrency: key.allowance.concurrency,
            tokens_today: today,
        }
    }
}

/// A key that was just made, with its secret: the only time that it is told.
#[derive(Serialize)]
pub(crate) struct IssuedEntry<'a> {
    #[serde(flatten)]
    entry: Entry<'a>,
    key: &'a str,
}

impl<'a> IssuedEntry<'a> {
    /// Shows a key whole.
    pub(crate) async fn of(issued: &'a IssuedKey, quotas: &Quotas) -> Self {
        Self { entry: Entry::of(&issued.entry, quotas).await, key: issued.key.expose() }
    }
}

/// A list of keys.
#[derive(Serialize)]
pub(crate) struct Page<'a> {
    pub(crate) data: Vec<Entry<'a>>,
    /// All keys, whatever part of them is shown.
    pub(crate) total: usize,
}
