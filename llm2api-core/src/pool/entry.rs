//! One credential in the pool: the calls it carries, and whether it may take more.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::CredentialStatus;
use crate::credential::Credential;
use crate::error::{Error, Evidence};

/// The longest rest that is believed.
const LONGEST_REST: Duration = Duration::from_secs(3600);
/// How long a credential that the upstream refused stays out. Only a check can prove it dead.
const REJECTED_REST: Duration = Duration::from_secs(30);

/// Whether a credential may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Availability {
    /// It may.
    Available,
    /// It rests after a rate limit.
    Resting {
        /// When it may be used again.
        until: Instant,
    },
    /// The upstream refused it.
    Rejected {
        /// When it is tried again.
        until: Instant,
    },
}

impl Availability {
    /// Says whether the credential may be used.
    pub fn is_available(&self) -> bool {
        matches!(self, Self::Available)
    }

    /// Returns how long the credential rests; none where it does not, or was refused.
    pub fn rests_for(&self, now: Instant) -> Option<Duration> {
        match self {
            Self::Resting { until } => Some(until.duration_since(now)),
            _ => None,
        }
    }
}

/// Numbers the uses of all credentials, so that the one unused the longest can be found.
static USES: AtomicU64 = AtomicU64::new(1);

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) credential: Credential,
    max: u32,
    in_flight: AtomicU32,
    last_used: AtomicU64,
    availability: Mutex<Availability>,
}

impl Entry {
    pub(super) fn new(credential: Credential, max: u32) -> Self {
        let availability = Mutex::new(Availability::Available);
        Self {
            credential,
            max: max.max(1),
            in_flight: AtomicU32::new(0),
            last_used: AtomicU64::new(0),
            availability,
        }
    }

    /// The one predicate for "available".
    pub(super) fn availability(&self, now: Instant) -> Availability {
        let mut state = self.state();
        if let Availability::Resting { until } | Availability::Rejected { until } = *state
            && until <= now
        {
            *state = Availability::Available;
        }
        state.clone()
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Acquire)
    }

    /// Takes a place for one call; says no when all are taken.
    pub(super) fn enter(&self) -> bool {
        let more = |calls: u32| (calls < self.max).then_some(calls + 1);
        let entered =
            self.in_flight.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok();
        if entered {
            self.last_used.store(USES.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        }
        entered
    }

    /// Returns the number of the last use; 0 before the first.
    pub(super) fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    /// Gives a place back.
    pub(super) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    /// Says whether a place is free.
    pub(super) fn has_room(&self) -> bool {
        self.in_flight() < self.max
    }

    /// Draws the consequence of a failure. A deadline only ever moves to later.
    pub(super) fn blame(&self, error: &Error, now: Instant) {
        let next = match error.kind().verdict().evidence {
            Evidence::Rests(default) => {
                let rest = error.retry_after().unwrap_or(default).min(LONGEST_REST);
                Availability::Resting { until: now + rest }
            }
            Evidence::Rejected => Availability::Rejected { until: now + REJECTED_REST },
            _ => return,
        };
        let mut state = self.state();
        if deadline(&next) > deadline(&state) {
            *state = next;
        }
    }

    pub(super) fn status(&self, now: Instant) -> CredentialStatus {
        CredentialStatus {
            id: self.credential.id().clone(),
            upstream: self.credential.upstream().clone(),
            availability: self.availability(now),
            in_flight: self.in_flight(),
        }
    }

    fn state(&self) -> MutexGuard<'_, Availability> {
        // Nothing panics while it holds the lock.
        self.availability.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn deadline(state: &Availability) -> Option<Instant> {
    match state {
        Availability::Available => None,
        Availability::Resting { until } | Availability::Rejected { until } => Some(*until),
    }
}
