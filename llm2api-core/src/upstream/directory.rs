//! The upstreams in use, by name: one view for all who need one, replaced as a whole.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::Upstream;

/// Upstreams by name.
pub(crate) type Upstreams = Arc<HashMap<Arc<str>, Arc<dyn Upstream>>>;

/// Where upstreams are looked up. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    current: Arc<RwLock<Upstreams>>,
}

impl Directory {
    pub(crate) fn new(upstreams: Upstreams) -> Self {
        Self { current: Arc::new(RwLock::new(upstreams)) }
    }

    /// Puts other upstreams in the place of all.
    pub(crate) fn replace(&self, upstreams: Upstreams) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = upstreams;
    }

    /// Returns all there are now.
    pub(crate) fn all(&self) -> Upstreams {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the upstream that has this name now.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn Upstream>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}
