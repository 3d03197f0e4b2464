//! What `/readyz?verbose` tells, check by check.

use llm2api_core::auth::AuthStatus;
use llm2api_core::pool::UpstreamCensus;
use serde::Serialize;

use crate::state::State;

/// One check.
#[derive(Serialize)]
pub(super) struct Check {
    name: &'static str,
    ok: bool,
    /// Whether readiness fails with it.
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// The upstream that is spoken of: its place in the order of the names, which are nobody's
    /// business here.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<usize>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    credentials: Option<Credentials>,
}

/// How many may be used, of how many.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Credentials {
    usable: usize,
    total: usize,
}

impl Credentials {
    /// Adds up those of all upstreams.
    pub(super) fn sum(census: &[UpstreamCensus]) -> Self {
        let add = |sum: Self, of: &UpstreamCensus| Self {
            usable: sum.usable + of.usable,
            total: sum.total + of.total,
        };
        census.iter().fold(Self { usable: 0, total: 0 }, add)
    }
}

impl Check {
    fn new(name: &'static str, ok: bool, required: bool, state: Option<&'static str>) -> Self {
        Self { name, ok, required, state, upstream: None, credentials: None }
    }

    fn of_upstream(at: usize, of: &UpstreamCensus) -> Self {
        let state = of.is_out.then_some("out");
        let ok = of.usable > 0 && !of.is_out;
        let credentials = Some(Credentials { usable: of.usable, total: of.total });
        Self { upstream: Some(at + 1), credentials, ..Self::new("credentials", ok, false, state) }
    }
}

/// Checks everything.
pub(super) fn all(state: &State, known: Option<&AuthStatus>) -> Vec<Check> {
    let accounts = state.client.accounts();
    let draining = state.door.stop.is_draining();
    let authorised = known.is_none_or(|known| known.state.serves());
    let authorisation = known.map_or("not needed", |known| known.state.as_str());
    let mut checks = vec![
        Check::new("draining", !draining, true, None),
        Check::new("authorisation", authorised, true, Some(authorisation)),
        Check::new("store", accounts.store_is_reachable(), false, None),
    ];
    let census = state.client.pool().census();
    checks.extend(census.iter().enumerate().map(|(at, of)| Check::of_upstream(at, of)));
    if let Some(joined) = accounts.is_joined() {
        let word = if joined { "joined" } else { "alone" };
        checks.push(Check::new("fleet", joined, false, Some(word)));
    }
    checks
}
