//! Who says whether a code is good, and what he says.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::claims::Claims;
use super::code::AuthCode;
use super::note;
use crate::quota::Allowance;

/// Verifies codes somewhere else: over a network, or in a program of yours.
///
/// # Example
/// ```
/// use llm2api_core::auth::{Verify, Denial, Grant, Question, Verdict};
///
/// #[derive(Debug)]
/// struct List(Vec<String>);
///
/// #[async_trait::async_trait]
/// impl Verify for List {
///     fn name(&self) -> &str {
///         "our list"
///     }
///
///     async fn verify(&self, question: &Question) -> Verdict {
///         match self.0.iter().any(|code| code == question.code.expose()) {
///             true => Verdict::Good(Grant::default()),
///             false => Verdict::Denied(Denial::new("it is not on the list")),
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait Verify: Debug + Send + Sync + 'static {
    /// Names the authority. What it has said about a code counts for as long as the name is the
    /// same.
    fn name(&self) -> &str;

    /// Verifies a code. An answer that takes longer than 5 s counts as none. Of the texts of a
    /// grant and of notes, 300 characters are kept, without control characters and without the
    /// code.
    async fn verify(&self, question: &Question) -> Verdict;
}

/// What an authority is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Question {
    /// The code. It is a secret.
    pub code: AuthCode,
    /// The id of the installation that asks, which all servers of one store share.
    pub installation: String,
    /// When it is asked, in seconds since 1970.
    pub now: u64,
}

impl Question {
    /// Asks about a code.
    pub fn new(code: AuthCode, installation: impl Into<String>, now: u64) -> Self {
        Self { code, installation: installation.into(), now }
    }
}

/// What an authority says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The code is good.
    Good(Grant),
    /// The code is not good: a definite no.
    Denied(Denial),
    /// Nobody has said anything, for this reason, which must quote nothing foreign.
    Unreachable(String),
}

/// What a good code grants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Grant {
    /// Whom the code was issued to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// What he has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// From when on the code is good no more, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// How much the installation may use.
    #[serde(skip_serializing_if = "Allowance::is_unlimited")]
    pub limits: Allowance,
    /// What the authority lets its operators know. It is not kept.
    #[serde(skip)]
    pub note: Option<String>,
}

impl Grant {
    /// Takes over what a verified code says.
    pub(super) fn of(claims: &Claims) -> Self {
        Self {
            holder: note::clean(&claims.holder),
            plan: claims.plan.as_deref().and_then(note::clean),
            expires_at: claims.expires,
            limits: claims.limits,
            note: None,
        }
    }

    /// Fills in what an authority has not said from what the code says itself. The earlier expiry
    /// counts.
    pub(super) fn or(self, code: Self) -> Self {
        let limits = Allowance {
            requests_per_minute: self
                .limits
                .requests_per_minute
                .or(code.limits.requests_per_minute),
            tokens_per_day: self.limits.tokens_per_day.or(code.limits.tokens_per_day),
            concurrency: self.limits.concurrency.or(code.limits.concurrency),
        };
        Self {
            holder: self.holder.or(code.holder),
            plan: self.plan.or(code.plan),
            expires_at: self.expires_at.into_iter().chain(code.expires_at).min(),
            limits,
            note: self.note,
        }
    }
}

/// Why a code is not good.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denial {
    /// The code was good once and has expired.
    pub expired: bool,
    /// The sentence for people, which must quote nothing foreign.
    pub reason: String,
    /// What the authority lets its operators know.
    pub note: Option<String>,
}

impl Denial {
    /// Denies for a reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { expired: false, reason: reason.into(), note: None }
    }

    /// Denies a code that was good once.
    pub fn expired(reason: impl Into<String>) -> Self {
        Self { expired: true, ..Self::new(reason) }
    }
}
