//! What an operator sends: strict, and told by name what is wrong.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use llm2api_core::keys::{Change, KeyChange, NewKey};
use llm2api_core::quota::Allowance;
use serde::Deserialize;

use crate::config::duration;
use crate::openai::error::Failure;

/// A key to be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    label: Option<String>,
    expires: Option<String>,
    expires_at: Option<u64>,
    models: Option<Vec<String>>,
    requests_per_minute: Option<u32>,
    tokens_per_day: Option<u64>,
    concurrency: Option<u32>,
}

/// Names a key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pick {
    pub(super) id: String,
}

/// Names a key that is to get another secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotate {
    pub(super) id: String,
    grace: Option<String>,
}

/// Names a key, and what is to be changed of it; null clears.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    pub(super) id: String,
    #[serde(default)]
    label: Change<String>,
    #[serde(default)]
    expires: Change<String>,
    #[serde(default)]
    expires_at: Change<u64>,
    #[serde(default)]
    models: Change<Vec<String>>,
    #[serde(default)]
    requests_per_minute: Change<u32>,
    #[serde(default)]
    tokens_per_day: Change<u64>,
    #[serde(default)]
    concurrency: Change<u32>,
}

impl Create {
    /// Makes what the engine takes.
    pub(super) fn into_new(self) -> Result<NewKey, Failure> {
        if self.expires.is_some() && self.expires_at.is_some() {
            return Err(twice());
        }
        if self.models.as_ref().is_some_and(Vec::is_empty) {
            // It would allow everything where somebody meant nothing.
            let right = "name at least one model, or leave `models` out (null) for all";
            return Err(Failure::invalid_value("models", right));
        }
        let mut new = NewKey::new().with_models(self.models.unwrap_or_default());
        new.label = self.label;
        new.life = self.expires.map(|text| read("expires", &text)).transpose()?;
        new.expires_at = self.expires_at;
        new.allowance = Allowance {
            requests_per_minute: self.requests_per_minute,
            tokens_per_day: self.tokens_per_day,
            concurrency: self.concurrency,
        };
        Ok(new)
    }
}

impl Rotate {
    /// Returns how long the key before is good.
    pub(super) fn grace(&self) -> Result<Duration, Failure> {
        let grace = self.grace.as_deref().map(|text| read("grace", text));
        grace.transpose().map(Option::unwrap_or_default)
    }
}

impl Update {
    /// Makes what the engine takes.
    pub(super) fn change(self) -> Result<KeyChange, Failure> {
        let mut change = KeyChange::default();
        change.expires_at = match (self.expires, self.expires_at) {
            (Change::Keep, end) => end,
            (Change::Clear, Change::Keep) => Change::Clear,
            (Change::Set(text), Change::Keep) => Change::Set(span(read("expires", &text)?)),
            _ => return Err(twice()),
        };
        change.label = self.label;
        change.models = self.models;
        change.requests_per_minute = self.requests_per_minute;
        change.tokens_per_day = self.tokens_per_day;
        change.concurrency = self.concurrency;
        Ok(change)
    }
}

/// Returns the date that lies so far ahead.
pub(crate) fn span(life: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_add(life).as_secs()
}

fn read(param: &str, text: &str) -> Result<Duration, Failure> {
    duration(text).map_err(|right| Failure::invalid_value(param, right))
}

fn twice() -> Failure {
    Failure::invalid_value("expires", "give one of `expires` and `expires_at`")
}
