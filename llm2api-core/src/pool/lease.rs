//! The right to use one credential for one call.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::entry::Entry;
use super::{Route, Shared};
use crate::chat::{ChatRequest, Ending, Watch};
use crate::credential::Credential;

/// A place at a credential, given back when dropped.
///
/// A lease starts as cancelled; [`settle`](Self::settle) says how the call really went. It rides in
/// the answer's stream as a [`Watch`], so that it is held until the last byte.
pub struct Lease {
    entry: Arc<Entry>,
    route: Route,
    pool: Arc<Shared>,
}

impl Lease {
    pub(super) fn new(entry: Arc<Entry>, route: &Route, pool: Arc<Shared>) -> Self {
        Self { entry, route: route.clone(), pool }
    }

    /// Returns the credential.
    pub fn credential(&self) -> &Credential {
        &self.entry.credential
    }

    /// Returns the upstream's name.
    pub fn upstream(&self) -> &Arc<str> {
        &self.route.upstream
    }

    /// Returns the model's name at that upstream.
    pub fn model(&self) -> &Arc<str> {
        &self.route.model
    }

    /// Draws the consequence of the call for the credential.
    pub fn settle(&mut self, ending: Ending<'_>) {
        if let Ending::Failed(error) = ending {
            self.entry.blame(error, Instant::now());
        }
    }
}

impl Watch for Lease {
    fn end(&mut self, ending: Ending<'_>) {
        self.settle(ending);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.entry.leave();
        self.pool.freed.notify_waiters();
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("credential", self.entry.credential.id())
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

/// A request with the credential it goes out under.
///
/// Below the pool, services take attempts: an upstream cannot be called without a credential.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The request, its model named as the upstream names it.
    pub request: ChatRequest,
    /// The right to send it.
    pub lease: Lease,
}

impl Attempt {
    /// Joins a request with a lease.
    pub fn new(request: ChatRequest, lease: Lease) -> Self {
        Self { request, lease }
    }
}
