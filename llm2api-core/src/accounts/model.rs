//! What an operator gives, and what he is shown.

use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

use super::json;
pub use crate::credential::HealthState as AccountState;
use crate::credential::{Credential, CredentialId, Secret};

/// An account to be added.
///
/// # Example
/// ```
/// use llm2api_core::accounts::NewAccount;
///
/// let account = NewAccount::new("hf-chat=abc").with_upstream("team-chat").with_label("Ann");
/// assert!(!format!("{account:?}").contains("abc"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewAccount {
    /// A `name=value; …` cookie set, or a bare value.
    pub secret: Secret,
    /// The upstream's name; may be left out where there is one upstream only.
    pub upstream: Option<String>,
    /// A name for people; the account's own name, else the id, where absent.
    pub label: Option<String>,
    /// Its share of the calls, 1 to 100; 1 where absent.
    pub weight: Option<u32>,
    /// False for one that is switched off from the start.
    pub enabled: bool,
}

impl NewAccount {
    /// Takes a cookie set or a bare value.
    pub fn new(secret: impl Into<Secret>) -> Self {
        Self { secret: secret.into(), upstream: None, label: None, weight: None, enabled: true }
    }

    /// Names the upstream.
    #[must_use]
    pub fn with_upstream(mut self, name: impl Into<String>) -> Self {
        self.upstream = Some(name.into());
        self
    }

    /// Names the account for people.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }
}

/// What is to be changed of an account; absent fields stay as they are.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AccountChange {
    /// Another name for people.
    pub label: Option<String>,
    /// Another share of the calls, 1 to 100.
    pub weight: Option<u32>,
    /// Another secret for the same account; it is checked first.
    pub secret: Option<Secret>,
}

/// Names an account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Target {
    /// By its id.
    Id(CredentialId),
    /// By its secret.
    Secret(Secret),
}

/// An account as an operator sees it: everything but its secret. As JSON it is what `GET /cookies` of
/// the server shows: times are seconds since 1970, and what is unknown is null.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct AccountStatus {
    /// The id.
    pub id: CredentialId,
    /// The name for people.
    pub label: String,
    /// The upstream's name.
    pub upstream: Arc<str>,
    /// The first 8 hex digits of a keyed hash of the secret.
    pub fingerprint: String,
    /// Where it stands.
    pub state: AccountState,
    /// Why it is out; with an incident of the whole upstream, that.
    pub reason: Option<String>,
    /// When it may be used again, to the second.
    #[serde(serialize_with = "json::some_seconds")]
    pub until: Option<SystemTime>,
    /// The account's name at the upstream, where it told one.
    pub account: Option<String>,
    /// False where the server has no login, so that validity cannot be proven.
    pub proven: bool,
    /// Calls under way through this process.
    pub in_flight: u32,
    /// Calls that it may carry at the same time.
    pub max_concurrency: u32,
    /// Its share of the calls, relative to the others.
    pub weight: u32,
    /// Calls that it was used for, over restarts and servers.
    pub requests: u64,
    /// Those of them that failed, or that the upstream refused.
    pub failures: u64,
    /// How it failed last.
    pub last_error: Option<String>,
    /// When it was last used.
    #[serde(serialize_with = "json::some_seconds")]
    pub last_used: Option<SystemTime>,
    /// When it was last checked.
    #[serde(serialize_with = "json::some_seconds")]
    pub last_checked: Option<SystemTime>,
    /// When it was added.
    #[serde(serialize_with = "json::seconds")]
    pub created: SystemTime,
}

/// What adding came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Added {
    /// The account.
    #[serde(flatten)]
    pub account: AccountStatus,
    /// What the operator should know, such as that validity could not be proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

/// What a check found. As JSON it is `verdict` and `message`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The account works.
    Valid,
    /// The upstream says that it does not.
    Invalid(String),
    /// The upstream could not be asked, or answered something else: nothing has changed.
    Unknown(String),
}

impl Verdict {
    /// Returns the verdict's name: `valid`, `invalid` or `unknown`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid(_) => "invalid",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Returns what the upstream said; none of an account that works.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Valid => None,
            Self::Invalid(message) | Self::Unknown(message) => Some(message),
        }
    }
}

/// A check and its account.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Checked {
    /// The account after the check.
    #[serde(flatten)]
    pub account: AccountStatus,
    /// What was found.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// An account with its secret, for a backup that the operator asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exported {
    /// The credential, secret included.
    pub credential: Credential,
    /// The name for people.
    pub label: String,
    /// Its share of the calls.
    pub weight: u32,
    /// False where the operator has switched it off.
    pub enabled: bool,
}
