//! The keys in memory, one unchanging state after another.

use std::collections::BTreeMap;
use std::sync::Arc;

use subtle::{Choice, ConstantTimeEq};

use super::model::{ClientKey, FoundKey};
use super::record::KeyRecord;
use super::text::{Hash, hash, id_of};
use crate::quota::Allowance;

/// What unknown ids are compared with. Nothing hashes to it that anybody could find.
const NOBODY: Hash = [0; 32];

/// All keys at one moment, by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    kept: BTreeMap<Arc<str>, Arc<Kept>>,
}

/// One key.
#[derive(Debug)]
pub(super) struct Kept {
    /// The text in the store.
    pub(super) text: String,
    /// None where this version cannot read it.
    pub(super) record: Option<KeyRecord>,
    models: Arc<[String]>,
}

impl Kept {
    /// Reads what the store has.
    pub(super) fn new(text: String) -> Self {
        let record = KeyRecord::read(&text);
        let models = record.as_ref().map(|record| record.models.as_slice()).unwrap_or_default();
        Self { models: models.into(), record, text }
    }

    /// Says whether this is a later state than the other; of two that nobody can order, neither is.
    ///
    /// What is revoked stays so, and comes after all that is not. Where a store has lost that, another
    /// server that never heard of it may have changed the key since, under the same number or a later
    /// one.
    pub(super) fn is_newer_than(&self, other: &Self) -> bool {
        let order = |record: &KeyRecord| (record.revoked_at.is_some(), record.revision);
        let order = |kept: &Self| kept.record.as_ref().map(order);
        match (order(self), order(other)) {
            (Some(this), Some(other)) => this > other,
            _ => false,
        }
    }

    fn allowance(&self) -> Allowance {
        self.record.as_ref().map_or_else(Allowance::default, |record| record.allowance)
    }
}

impl Book {
    /// Returns one key.
    pub(super) fn get(&self, id: &str) -> Option<&Arc<Kept>> {
        self.kept.get(id)
    }

    /// Says whether there are none, and never were any: keys are not removed.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Lists the keys that this version can read, oldest first.
    pub(super) fn list(&self, now: u64) -> Vec<ClientKey> {
        let readable = self.kept.iter().filter_map(|(id, kept)| Some((id, kept.record.as_ref()?)));
        let mut all: Vec<_> = readable.collect();
        all.sort_by_key(|(_, record)| record.created_ms);
        all.into_iter().map(|(id, record)| entry(id, record, now)).collect()
    }

    /// Finds whose key was sent, at a time in seconds since 1970.
    ///
    /// One path for all that may be sent: a hash, two comparisons of whole hashes. The time that takes
    /// does not tell an id that exists from one that does not, nor how much of a secret is right.
    pub(super) fn find(&self, sent: &[u8], now: u64) -> Option<FoundKey> {
        let hash = hash(sent);
        let known = self.kept.get_key_value(id_of(sent));
        let record = known.and_then(|(_, kept)| kept.record.as_ref());
        let current = record.map_or(&NOBODY, KeyRecord::hash);
        let previous = record.and_then(KeyRecord::previous_hash).unwrap_or(&NOBODY);
        let (current, previous) = (current.ct_eq(&hash), previous.ct_eq(&hash));
        if !bool::from((current | previous) & Choice::from(u8::from(record.is_some()))) {
            return None;
        }
        let ((id, kept), record) = known.zip(record)?;
        let state = match bool::from(current) {
            true => record.state(now),
            false => record.previous_state(now),
        };
        let (models, allowance) = (kept.models.clone(), kept.allowance());
        Some(FoundKey { id: id.clone(), state, models, allowance })
    }

    /// Takes in a state of a key, unless a later one is known.
    pub(super) fn take(&mut self, id: &str, kept: Kept) {
        if !self.kept.get(id).is_some_and(|known| known.is_newer_than(&kept)) {
            self.kept.insert(id.into(), Arc::new(kept));
        }
    }

    /// Returns all.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Kept>)> {
        self.kept.iter()
    }
}

/// Shows a key.
pub(super) fn entry(id: &str, record: &KeyRecord, now: u64) -> ClientKey {
    ClientKey {
        id: id.to_owned(),
        label: record.label.clone(),
        state: record.state(now),
        created_at: record.created_ms / 1000,
        expires_at: record.expires_at,
        rotated_at: record.rotated_at,
        revoked_at: record.revoked_at,
        models: record.models.clone(),
        allowance: record.allowance,
    }
}
