//! What all requests share.

use std::fmt;
use std::sync::Arc;

use llm2api_core::Client;

use crate::admin::Admin;
use crate::budget::Budget;
use crate::config::{ClientLimits, Config};
use crate::live::Live;
use crate::stop::Stop;

/// What all requests share: the engine, the keys, the limits, the way to the end.
#[derive(Clone)]
pub struct State {
    pub(crate) client: Client,
    pub(crate) live: Live,
    pub(crate) admin: Arc<Admin>,
    pub(crate) bodies: Budget,
    pub(crate) operator_bodies: Budget,
    pub(crate) api_path: String,
    pub(crate) stop: Stop,
}

impl State {
    /// Joins an engine and the settings.
    ///
    /// Without an admin key in the settings the operator's paths let nobody in; [`serve`](crate::serve)
    /// puts one there that it finds or makes in the data directory.
    pub fn new(client: Client, config: &Config, stop: Stop) -> Self {
        Self {
            client,
            live: Live::new(config),
            admin: Arc::new(Admin::new(config)),
            bodies: Budget::new(config.clients.bodies_limit),
            operator_bodies: Budget::new(config.clients.bodies_limit),
            api_path: config.api_path.clone(),
            stop,
        }
    }

    /// Returns the settings towards clients, which the server has to share.
    pub fn live(&self) -> Live {
        self.live.clone()
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

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("live", &self.live)
            .field("bodies", &self.bodies)
            .field("api_path", &self.api_path)
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}
