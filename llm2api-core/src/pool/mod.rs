//! Who answers next: credentials, the calls they carry, and why one is out.
//!
//! The pool knows nothing of any protocol. It is asked for a [`Lease`] on a credential of one of
//! several [`Route`]s, and learns from the lease's ending how the credential fared.
//!
//! | part | what it decides |
//! |---|---|
//! | `affinity` | who has answered a conversation before, as a bonus |
//! | `select` | which of the usable ones; pure |
//! | [`credential::health`](crate::credential::health) | how long one rests, and when it is dead; pure |
//! | `blame` | whose fault a failure was; pure |
//! | `breaker` | when an upstream that is out is tried again; pure |
//! | `queue` | who is next where all are busy |
//! | `outlook` | whether waiting is worth while, and what a refused call is told |

mod affinity;
mod blame;
mod breaker;
mod census;
mod entry;
mod group;
mod lease;
mod ledger;
mod member;
mod minute;
mod outlook;
mod picture;
mod queue;
mod reload;
mod rules;
mod seats;
mod select;
mod shared;
/// The atomics that `seats` counts with; a model checker brings its own.
mod sync {
    pub(super) use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
}

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::Instant;

pub(crate) use affinity::Thread;
pub use census::{CredentialState, UpstreamCensus};
pub use lease::{Attempt, Lease, Sending};
pub use member::Member;
pub(crate) use reload::UpstreamTerms;
pub use rules::{PoolRules, Strategy};

use self::queue::Ticket;
use self::shared::{Shared, status};
use crate::chat::Call;
use crate::clock::after;
use crate::credential::{Credential, CredentialId, HealthState, SavedHealth, Signal};
use crate::error::{ErrorKind, Result};
use crate::metrics::Metrics;
use crate::store::Places;

/// Credentials that other servers may have filled before a call looks no further for a moment.
const REFUSALS: usize = 4;
/// That moment.
const BREATH: Duration = Duration::from_millis(20);

/// Where a request may go: an upstream, and the model's name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The upstream's name.
    pub upstream: Arc<str>,
    /// The model's name at that upstream.
    pub model: Arc<str>,
}

/// Knows which upstreams serve a model.
#[async_trait]
pub trait Routes: fmt::Debug + Send + Sync + 'static {
    /// Returns where requests for `model` may go, in order of preference; never empty.
    ///
    /// # Errors
    /// [`ErrorKind::ModelNotFound`].
    async fn routes(&self, model: &str) -> Result<Vec<Route>>;
}

/// One credential as the pool sees it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CredentialStatus {
    /// The credential's id.
    pub id: CredentialId,
    /// The upstream that knows it.
    pub upstream: Arc<str>,
    /// Where it stands.
    pub state: HealthState,
    /// Why it is out, or why its upstream is.
    pub reason: Option<String>,
    /// Until when.
    pub until: Option<Instant>,
    /// Calls under way.
    pub in_flight: u32,
    /// Calls that it may carry at the same time.
    pub max_concurrency: u32,
    /// Its share of the calls, relative to the others.
    pub weight: u32,
    /// Calls since the process began.
    pub requests: u64,
    /// Those of them that failed, or that the upstream refused.
    pub failures: u64,
    /// How it failed last.
    pub last_error: Option<String>,
    /// Milliseconds since 1970 of the last use; 0 before the first.
    pub last_used_ms: u64,
}

/// What happened in the pool that others have to act on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// This credential stands elsewhere now: its health has to be kept.
    Changed(CredentialId),
    /// The upstream refused this credential: it has to be checked.
    Suspect(CredentialId),
}

