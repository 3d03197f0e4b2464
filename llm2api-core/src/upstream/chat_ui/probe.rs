//! What can be found out without a model: the family, the models, the account.

use std::time::Duration;

use super::api::{Api, Caller};
use super::config::Family;
use super::devalue;
use super::session::Sessions;
use super::wire::{FeatureFlags, ListedModel, Superjson, User};
use crate::chat::Model;
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::single_flight::Cached;
use crate::upstream::Account;

/// A server may be replaced by a newer one while we run.
const FAMILY_LIFE: Duration = Duration::from_secs(600);

/// What was found out about one server.
#[derive(Debug)]
pub(super) struct Probe {
    family: Cached<Family>,
}

impl Default for Probe {
    fn default() -> Self {
        Self { family: Cached::new(FAMILY_LIFE, Duration::ZERO) }
    }
}

impl Probe {
    /// Returns the family; asks the server once in ten minutes, and goes on with what it knows where
    /// the server does not answer.
    pub(super) async fn family(
        &self,
        api: &Api,
        sessions: &Sessions,
        credential: &Credential,
    ) -> Result<Family> {
        let ask = async || {
            let session = sessions.of(credential).await;
            ask(api, Caller { session: &session, credential }).await
        };
        self.family.get(ask).await
    }

    pub(super) async fn models(
        &self,
        api: &Api,
        sessions: &Sessions,
        credential: &Credential,
        owner: &str,
    ) -> Result<Vec<Model>> {
        let family = self.family(api, sessions, credential).await?;
        let session = sessions.of(credential).await;
        let caller = Caller { session: &session, credential };
        let listed: Vec<ListedModel> = match family {
            Family::V2 { .. } => api.get::<Superjson<_>>(caller, "/api/v2/models").await?.json,
            Family::Y2024 => match api.get(caller, "/api/models").await {
                Err(error) if is_switched_off(&error) => {
                    devalue::models(&api.page(caller, "", "1").await?)
                }
                listed => listed?,
            },
        };
        Ok(listed.into_iter().filter_map(|listed| listed.into_model(owner)).collect())
    }

    /// Asks who the credential is. On a server without login nothing can be proven.
    pub(super) async fn account(
        &self,
        api: &Api,
        sessions: &Sessions,
        credential: &Credential,
    ) -> Result<Account> {
        let family = self.family(api, sessions, credential).await?;
        let session = sessions.of(credential).await;
        let caller = Caller { session: &session, credential };
        let (login, user) = match family {
            Family::V2 { login } => {
                let user = api.get::<Superjson<Option<User>>>(caller, "/api/v2/user").await?;
                (login, user.json)
            }
            Family::Y2024 => old_account(api, caller).await?,
        };
        match user {
            Some(user) => Ok(Account::proven(user.id, user.username.or(user.email))),
            None if login => Err(not_signed_in()),
            None => Ok(Account::default()),
        }
    }
}

/// Goes by behaviour, since the version number stayed the same for a year.
async fn ask(api: &Api, caller: Caller<'_>) -> Result<Family> {
    match api.get::<Superjson<FeatureFlags>>(caller, "/api/v2/feature-flags").await {
        Ok(flags) => Ok(Family::V2 { login: flags.json.login_enabled }),
        Err(error) if error.status() == Some(404) || is_switched_off(&error) => Ok(Family::Y2024),
        Err(error) => Err(error),
    }
}

/// Only servers before `/api/v2` can switch their API off, and then all paths under `/api` say so.
fn is_switched_off(error: &Error) -> bool {
    error.status() == Some(403) && error.message().contains("API is disabled")
}

/// Asks a server before `/api/v2`, whose API may be switched off.
async fn old_account(api: &Api, caller: Caller<'_>) -> Result<(bool, Option<User>)> {
    match api.get::<User>(caller, "/api/user").await {
        Ok(user) => return Ok((true, Some(user))),
        Err(error) if matches!(error.kind(), ErrorKind::CredentialRejected) => {}
        Err(error) if is_switched_off(&error) => {}
        Err(error) => return Err(error),
    }
    let page = api.page(caller, "", "1").await?;
    let login = devalue::login_enabled(&page).unwrap_or_default();
    let user = devalue::signed_in(&page).unwrap_or_default();
    Ok((login, user.then_some(User { id: None, username: None, email: None })))
}

fn not_signed_in() -> Error {
    let message = "the cookie is not signed in: copy it again from a browser that is";
    Error::new(ErrorKind::CredentialRejected, "check credential", message)
}
