//! The right to be one of so many requests at the same time.

use std::sync::Arc;

use super::shared::Shared;
use crate::credential::CredentialId;
use crate::store::Places;

/// A place, which goes back when dropped.
pub(super) enum Place {
    /// There is no limit.
    Unlimited,
    /// One of this process's.
    Here {
        /// Who counts.
        shared: Arc<Shared>,
        /// Whose it is.
        subject: Arc<str>,
    },
    /// One of those that all servers share.
    Fleet {
        /// Who counts.
        places: Arc<dyn Places>,
        /// Whose it is.
        id: CredentialId,
        /// What it is held under.
        token: u64,
    },
}

impl Drop for Place {
    fn drop(&mut self) {
        match self {
            Self::Unlimited => {}
            Self::Here { shared, subject } => shared.meter().leave(subject),
            Self::Fleet { places, id, token } => places.give_back(id, *token),
        }
    }
}
