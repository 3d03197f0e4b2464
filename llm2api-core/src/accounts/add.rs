//! Adding accounts: asked about first, and kept before anybody is told.

use std::sync::Arc;

use futures::{StreamExt, stream};

use super::handle::Accounts;
use super::model::{Added, NewAccount};
use super::plan::{Plan, Site};
use crate::clock::{unix_millis_once, unix_seconds};
use crate::credential::{Credential, CredentialId, Profile, Record, SavedHealth};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Inserted;
use crate::upstream::Account;

/// Accounts of one list that are added at the same time.
const AT_ONCE: usize = 8;
/// Credentials of settings that are kept at the same time.
pub(super) const SEEDED_AT_ONCE: usize = 64;
const LONGEST_LABEL: usize = 100;
const UNPROVEN: &str = "the upstream has no login, so it cannot be proven that this works";

impl Accounts {
    /// Asks the upstream whether an account is good, then keeps it and uses it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] with code `invalid_cookie`, `unknown_upstream` or
    /// `duplicate_cookie`; [`ErrorKind::Connect`] where the upstream cannot be asked;
    /// [`ErrorKind::Store`] where it cannot be kept. Nothing is kept then.
    pub async fn add(&self, new: NewAccount) -> Result<Added> {
        let upstream = upstream_of(&self.plan(), &new)?;
        check_label(new.label.as_deref())?;
        check_weight(new.weight)?;
        let credential = self.read(&upstream, new.secret.expose())?;
        let fingerprint = self.fingerprint(&credential);
        let _turn = self.shared.adding.take(&format!("{upstream} {fingerprint:?}")).await;
        if let Some(known) = self.shared.book.find(&fingerprint) {
            return Err(self.duplicate(&known));
        }
        let site = self.site(&upstream)?;
        let account = self.ask(&site, &credential).await.map_err(|error| refuse(&error))?;
        let note = (!account.proven).then_some(UNPROVEN);
        let mut profile = profile(&credential, &account, new.label);
        (profile.weight, profile.enabled) = (new.weight.unwrap_or(1), new.enabled);
        profile.checked_at = Some(unix_seconds());
        let id = credential.id().clone();
        let (this, record) =
            (self.clone(), Record::new(credential, profile, SavedHealth::default()));
        self.finish(async move { this.keep(record).await }).await?;
        Ok(Added { account: self.get(&id)?, note })
    }

    /// Adds many accounts, a few at a time; the answers come in their order.
    pub async fn add_all(&self, new: Vec<NewAccount>) -> Vec<Result<Added>> {
        let add = |account| self.add(account);
        stream::iter(new).map(add).buffered(AT_ONCE).collect().await
    }

    /// Keeps a record, then lets the pool have it.
    async fn keep(&self, record: Record) -> Result<()> {
        match self.note_store(self.shared.parts.vault.add(&record).await)? {
            Inserted::New => {
                self.admit(vec![record]);
                Ok(())
            }
            Inserted::Duplicate(known) => Err(self.duplicate(&known)),
            Inserted::Missing => Err(super::handle::not_found()),
        }
    }

    pub(super) fn site(&self, upstream: &str) -> Result<Site> {
        self.plan().sites.get(upstream).cloned().ok_or_else(super::handle::not_found)
    }

    /// Says which account has the same secret, or is the same account.
    pub(super) fn duplicate(&self, known: &CredentialId) -> Error {
        let label = self.shared.book.get(known).map(|page| page.profile.label);
        let label = label.unwrap_or_else(|| known.to_string());
        let text = format!("this account is in the pool already, as `{label}`");
        Error::new(ErrorKind::InvalidRequest, "add account", text)
            .with_status(409)
            .with_code(DUPLICATE)
            .with_context("credential", known)
    }
}

const DUPLICATE: &str = "duplicate_cookie";

pub(super) fn profile(
    credential: &Credential,
    account: &Account,
    label: Option<String>,
) -> Profile {
    let named = label.or_else(|| account.name.as_deref().map(label_of));
    Profile {
        label: named.unwrap_or_else(|| credential.id().to_string()),
        account_id: account.id.clone(),
        account_name: account.name.clone(),
        proven: account.proven,
        created_ms: unix_millis_once(),
        ..Profile::default()
    }
}

fn upstream_of(plan: &Plan, new: &NewAccount) -> Result<Arc<str>> {
    let sites = &plan.sites;
    let mut names: Vec<&Arc<str>> = sites.keys().collect();
    let found = match (&new.upstream, names.as_slice()) {
        (Some(wanted), _) => sites.get_key_value(wanted.as_str()).map(|(name, _)| name.clone()),
        (None, [only]) => Some(Arc::clone(only)),
        (None, _) => None,
    };
    found.ok_or_else(|| {
        names.sort();
        let names: Vec<&str> = names.into_iter().map(|name| &**name).collect();
        let text = format!("name the upstream of the account: one of {}", names.join(", "));
        Error::new(ErrorKind::InvalidRequest, "add account", text)
            .with_code("unknown_upstream")
            .with_param("upstream")
    })
}

/// Turns what a check failed with into what an operator can act on.
pub(super) fn refuse(error: &Error) -> Error {
    let text = error.message().to_owned();
    match error.kind() {
        ErrorKind::CredentialRejected
        | ErrorKind::CredentialForbidden
        | ErrorKind::InvalidRequest => {
            let text = format!("the upstream does not accept this credential: {text}");
            invalid(text)
        }
        ErrorKind::UpstreamProtocol => {
            let text = format!(
                "the upstream answered with something else than its API, such as a login page: \
                 check the credential and UPSTREAM_URL ({text})"
            );
            invalid(text)
        }
        _ => {
            let text = format!("the upstream cannot be asked about this credential: {text}");
            Error::new(ErrorKind::Connect, "add account", text)
        }
    }
}

pub(super) fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, "add account", text).with_code("invalid_cookie")
}

/// A label is shown to people: it has letters, and no control character.
pub(super) fn check_label(label: Option<&str>) -> Result<()> {
    let Some(label) = label else { return Ok(()) };
    let length = label.chars().count();
    if (1..=LONGEST_LABEL).contains(&length) && !label.chars().any(char::is_control) {
        return Ok(());
    }
    let text = "a label has 1 to 100 characters, none of them a control character";
    Err(Error::new(ErrorKind::InvalidRequest, "add account", text).with_param("label"))
}

/// Makes a label of what an upstream calls an account.
pub(super) fn label_of(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(LONGEST_LABEL).collect()
}

pub(super) fn check_weight(weight: Option<u32>) -> Result<()> {
    if weight.is_none_or(|weight| (1..=100).contains(&weight)) {
        return Ok(());
    }
    let text = "a weight is a whole number from 1 to 100";
    Err(Error::new(ErrorKind::InvalidRequest, "add account", text).with_param("weight"))
}