/// The pool of credentials. Cloning is cheap and shares the pool.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use std::time::Duration;
/// use llm2api_core::pool::{Member, Pool, PoolRules, Route};
/// use llm2api_core::{Call, Credential};
///
/// let pool = Pool::new(PoolRules::default(), Duration::from_secs(30));
/// pool.add([Member::new(Credential::anonymous("local"))]);
/// let route = Route { upstream: "local".into(), model: "llama".into() };
/// let lease = pool.lease(&[route], &Call::random()).await?;
/// assert_eq!(pool.list()[0].in_flight, 1);
/// drop(lease);
/// assert_eq!(pool.list()[0].in_flight, 0);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    /// Makes an empty pool, in which a call waits at most `queue_timeout` for its turn.
    pub fn new(rules: PoolRules, queue_timeout: Duration) -> Self {
        Self { shared: Arc::new(Shared::new(rules, queue_timeout)) }
    }

    /// Says that an upstream limits the calls of an address as well as those of an account, so that
    /// a rate limit of two accounts at once is taken as the address's.
    pub fn limits_by_address(&self, upstream: &str) {
        self.shared.group(upstream).set_by_address(true);
    }

    /// Counts the attempts at each upstream.
    pub fn count_into(&self, metrics: Metrics) {
        // Once, at start; a second time would be a mistake without consequence.
        let _ = self.shared.metrics.set(metrics);
    }

    /// Counts that a call is tried again after a failure of this kind.
    pub(crate) fn count_retry(&self, kind: ErrorKind) {
        self.shared.metrics.get().into_iter().for_each(|metrics| metrics.retry(kind));
    }

    /// Shares the places at each credential with other servers.
    pub fn share_places(&self, places: Arc<dyn Places>) {
        // Once, at start; a second time would be a mistake without consequence.
        let _ = self.shared.places.set(places);
    }

    /// Returns what happens from now on; the first caller gets it all.
    pub fn events(&self) -> mpsc::UnboundedReceiver<Event> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let _ = self.shared.events.set(sender);
        receiver
    }

    /// Adds credentials; one with the id of another takes its place, and keeps its health.
    pub fn add(&self, members: impl IntoIterator<Item = Member>) {
        self.shared.add(members);
    }

    /// Removes a credential; calls under way go on. Says whether it was there.
    pub fn remove(&self, id: &CredentialId) -> bool {
        self.shared.remove(id)
    }

    /// Lists all credentials, those of one upstream together.
    pub fn list(&self) -> Vec<CredentialStatus> {
        self.shared.list()
    }

    /// Returns one credential's status.
    pub fn status(&self, id: &CredentialId) -> Option<CredentialStatus> {
        let (group, entry) = self.shared.find_open(id)?;
        Some(status(&group, &entry, Instant::now()))
    }

    /// Returns a credential.
    pub fn credential(&self, id: &CredentialId) -> Option<Credential> {
        Some(self.shared.find(id)?.1.credential.clone())
    }

    /// Returns a credential's health, to be kept, and a mark for [`was_kept`](Self::was_kept).
    pub fn health_to_keep(&self, id: &CredentialId) -> Option<(SavedHealth, u64)> {
        let (_, entry) = self.shared.find(id)?;
        Some(entry.to_keep(Instant::now()))
    }

    /// Notes that what was marked so is kept.
    pub fn was_kept(&self, id: &CredentialId, mark: u64) {
        if let Some((_, entry)) = self.shared.find(id) {
            entry.ledger.was_kept(mark);
        }
    }

    /// Returns those whose health has changed since it was last kept.
    pub fn unsaved(&self) -> Vec<CredentialId> {
        self.shared.unsaved()
    }

    /// Returns a credential's health as it would be after its rest was ended by the operator.
    pub fn cleared_health(&self, id: &CredentialId) -> Option<SavedHealth> {
        let (_, entry) = self.shared.find(id)?;
        Some(self.shared.cleared(&entry))
    }

    /// Counts the credentials of an upstream.
    pub fn count_of(&self, upstream: &str) -> usize {
        self.shared.group(upstream).members().entries.len()
    }

    /// Tells the pool what was learnt about a credential elsewhere, such as by a check.
    pub fn learn(&self, id: &CredentialId, signal: &Signal) {
        if let Some((group, entry)) = self.shared.find(id) {
            self.shared.learn(&group, &entry, signal, Instant::now());
        }
    }

    /// Switches a credential off or on.
    pub fn set_enabled(&self, id: &CredentialId, enabled: bool) {
        if let Some((group, entry)) = self.shared.find(id) {
            entry.change(Instant::now(), |health| health.set_disabled(!enabled));
            self.shared.queue.tell_all(&group.name);
        }
    }

    /// Changes a credential's share of the calls, 1 to 100.
    pub fn set_weight(&self, id: &CredentialId, weight: u32) {
        if let Some((group, entry)) = self.shared.find(id).filter(|(_, e)| e.weight() != weight) {
            entry.set_weight(weight);
            group.change(|_| ());
        }
    }

    /// Takes up the health that another server has kept, unless this one has news of its own.
    pub fn adopt(&self, id: &CredentialId, saved: &SavedHealth) {
        if let Some((group, entry)) = self.shared.find(id) {
            self.shared.adopt(&group, &entry, saved);
        }
    }

    /// Returns some credential of an upstream, one that may be used if there is one.
    ///
    /// For calls that use no model, such as listing models; they count nowhere.
    pub fn any_of(&self, upstream: &str) -> Option<Credential> {
        let (now, members) = (Instant::now(), self.shared.group(upstream).members());
        let usable = members.entries.iter().find(|entry| entry.may_be_used(now));
        usable.or_else(|| members.entries.first()).map(|entry| entry.credential.clone())
    }

    /// Prefers, for a call that goes on with a conversation, the credential that knows it; says
    /// whether one is known.
    pub(crate) fn prefer(&self, thread: Thread, call: &Call) -> bool {
        let known = self.shared.affinity.find(thread);
        known.map(|known| call.prefer(known)).is_some()
    }

    /// Notes who has answered a conversation.
    pub(crate) fn note_answer(&self, thread: Thread, credential: Arc<str>) {
        self.shared.affinity.note(thread, credential);
    }

    /// Waits for a credential of one of the routes, the first preferred.
    ///
    /// Credentials that this call has tried are passed over, except where its retry plan allows the
    /// last one again. Where all are busy, calls wait in the order in which they came.
    ///
    /// # Errors
    /// [`NoCredential`](crate::ErrorKind::NoCredential) where none is usable,
    /// [`PoolExhausted`](crate::ErrorKind::PoolExhausted) where all rest, or stay busy for the whole
    /// queue time, or too many wait already, and
    /// [`UpstreamFailed`](crate::ErrorKind::UpstreamFailed) where the upstream itself is out.
    /// [`Error::retry_after`](crate::Error::retry_after) says when to return.
    ///
    /// # Cancellation safety
    /// A call that is dropped while it waits leaves the queue, and what it was told to take goes to
    /// the next.
    pub async fn lease(&self, routes: &[Route], call: &Call) -> Result<Lease> {
        let mut waited = Duration::ZERO;
        let mut answer = self.take_turn(routes, call, &mut waited).await;
        let Some(trail) = call.trail() else { return answer };
        let selection = match &mut answer {
            Ok(lease) => lease.selection.take(),
            Err(error) => self.shared.refused(routes, call, error),
        };
        if let Some(mut selection) = selection {
            selection.waited = waited;
            trail.note_selection(*selection);
        }
        answer
    }

    /// Takes a place as soon as it is this call's turn, and adds up how long it stood in the queue.
    async fn take_turn(
        &self,
        routes: &[Route],
        call: &Call,
        waited: &mut Duration,
    ) -> Result<Lease> {
        let shared = &self.shared;
        let deadline = after(shared.terms().queue_timeout);
        let mut ticket: Option<Ticket<'_>> = None;
        let mut my_turn = !shared.queue.is_wanted(routes);
        let mut refusals = 0;
        loop {
            let now = Instant::now();
            let may_take = my_turn && refusals < REFUSALS;
            let taken = if may_take { shared.take(routes, call, now) } else { None };
            if let Some(lease) = taken {
                match shared.confirm(lease).await {
                    Some(lease) => {
                        ticket.inspect(Ticket::pass_on);
                        return Ok(lease);
                    }
                    None => {
                        refusals += 1;
                        continue;
                    }
                }
            }
            let outlook = match shared.outlook(routes, call, now) {
                Ok(outlook) if now < deadline => outlook,
                refused => {
                    ticket.inspect(Ticket::pass_on);
                    return Err(refused.err().unwrap_or_else(|| shared.refusal(routes, now)));
                }
            };
            let Some(ticket) = &ticket else {
                let joined = shared.queue.join(routes, shared.terms().rules.queue_limit);
                let joined = joined.ok_or_else(|| shared.too_many(routes, now))?;
                // Looks once more: what came free before it stood in the queue told nobody.
                my_turn = joined.is_first();
                ticket = Some(joined);
                continue;
            };
            match my_turn {
                // What this call may not use may be of use to those behind.
                true if call.attempt_count() > 0 => ticket.pass_on(),
                // What is free is for those ahead; what they leave comes to this call in turn.
                false if outlook.free => ticket.ring(),
                _ => {}
            }
            let mut until = outlook.until.unwrap_or(deadline);
            if std::mem::take(&mut refusals) > 0 {
                // Other servers are as busy: what was not asked yet is asked after a breath.
                until = until.max(now + BREATH);
            }
            let began = Instant::now();
            my_turn = ticket.turn(until.min(deadline)).await;
            *waited += began.elapsed();
            my_turn |= Instant::now() >= deadline;
        }
    }
}

#[cfg(test)]
mod tests;
