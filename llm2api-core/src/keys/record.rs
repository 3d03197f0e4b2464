//! A key as the store keeps it: JSON, and never the key itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::model::KeyState;
use super::text::{self, Hash};
use crate::error::{Error, ErrorKind, Result};
use crate::quota::Allowance;

/// The form that this version writes, and the newest that it reads.
const FORM: u32 = 1;

/// What is kept of a key. Fields that a later version has added are kept as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct KeyRecord {
    form: u32,
    /// Grows with each change, so that the newer of two states is known.
    pub(super) revision: u64,
    #[serde(with = "encoded")]
    hash: Hash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Previous>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) label: Option<String>,
    pub(super) created_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rotated_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) models: Vec<String>,
    #[serde(default)]
    pub(super) allowance: Allowance,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// The key before the last rotation, and until when it is good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Previous {
    #[serde(with = "encoded")]
    hash: Hash,
    until: u64,
}

impl KeyRecord {
    /// Makes the first state of a key.
    pub(super) fn new(key: &str, created_ms: u64) -> Self {
        Self {
            form: FORM,
            revision: 1,
            hash: text::hash(key.as_bytes()),
            previous: None,
            label: None,
            created_ms,
            expires_at: None,
            rotated_at: None,
            revoked_at: None,
            models: Vec::new(),
            allowance: Allowance::default(),
            extra: Map::new(),
        }
    }

    /// Reads what a store has.
    ///
    /// A record of a form that a later version writes, or one that is damaged, is none: what cannot
    /// be understood lets nobody in.
    pub(super) fn read(text: &str) -> Option<Self> {
        let record: Self = serde_json::from_str(text).ok()?;
        (record.form <= FORM).then_some(record)
    }

    /// Writes it for a store.
    pub(super) fn write(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| {
            let message = "the record of a key is no JSON";
            Error::new(ErrorKind::Internal, "keep key", message).with_source(error)
        })
    }

    /// Puts another key in the place of the present one, which is good until then.
    pub(super) fn rotate(&mut self, key: &str, now: u64, until: u64) {
        let hash = std::mem::replace(&mut self.hash, text::hash(key.as_bytes()));
        self.previous = Some(Previous { hash, until });
        self.rotated_at = Some(now);
    }

    /// The hash of the key.
    pub(super) fn hash(&self) -> &Hash {
        &self.hash
    }

    /// The hash of the key before the last rotation, if there was one.
    pub(super) fn previous_hash(&self) -> Option<&Hash> {
        self.previous.as_ref().map(|previous| &previous.hash)
    }

    /// How the key stands at a time, in seconds since 1970.
    pub(super) fn state(&self, now: u64) -> KeyState {
        if self.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            KeyState::Expired
        } else {
            KeyState::Active
        }
    }

    /// How the key before the last rotation stands.
    pub(super) fn previous_state(&self, now: u64) -> KeyState {
        let is_over = self.previous.as_ref().is_none_or(|previous| previous.until <= now);
        match self.state(now) {
            KeyState::Active if is_over => KeyState::Expired,
            state => state,
        }
    }
}

/// Hashes in base64.
mod encoded {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::Hash;

    pub(super) fn serialize<S: Serializer>(hash: &Hash, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(hash))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = STANDARD.decode(text).map_err(|_| de::Error::custom("no base64"))?;
        bytes.try_into().map_err(|_| de::Error::custom("no hash"))
    }
}
