//! What the server goes by at the moment, and a reload exchanges.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::admin::Places;
use crate::config::{ClientLimits, Config, Openness};
use crate::keys::Keys;

/// The settings towards clients that hold at the moment. Clones share them.
///
/// # Example
/// ```
/// use llm2api_server::Live;
/// use llm2api_server::config::{Settings, Sources};
///
/// let config = Settings::resolve(&Sources::default())?.config()?;
/// let live = Live::new(&config);
/// # drop(live);
/// # Ok::<(), llm2api_server::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Live {
    terms: Arc<RwLock<Arc<Terms>>>,
}

/// One state of them. Who needs several looks once.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) keys: Keys,
    pub(crate) places: Places,
    pub(crate) limits: ClientLimits,
    pub(crate) grace: Duration,
    /// Whether what an answer cannot go by is refused.
    pub(crate) strict: bool,
    /// Whether the web can be searched.
    pub(crate) searches: bool,
    /// Whether it is searched for every chat, or said to be.
    pub(crate) search_every_chat: bool,
}

impl Live {
    /// Takes them from the settings.
    pub fn new(config: &Config) -> Self {
        Self { terms: Arc::new(RwLock::new(Arc::new(Terms::new(config)))) }
    }

    /// Takes others, for connections and requests that begin from now on.
    pub(crate) fn change(&self, config: &Config) {
        let terms = Arc::new(Terms::new(config));
        *self.terms.write().unwrap_or_else(PoisonError::into_inner) = terms;
    }

    /// Returns those that hold now.
    pub(crate) fn now(&self) -> Arc<Terms> {
        self.terms.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Terms {
    fn new(config: &Config) -> Self {
        Self {
            keys: Keys::new(&config.api_keys).open(config.openness != Openness::Nobody),
            places: Places::new(&config.upstreams),
            limits: config.clients,
            grace: config.shutdown_grace,
            strict: config.strict_parameters,
            searches: config.search.is_some(),
            search_every_chat: config.search_every_chat,
        }
    }
}
