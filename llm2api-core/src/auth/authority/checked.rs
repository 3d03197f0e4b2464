//! What a code is worth.

use std::fmt;

use super::super::claims::Claims;
use super::date::day;
use crate::quota::Allowance;

/// Clocks may differ so much where a code says from when on it is good.
const LEEWAY: u64 = 60;

/// How a code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeState {
    /// It is good.
    Active,
    /// It will be good.
    NotYetValid,
    /// It was good once.
    Expired,
    /// It was taken back.
    Revoked,
    /// It is no code that this authority has issued.
    Invalid,
}

impl CodeState {
    /// Returns the name that answers and lists use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Invalid => "invalid",
        }
    }

    /// Says how what a code says stands at `now`, if it was revoked at `revoked`.
    pub fn at(claims: &Claims, revoked: Option<u64>, now: u64) -> Self {
        let early = |from| now.saturating_add(LEEWAY) < from;
        match revoked {
            Some(_) => Self::Revoked,
            None if claims.is_expired(now) => Self::Expired,
            None if claims.not_before.is_some_and(early) => Self::NotYetValid,
            None => Self::Active,
        }
    }
}

impl fmt::Display for CodeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The answer to who shows a code.
///
/// Only who shows the whole code learns more than that it is not valid: an unknown id and a wrong
/// secret get the same answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// How the code stands.
    pub state: CodeState,
    /// The code's id, where the code is genuine.
    pub id: Option<String>,
    /// What its holder has.
    pub plan: Option<String>,
    /// From when on it is good no more, in seconds since 1970.
    pub expires: Option<u64>,
    /// How much the installation may use.
    pub limits: Allowance,
    /// A sentence for people, where the code is not good.
    pub message: Option<String>,
}

impl Checked {
    /// Says whether the code is good.
    pub fn is_valid(&self) -> bool {
        self.state == CodeState::Active
    }

    /// What everybody is told who does not show a genuine code.
    pub(super) fn invalid() -> Self {
        Self {
            state: CodeState::Invalid,
            id: None,
            plan: None,
            expires: None,
            limits: Allowance::default(),
            message: Some("the code is not valid".to_owned()),
        }
    }

    /// What who shows a genuine code is told.
    pub(super) fn of(claims: Claims, revoked: Option<u64>, now: u64) -> Self {
        let state = CodeState::at(&claims, revoked, now);
        let on = |date: Option<u64>| date.map(day).unwrap_or_default();
        let message = match state {
            CodeState::Revoked => Some(format!("the code was revoked on {}", on(revoked))),
            CodeState::Expired => Some(format!("the code expired on {}", on(claims.expires))),
            CodeState::NotYetValid => {
                Some(format!("the code is not valid before {}", on(claims.not_before)))
            }
            CodeState::Active | CodeState::Invalid => None,
        };
        let Claims { id, plan, expires, limits, .. } = claims;
        Self { state, id: Some(id), plan, expires, limits, message }
    }
}
