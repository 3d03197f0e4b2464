//! Which cookies a call carries.

use tokio::sync::{Mutex, MutexGuard};

use super::config::SESSION_COOKIE;
use crate::credential::{CookieSet, Credential, Material, Secret};

/// The cookies of one call.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    cookies: Option<CookieSet>,
}

impl Session {
    /// Returns the text of the `Cookie` header.
    pub(super) fn header(&self) -> Option<Secret> {
        self.cookies.as_ref().map(CookieSet::header)
    }

    /// Says whether the server, by the cookie it sets, has dropped this session for another.
    pub(super) fn is_replaced_by(&self, set: Option<&str>) -> bool {
        let own = self.cookies.as_ref().and_then(|cookies| cookies.get(SESSION_COOKIE));
        own.zip(set).is_some_and(|(own, set)| own.expose() != set)
    }

    /// Says whether there is anything to be known by.
    pub(super) fn is_known(&self) -> bool {
        self.cookies.is_some()
    }

    /// Returns a credential that still brings this session when the server has handed another to
    /// whoever comes.
    pub(super) fn owner(&self, credential: &Credential) -> Credential {
        match (&self.cookies, credential.material()) {
            (Some(cookies), Material::Anonymous) => {
                let material = Material::Cookies(cookies.clone());
                Credential::with_id(
                    credential.id().clone(),
                    credential.upstream().clone(),
                    material,
                )
            }
            _ => credential.clone(),
        }
    }

    fn of(value: Secret) -> Self {
        Self { cookies: Some(CookieSet::single(SESSION_COOKIE, value)) }
    }
}

/// The sessions of one server: those of credentials, and the one that a server without login hands
/// to whoever comes.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    anonymous: Mutex<Option<Secret>>,
}

/// The session of a call, or the right to be the first to get the anonymous one.
pub(super) enum Entry<'a> {
    Known(Session),
    First(MutexGuard<'a, Option<Secret>>),
}

impl Sessions {
    /// Returns a credential's session. The first anonymous caller keeps the others waiting until
    /// the server has given a cookie, so that all share one session.
    pub(super) async fn enter(&self, credential: &Credential) -> Entry<'_> {
        if credential.material() != &Material::Anonymous {
            return Entry::Known(self.of(credential).await);
        }
        let slot = self.anonymous.lock().await;
        match &*slot {
            Some(value) => Entry::Known(Session::of(value.clone())),
            None => Entry::First(slot),
        }
    }

    /// Returns a credential's session as far as it is known.
    pub(super) async fn of(&self, credential: &Credential) -> Session {
        match credential.material() {
            Material::Cookies(set) => Session { cookies: Some(set.clone()) },
            Material::Token(value) => Session::of(value.clone()),
            Material::Anonymous => {
                let value = self.anonymous.lock().await.clone();
                value.map(Session::of).unwrap_or_default()
            }
        }
    }

    /// Gives up the anonymous session after the server has dropped it.
    pub(super) async fn forget(&self, credential: &Credential) {
        if credential.material() == &Material::Anonymous {
            *self.anonymous.lock().await = None;
        }
    }
}

impl Entry<'_> {
    /// Keeps the cookie that the server gave to a first caller, and lets the others in.
    pub(super) fn keep(mut self, set: Option<&str>) -> Session {
        self.remember(set);
        self.session()
    }

    /// Keeps the cookie that the server gave to a first caller.
    pub(super) fn remember(&mut self, set: Option<&str>) {
        if let (Self::First(slot), Some(value)) = (self, set) {
            **slot = Some(Secret::from(value));
        }
    }

    /// Returns the session so far.
    pub(super) fn session(&self) -> Session {
        match self {
            Self::Known(session) => session.clone(),
            Self::First(slot) => (**slot).clone().map(Session::of).unwrap_or_default(),
        }
    }
}
