//! Whose fault a failure is: the credential's, the upstream's, or our address's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::rules::PoolRules;
use crate::error::ErrorKind;

/// Failures that are remembered at most.
const REMEMBERED: usize = 64;

/// A failure, as it counts for the whole upstream.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) credential: Arc<str>,
    pub(super) kind: ErrorKind,
    /// The rest that the upstream named.
    pub(super) named: Option<Duration>,
}

/// What a failure turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The credential's own.
    Own,
    /// The upstream's: it is left alone for the time, where one is known, and the credentials that
    /// met it since `from` stay in.
    Incident { pause: Option<Duration>, from: Instant },
}

/// The recent failures at one upstream.
#[derive(Debug, Default)]
pub(super) struct Blame {
    recent: VecDeque<Seen>,
}

impl Blame {
    /// Judges a failure. `credentials` is how many could have met it, and `by_address` says that the
    /// upstream limits the calls of an address as well.
    pub(super) fn judge(
        &mut self,
        seen: Seen,
        credentials: usize,
        by_address: bool,
        rules: &PoolRules,
    ) -> Finding {
        let (now, kind) = (seen.at, seen.kind);
        self.recent.retain(|seen| now.duration_since(seen.at) < rules.incident_window);
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(seen);
        let Some(enough) = threshold(kind, credentials, by_address, rules) else {
            return Finding::Own;
        };
        let alike = self.recent.iter().filter(|seen| seen.kind == kind);
        let mut hit: Vec<&Arc<str>> = alike.clone().map(|seen| &seen.credential).collect();
        hit.sort_unstable();
        hit.dedup();
        if hit.len() < enough {
            return Finding::Own;
        }
        let from = alike.clone().map(|seen| seen.at).min().unwrap_or(now);
        let limited = kind == ErrorKind::RateLimited;
        let pause = limited.then(|| rules.pause(alike.filter_map(|seen| seen.named).max()));
        Finding::Incident { pause, from }
    }

    /// A call that began then has worked: what failed before it began or while it ran is nobody's
    /// fault but those credentials'.
    pub(super) fn worked(&mut self, began: Instant) {
        let first = self.recent.front().map(|seen| seen.at);
        if first.is_some_and(|first| first <= began) {
            self.recent.clear();
        }
    }

    /// Says whether there is anything to forget.
    pub(super) fn is_clean(&self) -> bool {
        self.recent.is_empty()
    }
}

/// How many credentials must fail alike before it is the upstream's fault; none where it never is.
/// One alone proves nothing.
fn threshold(
    kind: ErrorKind,
    credentials: usize,
    by_address: bool,
    rules: &PoolRules,
) -> Option<usize> {
    let all = credentials.max(2);
    match kind {
        ErrorKind::RateLimited if by_address => Some(rules.address_limit_cookies.max(2)),
        // A key's own limit or login, unless every one has met it.
        ErrorKind::RateLimited | ErrorKind::CredentialRejected => Some(all),
        ErrorKind::QuotaExhausted => None,
        _ => Some(rules.incident_credentials.max(2).min(all)),
    }
}

#[cfg(test)]
mod tests;
