//! What all requests share.

use std::fmt;

use llm2api_core::Client;
use llm2api_core::keys::ClientKeys;

use crate::config::Config;
use crate::door::{Behind, Door};
use crate::journal::Journal;
use crate::live::Live;
use crate::stop::Stop;

/// What all requests share: the engine, the keys, the limits, the way to the end.
#[derive(Clone)]
pub struct State {
    pub(crate) client: Client,
    pub(crate) door: Door,
    pub(crate) api_path: String,
    pub(crate) journal: Journal,
}

impl State {
    /// Joins an engine and the settings.
    ///
    /// Without an admin key in the settings the operator's paths let nobody in; [`serve`](crate::serve)
    /// puts one there that it finds or makes in the data directory.
    pub fn new(client: Client, config: &Config, stop: Stop) -> Self {
        let (door, api_path) = (Door::new(config, stop), config.api_path.clone());
        Self { client, door, api_path, journal: Journal::default() }
    }

    /// Returns the settings towards clients, which the server has to share.
    pub fn live(&self) -> Live {
        self.door.live.clone()
    }
}

impl Behind for State {
    fn door(&self) -> &Door {
        &self.door
    }

    fn client_keys(&self) -> Option<ClientKeys> {
        Some(self.client.keys())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("door", &self.door)
            .field("api_path", &self.api_path)
            .finish_non_exhaustive()
    }
}
