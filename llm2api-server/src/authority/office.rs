//! What all requests to the authority share.

use std::net::IpAddr;

use llm2api_core::auth::Authority;
use poem::Request;
use tokio::time::Instant;

use super::attempts::Attempts;
use crate::admin::peer;
use crate::door::{Behind, Door};
use crate::openai::error::Failure;

/// The authority, and the door before it.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) door: Door,
    pub(super) authority: Authority,
    attempts: Attempts,
}

impl Office {
    pub(super) fn new(door: Door, authority: Authority) -> Self {
        Self { door, authority, attempts: Attempts::default() }
    }

    /// Counts a wrong code against the address that shows it.
    pub(super) fn count_wrong(&self, peer: IpAddr) -> Result<(), Failure> {
        self.attempts.count(peer, Instant::now()).map_err(Failure::too_many_codes)
    }
}

impl Behind for Office {
    fn door(&self) -> &Door {
        &self.door
    }

    /// There is no page to sign in at.
    fn no_admin_key() -> Failure {
        Failure::no_authority_key()
    }
}

/// Names who acts, for the store's log.
pub(super) fn actor(request: &Request) -> String {
    peer(request).to_string()
}
