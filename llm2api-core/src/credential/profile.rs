//! What is known about a credential beside its secret.

use serde::{Deserialize, Serialize};

use super::{Credential, SavedHealth};

/// What an operator sees and may change of a credential, and what checks found out.
///
/// Times are seconds since 1970, but for the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Profile {
    /// A name for people.
    pub label: String,
    /// Its share of the calls, relative to the others; 1 to 100.
    pub weight: u32,
    /// False where the operator has switched it off.
    pub enabled: bool,
    /// The account's id at the upstream.
    pub account_id: Option<String>,
    /// The account's name, for people.
    pub account_name: Option<String>,
    /// False where the server has no login, so that validity cannot be proven.
    pub proven: bool,
    /// When it was added, in milliseconds: lists go by this.
    pub created_ms: u64,
    /// When it was last checked.
    pub checked_at: Option<u64>,
    /// When its session was last made to last longer: a POST at a chat-ui.
    pub extended_at: Option<u64>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            label: String::new(),
            weight: 1,
            enabled: true,
            account_id: None,
            account_name: None,
            proven: false,
            created_ms: 0,
            checked_at: None,
            extended_at: None,
        }
    }
}

/// A credential with everything that is kept about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// The credential.
    pub credential: Credential,
    /// What is known about it.
    pub profile: Profile,
    /// How it fares.
    pub health: SavedHealth,
}

impl Record {
    /// Joins the three.
    pub fn new(credential: Credential, profile: Profile, health: SavedHealth) -> Self {
        Self { credential, profile, health }
    }
}
