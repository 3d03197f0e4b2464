//! The choice of a credential.

use std::sync::Arc;

use tokio::time::Instant;

use super::entry::Entry;
use crate::chat::{Attempted, Others, RetryPlan};
use crate::error::ErrorKind;

/// What the choice came to.
#[derive(Debug)]
pub(super) enum Choice<T> {
    /// This one.
    Take(T),
    /// Nobody now: somebody busy may become free at any time, or somebody resting at this instant.
    Wait(Option<Instant>),
}

/// Chooses among the credentials of one upstream and takes a place there: the one with the fewest
/// calls and, among equals, the one unused the longest. None where nobody may be used, nor will be
/// soon.
pub(super) fn choose(
    entries: &[Arc<Entry>],
    attempts: &[Attempted],
    plan: RetryPlan,
    now: Instant,
) -> Option<Choice<Arc<Entry>>> {
    let untried = |entry: &&Arc<Entry>| {
        may_be_used(entry, attempts, plan) && !attempts.iter().any(|attempt| is(entry, attempt))
    };
    let untried: Vec<_> = entries.iter().filter(untried).collect();
    let available = |entry: &&&Arc<Entry>| entry.availability(now).is_available();
    let fresh: Vec<_> = untried.iter().filter(available).copied().collect();
    if let Some(entry) = least_loaded(&fresh) {
        return Some(Choice::Take(entry));
    }
    let again = plan.same_from.zip(attempts.last()).and_then(|(from, last)| {
        entries.iter().find(|entry| is(entry, last)).map(|entry| (from, entry))
    });
    if let Some((_, entry)) = again.filter(|(from, _)| *from <= now)
        && entry.enter()
    {
        return Some(Choice::Take(entry.clone()));
    }
    if fresh.is_empty() && again.is_none() {
        return None;
    }
    let rested =
        untried.iter().filter_map(|entry| Some(now + entry.availability(now).rests_for(now)?));
    let again = again.map(|(from, _)| from).filter(|from| *from > now);
    Some(Choice::Wait(rested.chain(again).min()))
}

fn is(entry: &Entry, attempt: &Attempted) -> bool {
    *attempt.credential == *entry.credential.id().as_str()
}

/// Says whether the plan of a retry lets this credential be one of the others.
fn may_be_used(entry: &Entry, attempts: &[Attempted], plan: RetryPlan) -> bool {
    let unreachable = |attempt: &Attempted| {
        attempt.failure == Some(ErrorKind::Connect)
            && attempt.upstream == *entry.credential.upstream()
    };
    match plan.others {
        Others::Any => true,
        Others::OtherUpstream => !attempts.iter().any(unreachable),
        Others::None => attempts.is_empty(),
    }
}

/// Takes a place at the least loaded; another call may be faster, then the next is tried.
fn least_loaded(entries: &[&Arc<Entry>]) -> Option<Arc<Entry>> {
    let mut order: Vec<_> = entries.iter().filter(|entry| entry.has_room()).collect();
    order.sort_by_key(|entry| (entry.in_flight(), entry.last_used()));
    order.into_iter().find(|entry| entry.enter()).map(|entry| Arc::clone(entry))
}
