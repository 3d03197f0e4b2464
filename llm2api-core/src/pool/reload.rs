//! What changes in a pool that goes on: its figures, and which upstreams are in use.
//!
//! Nothing is taken out and put in again, so nothing is forgotten. Credentials of an upstream that is
//! out of use stay where they are, out of sight and reach: the calls that they still carry are
//! counted, and what those find out is kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Pool;
use super::rules::PoolRules;
use super::shared::Terms;
use crate::credential::CredentialId;

/// What holds for all credentials of one upstream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UpstreamTerms {
    pub(crate) max_concurrency: u32,
    pub(crate) per_minute: u32,
    pub(crate) limits_by_address: bool,
}

impl Pool {
    /// Takes other figures; calls that wait already wait as long as they were told.
    pub(crate) fn set_rules(&self, rules: PoolRules, queue_timeout: Duration) {
        self.shared.set_terms(Terms { rules, queue_timeout });
    }

    /// Says whether calls may use a credential, as far as its upstream goes.
    pub(crate) fn is_in_use(&self, id: &CredentialId) -> bool {
        self.shared.find_open(id).is_some()
    }

    /// Goes on with these upstreams, under these terms, from the next choice on.
    pub(crate) fn open(&self, upstreams: &HashMap<Arc<str>, UpstreamTerms>) {
        for (name, terms) in upstreams {
            let group = self.shared.group(name);
            group.set_by_address(terms.limits_by_address);
            for entry in &group.members().entries {
                entry.set_limits(terms.max_concurrency, terms.per_minute);
            }
            group.set_open(true);
            // There may be more places than before.
            self.shared.queue.tell_all(name);
        }
    }

    /// Lets nobody new use the upstreams that are not among these; calls under way go on.
    pub(crate) fn close_others(&self, upstreams: &HashMap<Arc<str>, UpstreamTerms>) {
        for group in self.shared.all_groups() {
            if !upstreams.contains_key(&group.name) {
                group.set_open(false);
                // Those who wait for it must learn that it is gone.
                self.shared.queue.tell_all(&group.name);
            }
        }
    }
}
