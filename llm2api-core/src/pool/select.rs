//! The choice of a credential.

use std::sync::Arc;

use tokio::time::Instant;

use super::entry::Entry;
use crate::chat::{Attempted, Others, RetryPlan};

/// What the choice came to.
#[derive(Debug)]
pub(super) enum Choice<T> {
    /// This one.
    Take(T),
    /// This upstream's last credential again, but not before this instant.
    Later(Instant),
    /// All that may be used are busy.
    Busy,
}

impl<T> Choice<T> {
    pub(super) fn map<U>(self, with: impl FnOnce(T) -> U) -> Choice<U> {
        match self {
            Self::Take(value) => Choice::Take(with(value)),
            Self::Later(from) => Choice::Later(from),
            Self::Busy => Choice::Busy,
        }
    }

    /// Of two that take nobody now, the one that ends sooner.
    pub(super) fn sooner(one: Option<Self>, other: Self) -> Self {
        match (one, other) {
            (Some(Self::Later(one)), Self::Later(other)) => Self::Later(one.min(other)),
            (Some(one @ Self::Later(_)), _) => one,
            (_, other) => other,
        }
    }
}

/// Chooses among the credentials of one upstream and takes a place there: the one with the fewest
/// calls and, among equals, the one unused the longest. None where nobody may be used.
pub(super) fn choose(
    entries: &[Arc<Entry>],
    attempts: &[Attempted],
    plan: RetryPlan,
    now: Instant,
) -> Option<Choice<Arc<Entry>>> {
    let last = attempts.last();
    let tried = |entry: &Entry| {
        attempts.iter().any(|attempt| *attempt.credential == *entry.credential.id().as_str())
    };
    let others_may = |entry: &Entry| match plan.others {
        Others::Any => true,
        Others::OtherUpstream => {
            last.is_none_or(|last| last.upstream != *entry.credential.upstream())
        }
        Others::None => last.is_none(),
    };
    let usable = |entry: &&Arc<Entry>| {
        others_may(entry) && !tried(entry) && entry.availability(now).is_available()
    };
    let fresh: Vec<_> = entries.iter().filter(usable).collect();
    if let Some(entry) = least_loaded(&fresh) {
        return Some(Choice::Take(entry));
    }
    if !fresh.is_empty() {
        return Some(Choice::Busy);
    }
    let again = plan.same_from.zip(last).and_then(|(from, last)| {
        let same = |entry: &&Arc<Entry>| *last.credential == *entry.credential.id().as_str();
        entries.iter().find(same).map(|entry| (from, entry))
    });
    again.map(|(from, entry)| match from > now {
        true => Choice::Later(from),
        false if entry.enter() => Choice::Take(entry.clone()),
        false => Choice::Busy,
    })
}

/// Takes a place at the least loaded; another call may be faster, then the next is tried.
fn least_loaded(entries: &[&Arc<Entry>]) -> Option<Arc<Entry>> {
    let mut order: Vec<_> = entries.iter().filter(|entry| entry.has_room()).collect();
    order.sort_by_key(|entry| (entry.in_flight(), entry.last_used()));
    order.into_iter().find(|entry| entry.enter()).map(|entry| Arc::clone(entry))
}
