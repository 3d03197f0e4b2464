//! What all requests share.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use llm2api_core::Client;
use llm2api_core::keys::ClientKeys;

use crate::clock::unix_seconds;
use crate::config::{Config, MetricsConfig, Settings};
use crate::door::{Behind, Door};
use crate::exposition::Responses;
use crate::journal::Journal;
use crate::live::Live;
use crate::routes::events::Hub;
use crate::stop::Stop;
use crate::telemetry::Tracer;

/// What all requests share: the engine, the keys, the limits, the way to the end.
#[derive(Clone)]
pub struct State {
    pub(crate) client: Client,
    pub(crate) door: Door,
    pub(crate) api_path: String,
    pub(crate) journal: Journal,
    pub(crate) events: Hub,
    /// What this server has answered, counted.
    pub(crate) responses: Responses,
    /// Who may read the figures, and under which names.
    pub(crate) exposes: MetricsConfig,
    /// In seconds since 1970.
    pub(crate) started: u64,
    settings: Arc<RwLock<Option<Arc<Settings>>>>,
    pub(crate) tracer: Tracer,
}

impl State {
    /// Joins an engine and the settings.
    ///
    /// Without an admin key in the settings the operator's paths let nobody in; [`serve`](crate::serve)
    /// puts one there that it finds or makes in the data directory.
    pub fn new(client: Client, config: &Config, stop: Stop) -> Self {
        Self {
            client,
            door: Door::new(config, stop),
            api_path: config.api_path.clone(),
            journal: Journal::default(),
            events: Hub::default(),
            responses: Responses::default(),
            exposes: config.metrics,
            started: unix_seconds(),
            settings: Arc::default(),
            tracer: Tracer::default(),
        }
    }

    /// Takes note of the settings that the configuration was made of, which are shown to the operator
    /// with where each was found.
    pub fn show_settings(&self, settings: Settings) {
        let settings = Some(Arc::new(settings));
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// Returns the settings, where they are known.
    pub(crate) fn settings(&self) -> Option<Arc<Settings>> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has the traces of requests sent by `tracer`; nobody is sent any without.
    #[must_use]
    pub(crate) fn with_tracer(mut self, tracer: Tracer) -> Self {
        self.tracer = tracer;
        self
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
