//! Whose work it is: the very upstream that a call went to, though another may have its name by now.

use std::sync::{Arc, OnceLock, Weak};

use crate::upstream::Upstream;

/// The upstream that an end of the outbox belongs to; set once it is built.
#[derive(Clone, Debug, Default)]
pub(crate) struct Maker {
    upstream: Arc<OnceLock<Weak<dyn Upstream>>>,
}

impl Maker {
    /// Notes the upstream.
    pub(crate) fn set(&self, upstream: &Arc<dyn Upstream>) {
        // Once: nobody builds two upstreams over one end.
        let _ = self.upstream.set(Arc::downgrade(upstream));
    }

    /// Returns the upstream while anybody uses it.
    pub(super) fn upstream(&self) -> Option<Arc<dyn Upstream>> {
        self.upstream.get()?.upgrade()
    }
}
