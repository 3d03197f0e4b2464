//! What all requests share.

use std::fmt;
use std::sync::Arc;

use llm2api_core::Client;

use crate::admin::{Admin, Places};
use crate::budget::Budget;
use crate::config::{ClientLimits, Config};
use crate::keys::Keys;
use crate::stop::Stop;

/// What all requests share: the engine, the keys, the limits, the way to the end.
#[derive(Clone)]
pub struct State {
    pub(crate) client: Client,
    pub(crate) keys: Keys,
    pub(crate) admin: Arc<Admin>,
    pub(crate) places: Arc<Places>,
    pub(crate) limits: ClientLimits,
    pub(crate) bodies: Budget,
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
            keys: Keys::new(&config.api_keys),
            admin: Arc::new(Admin::new(config)),
            places: Arc::new(Places::new(&config.upstreams)),
            limits: config.clients,
            bodies: Budget::new(config.clients.bodies_limit),
            api_path: config.api_path.clone(),
            stop,
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("keys", &self.keys)
            .field("limits", &self.limits)
            .field("bodies", &self.bodies)
            .field("api_path", &self.api_path)
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}
