//! Codes as JSON. Times are seconds since 1970; null where there is none.

use llm2api_core::auth::{CodeKind, IssuedCode};
use llm2api_core::quota::Allowance;
use serde::Serialize;

/// One code, without its secret.
#[derive(Serialize)]
pub(crate) struct Entry<'a> {
    pub(crate) id: &'a str,
    pub(crate) kind: &'static str,
    pub(crate) state: &'static str,
    /// Of a code that was revoked unseen, nobody knows whom it is for.
    pub(crate) holder: Option<&'a str>,
    pub(crate) plan: Option<&'a str>,
    pub(crate) issued_at: Option<u64>,
    pub(crate) not_before: Option<u64>,
    pub(crate) expires_at: Option<u64>,
    pub(crate) revoked_at: Option<u64>,
    pub(crate) limits: Allowance,
}

/// A list of them, and how many there are in all.
#[derive(Serialize)]
pub(crate) struct Listed<'a> {
    pub(crate) data: Vec<Entry<'a>>,
    pub(crate) total: usize,
}

impl<'a> Entry<'a> {
    /// Shows a code as it stands at `now`.
    pub(crate) fn new(code: &'a IssuedCode, now: u64) -> Self {
        let claims = &code.claims;
        let is_seen = code.kind != CodeKind::Unrecorded;
        Self {
            id: &claims.id,
            kind: code.kind.as_str(),
            state: code.state(now).as_str(),
            holder: is_seen.then_some(claims.holder.as_str()),
            plan: claims.plan.as_deref(),
            issued_at: is_seen.then_some(claims.issued),
            not_before: claims.not_before,
            expires_at: claims.expires,
            revoked_at: code.revoked,
            limits: claims.limits,
        }
    }
}
