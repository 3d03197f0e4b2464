//! What stands before every path, whatever is behind it.

use std::fmt;
use std::sync::Arc;

use llm2api_core::keys::ClientKeys;

use crate::admin::Admin;
use crate::budget::Budget;
use crate::config::{ClientLimits, Config};
use crate::live::Live;
use crate::openai::error::Failure;
use crate::stop::Stop;

/// Keys, limits, and the way to the end. Clones share them.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) live: Live,
    pub(crate) admin: Arc<Admin>,
    pub(crate) bodies: Budget,
    pub(crate) operator_bodies: Budget,
    pub(crate) stop: Stop,
}

/// The state that is behind a door: what handlers work with.
pub(crate) trait Behind: Send + Sync + 'static {
    /// Returns what stands before it.
    fn door(&self) -> &Door;

    /// Returns the client keys of the store; none where nothing but the settings has any.
    fn client_keys(&self) -> Option<ClientKeys> {
        None
    }

    /// Tells who shows no operator's key how to show one.
    fn no_admin_key() -> Failure {
        Failure::no_admin_key()
    }
}

impl Door {
    /// Goes by the settings.
    pub(crate) fn new(config: &Config, stop: Stop) -> Self {
        Self {
            live: Live::new(config),
            admin: Arc::new(Admin::new(config)),
            bodies: Budget::new(config.clients.bodies_limit),
            operator_bodies: Budget::new(config.clients.bodies_limit),
            stop,
        }
    }

    /// Returns the limits of a request that begins now.
    pub(crate) fn limits(&self) -> ClientLimits {
        self.live.now().limits
    }

    /// Goes by other settings; sessions of the operator stay, unless his key is another one.
    pub(crate) fn change(&self, config: &Config) {
        self.admin.change(config);
        self.bodies.resize(config.clients.bodies_limit);
        self.operator_bodies.resize(config.clients.bodies_limit);
        self.live.change(config);
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("live", &self.live)
            .field("bodies", &self.bodies)
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}
