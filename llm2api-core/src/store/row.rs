//! What stores keep, as they see it.

use std::fmt;

use crate::credential::CredentialId;

/// A credential as a store sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The credential's id.
    pub id: CredentialId,
    /// The upstream's name.
    pub upstream: String,
    /// Keyed hash of the secret, in hex; unique within an upstream.
    pub fingerprint: String,
    /// The account's id at the upstream, where it has one; unique within an upstream.
    pub account: Option<String>,
    /// The secret, sealed.
    pub sealed: Sealed,
    /// What an operator may change, as JSON.
    pub profile: String,
    /// How it fares, as JSON.
    pub health: String,
}

/// Names the key under which something is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(pub String);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sealed bytes, and the key that opens them.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which key.
    pub key: KeyId,
    /// Nonce and ciphertext.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A piece of work that outlives the process which has to do it, as a store sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Its id.
    pub id: String,
    /// What is to be done, and with whose secret, sealed.
    pub sealed: Sealed,
}

/// What came of adding a row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inserted {
    /// It is kept.
    New,
    /// The row with this id has the same fingerprint or the same account.
    Duplicate(CredentialId),
    /// There is no row with this id to replace.
    Missing,
}

/// What came of putting one text in the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Swapped {
    /// It is kept.
    Done,
    /// The row has this text, which is not the one that was expected.
    Other(String),
    /// There is no such row.
    Missing,
}

/// A point in a store's history; 0 is before everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);

/// What has changed in a store.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Rows that are new or different.
    pub rows: Vec<Row>,
    /// Rows that are gone.
    pub removed: Vec<CredentialId>,
    /// Up to where this tells everything.
    pub version: Version,
    /// The store has lost its history: what is not among `rows` is not known to it.
    pub reset: bool,
}

impl Changes {
    /// Nothing new.
    pub fn none(version: Version) -> Self {
        Self { rows: Vec::new(), removed: Vec::new(), version, reset: false }
    }
}

/// A counter, or what is to be added to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    /// What is counted, such as `credential:cred_1` or `model:llama`.
    pub series: String,
    /// Which of its figures, such as `requests`.
    pub field: String,
    /// How many.
    pub value: u64,
}

impl Count {
    /// Names a counter and its value.
    pub fn new(series: impl Into<String>, field: impl Into<String>, value: u64) -> Self {
        Self { series: series.into(), field: field.into(), value }
    }
}
