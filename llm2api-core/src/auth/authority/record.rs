//! A code as the authority keeps it.

use serde::{Deserialize, Serialize};

use super::super::claims::Claims;
use super::checked::CodeState;
use crate::error::{Error, ErrorKind, Result};

/// What a secret is compared with where there is none: no text has this hash that anybody knows.
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// How a code proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CodeKind {
    /// By a secret whose hash the authority keeps.
    Opaque,
    /// By its signature.
    Signed,
    /// It was revoked without being known here, and nothing but its id is known.
    Unrecorded,
}

impl CodeKind {
    /// Returns the name that answers and lists use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opaque => "opaque",
            Self::Signed => "signed",
            Self::Unrecorded => "unrecorded",
        }
    }
}

/// A code that the authority knows, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuedCode {
    /// What it says. Of an [unrecorded](CodeKind::Unrecorded) one only the id counts.
    pub claims: Claims,
    /// How it proves itself.
    pub kind: CodeKind,
    /// When it was revoked, in seconds since 1970.
    pub revoked: Option<u64>,
}

impl IssuedCode {
    /// Says how it stands at `now`.
    pub fn state(&self, now: u64) -> CodeState {
        CodeState::at(&self.claims, self.revoked, now)
    }
}

/// What the store keeps of a code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) kind: CodeKind,
    pub(super) claims: Claims,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked: Option<u64>,
}

impl Record {
    /// An opaque code, by the hash of its secret.
    pub(super) fn opaque(claims: Claims, hash: String) -> Self {
        Self { kind: CodeKind::Opaque, claims, hash: Some(hash), revoked: None }
    }

    /// A code that was signed.
    pub(super) fn signed(claims: Claims) -> Self {
        Self { kind: CodeKind::Signed, claims, hash: None, revoked: None }
    }

    /// A code of which only the id is known, and that it is good no more.
    pub(super) fn tombstone(id: &str, now: u64) -> Self {
        let claims = Claims::new(id, "", 0);
        Self { kind: CodeKind::Unrecorded, claims, hash: None, revoked: Some(now) }
    }

    /// Reads what the store has; where it has nothing, a code that nobody can show.
    pub(super) fn read_or_nobody(text: Option<&str>) -> Result<Self> {
        let nobody =
            r#"{"kind":"opaque","claims":{"jti":"0000000000000000","sub":"nobody","iat":0}}"#;
        Self::read(text.unwrap_or(nobody))
    }

    /// Reads what the store has.
    pub(super) fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|_| {
            let message =
                "the record of a code cannot be read: a newer version may have written it";
            Error::new(ErrorKind::Store, "read code", message)
        })
    }

    /// Writes it as the store keeps it.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("all maps have string keys")
    }

    /// Returns what a secret is compared with.
    pub(super) fn hash(&self) -> &str {
        self.hash.as_deref().unwrap_or(NO_HASH)
    }

    /// Leaves out what is nobody's business.
    pub(super) fn into_issued(self) -> IssuedCode {
        IssuedCode { claims: self.claims, kind: self.kind, revoked: self.revoked }
    }
}
