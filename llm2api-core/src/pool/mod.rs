//! Who answers next: credentials, the calls they carry, and why one is out.
//!
//! The pool knows nothing of any protocol. It is asked for a [`Lease`] on a credential of one of
//! several [`Route`]s, and learns from the lease's ending how the credential fared.

mod entry;
mod lease;
mod select;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

pub use entry::Availability;
pub use lease::{Attempt, Lease};

use self::entry::Entry;
use self::select::{Choice, choose};
use crate::chat::Call;
use crate::clock::after;
use crate::credential::{Credential, CredentialId};
use crate::error::{Error, ErrorKind, Result};

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

/// One credential as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialStatus {
    /// The credential's id.
    pub id: CredentialId,
    /// The upstream that knows it.
    pub upstream: Arc<str>,
    /// Whether it may be used, and if not, until when and why.
    pub availability: Availability,
    /// Calls under way.
    pub in_flight: u32,
}

/// The pool of credentials. Cloning is cheap and shares the pool.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use std::time::Duration;
/// use llm2api_core::pool::{Pool, Route};
/// use llm2api_core::{Call, Credential};
///
/// let pool = Pool::new(Duration::from_secs(30));
/// pool.add(Credential::anonymous("local"), 4);
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

/// The credentials of one upstream; replaced as a whole, so that a reader keeps a steady view.
type Entries = Arc<[Arc<Entry>]>;

#[derive(Debug)]
struct Shared {
    entries: RwLock<HashMap<Arc<str>, Entries>>,
    freed: Notify,
    queue_timeout: Duration,
}

impl Pool {
    /// Makes an empty pool, in which a call waits at most `queue_timeout` for its turn.
    pub fn new(queue_timeout: Duration) -> Self {
        let entries = RwLock::default();
        Self { shared: Arc::new(Shared { entries, freed: Notify::new(), queue_timeout }) }
    }

    /// Adds a credential that may carry `max_concurrency` calls at the same time.
    pub fn add(&self, credential: Credential, max_concurrency: u32) {
        let upstream = credential.upstream().clone();
        let entry = Arc::new(Entry::new(credential, max_concurrency));
        let mut entries = self.shared.entries.write().unwrap_or_else(PoisonError::into_inner);
        let list = entries.entry(upstream).or_default();
        *list = list.iter().cloned().chain([entry]).collect();
        drop(entries);
        self.shared.freed.notify_waiters();
    }

    /// Removes a credential; calls under way go on. Says whether it was there.
    pub fn remove(&self, id: &CredentialId) -> bool {
        let mut entries = self.shared.entries.write().unwrap_or_else(PoisonError::into_inner);
        for list in entries.values_mut() {
            if list.iter().any(|entry| entry.credential.id() == id) {
                let stays = |entry: &&Arc<Entry>| entry.credential.id() != id;
                *list = list.iter().filter(stays).cloned().collect();
                return true;
            }
        }
        false
    }

    /// Lists all credentials, those of one upstream together.
    pub fn list(&self) -> Vec<CredentialStatus> {
        let now = Instant::now();
        let entries = self.shared.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.values().flat_map(|list| list.iter()).map(|entry| entry.status(now)).collect()
    }

    /// Returns some credential of an upstream, one that may be used if there is one.
    ///
    /// For calls that use no model, such as listing models; they count nowhere.
    pub fn any_of(&self, upstream: &str) -> Option<Credential> {
        let now = Instant::now();
        let entries = self.entries_of(upstream);
        let usable = entries.iter().find(|entry| entry.availability(now).is_available());
        usable.or_else(|| entries.first()).map(|entry| entry.credential.clone())
    }

    /// Waits for a credential of one of the routes, the first preferred.
    ///
    /// Credentials that this call has tried are passed over, except where its retry plan allows the
    /// last one again.
    ///
    /// # Errors
    /// [`ErrorKind::NoCredential`] where none is usable, [`ErrorKind::PoolExhausted`] where all
    /// rest, or stay busy for the whole queue time; [`Error::retry_after`] then says when to return.
    pub async fn lease(&self, routes: &[Route], call: &Call) -> Result<Lease> {
        let deadline = after(self.shared.queue_timeout);
        loop {
            let freed = self.shared.freed.notified();
            let mut freed = std::pin::pin!(freed);
            freed.as_mut().enable();
            // Chosen once more at the deadline: what became free meanwhile must not be missed.
            let late = Instant::now() >= deadline;
            match self.pick(routes, call)? {
                Choice::Take(lease) => return Ok(lease),
                Choice::Wait(_) if late => return Err(self.refusal(routes)),
                Choice::Wait(from) => {
                    let until = from.unwrap_or(deadline).min(deadline);
                    let _ = timeout_at(until, freed).await;
                }
            }
        }
    }

    /// Chooses among the entries of each route in turn.
    fn pick(&self, routes: &[Route], call: &Call) -> Result<Choice<Lease>> {
        let now = Instant::now();
        let (attempts, plan) = (call.attempts(), call.plan());
        let mut wait: Option<Option<Instant>> = None;
        for route in routes {
            let entries = self.entries_of(&route.upstream);
            match choose(&entries, &attempts, plan, now) {
                Some(Choice::Take(entry)) => {
                    return Ok(Choice::Take(Lease::new(entry, route, self.shared.clone())));
                }
                Some(Choice::Wait(from)) => {
                    let sooner = wait.flatten().into_iter().chain(from).min();
                    wait = Some(sooner);
                }
                None => {}
            }
        }
        wait.map(Choice::Wait).ok_or_else(|| self.refusal(routes))
    }

    /// Says why nobody can take the call: with counts, and the earliest time to return.
    fn refusal(&self, routes: &[Route]) -> Error {
        let now = Instant::now();
        let entries: Vec<_> =
            routes.iter().flat_map(|route| self.entries_of(&route.upstream).to_vec()).collect();
        let states: Vec<_> = entries.iter().map(|entry| entry.availability(now)).collect();
        let busy = states.iter().filter(|state| state.is_available()).count();
        let resting = states.iter().filter_map(|state| state.rests_for(now)).min();
        let out = states.len() - busy;
        let text = format!("no credential is free: {busy} busy, {out} out of use; try again later");
        if busy == 0 && resting.is_none() {
            let text = "the pool has no usable credential: add one, or check those it has";
            return Error::new(ErrorKind::NoCredential, "lease credential", text);
        }
        let wait = resting.filter(|_| busy == 0).unwrap_or(Duration::from_secs(1));
        Error::new(ErrorKind::PoolExhausted, "lease credential", text).with_retry_after(wait)
    }

    fn entries_of(&self, upstream: &str) -> Entries {
        let entries = self.shared.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(upstream).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
