//! What an operator does to an account that is there.

use super::add::{check_label, check_weight, invalid, refuse};
use super::handle::{Accounts, not_found};
use super::model::{AccountChange, AccountStatus};
use crate::clock::unix_seconds;
use crate::credential::{Credential, CredentialId, Profile, Record, Secret, Signal};
use crate::error::{Error, Result};
use crate::store::Inserted;

impl Accounts {
    /// Lets an account be used again that was switched off.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) with code
    /// `cookie_not_found`; [`ErrorKind::Store`](crate::ErrorKind::Store), and then nothing changed.
    pub async fn enable(&self, id: &CredentialId) -> Result<AccountStatus> {
        self.switch(id, true).await
    }

    /// Switches an account off; calls under way go on.
    ///
    /// # Errors
    /// As [`enable`](Self::enable).
    pub async fn disable(&self, id: &CredentialId) -> Result<AccountStatus> {
        self.switch(id, false).await
    }

    async fn switch(&self, id: &CredentialId, enabled: bool) -> Result<AccountStatus> {
        self.change_profile(id, |profile| profile.enabled = enabled).await?;
        self.shared.parts.pool.set_enabled(id, enabled);
        self.get(id)
    }

    /// Ends an account's rest. An invalid account stays so: a check brings it back.
    ///
    /// # Errors
    /// As [`enable`](Self::enable).
    pub async fn clear(&self, id: &CredentialId) -> Result<AccountStatus> {
        self.get(id)?;
        self.shared.parts.pool.learn(id, &Signal::Cleared);
        self.save_health(vec![id.clone()]).await?;
        self.get(id)
    }

    /// Renames an account, changes its share, or replaces its secret, which is checked first.
    ///
    /// # Errors
    /// As [`add`](Self::add) and [`enable`](Self::enable).
    pub async fn update(&self, id: &CredentialId, change: AccountChange) -> Result<AccountStatus> {
        check_label(change.label.as_deref())?;
        check_weight(change.weight)?;
        self.get(id)?;
        if let Some(secret) = &change.secret {
            self.replace(id, secret).await?;
        }
        if change.label.is_some() || change.weight.is_some() {
            let AccountChange { label, weight, .. } = change;
            self.change_profile(id, |profile| {
                profile.label = label.unwrap_or(std::mem::take(&mut profile.label));
                profile.weight = weight.unwrap_or(profile.weight);
            })
            .await?;
            if let Some(weight) = weight {
                self.shared.parts.pool.set_weight(id, weight);
            }
        }
        self.get(id)
    }

    /// Forgets an account; calls under way go on.
    ///
    /// # Errors
    /// As [`enable`](Self::enable).
    pub async fn remove(&self, id: &CredentialId) -> Result<()> {
        self.get(id)?;
        self.note_store(self.shared.parts.vault.remove(id).await)?;
        self.drop_here(id);
        Ok(())
    }

    /// Takes an account that the store no longer has out of the pool and the book.
    pub(super) fn drop_here(&self, id: &CredentialId) {
        self.shared.parts.pool.remove(id);
        self.shared.book.remove(id);
        self.shared.parts.metrics.forget_credential(id.as_str());
        self.settle_anonymous();
    }

    /// Keeps a changed profile, and only then goes by it.
    pub(super) async fn change_profile(
        &self,
        id: &CredentialId,
        change: impl FnOnce(&mut Profile),
    ) -> Result<()> {
        let mut profile = self.shared.book.get(id).ok_or_else(not_found)?.profile;
        change(&mut profile);
        let kept = self.note_store(self.shared.parts.vault.set_profile(id, &profile).await)?;
        if !kept {
            return Err(not_found());
        }
        self.shared.book.change(id, |page| page.profile = profile);
        Ok(())
    }

    async fn replace(&self, id: &CredentialId, secret: &Secret) -> Result<()> {
        let old = self.shared.parts.pool.credential(id).ok_or_else(not_found)?;
        let read = Credential::parse(old.upstream().clone(), secret.expose())?;
        let new = Credential::with_id(id.clone(), old.upstream().clone(), read.material().clone());
        let site = self.site(new.upstream())?;
        let account = self.ask(site, &new).await.map_err(|error| refuse(&error))?;
        let page = self.shared.book.get(id).ok_or_else(not_found)?;
        let mut profile = page.profile.clone();
        if profile.account_id.is_some() && account.id.is_some() && profile.account_id != account.id
        {
            return Err(other_account());
        }
        profile.account_id = account.id.or(profile.account_id);
        profile.account_name = account.name.or(profile.account_name);
        (profile.proven, profile.checked_at) = (account.proven, Some(unix_seconds()));
        let health = self.shared.parts.pool.saved_health(id).unwrap_or_default();
        let record = Record::new(new, profile, health);
        match self.note_store(self.shared.parts.vault.replace(&record).await)? {
            Inserted::New => {}
            Inserted::Duplicate(known) => return Err(self.duplicate(&known)),
            Inserted::Missing => return Err(not_found()),
        }
        self.admit(vec![record]);
        self.shared.book.change(id, |now| now.before = page.before);
        self.shared.parts.pool.learn(id, &Signal::CheckPassed);
        Ok(())
    }
}

fn other_account() -> Error {
    invalid("this secret belongs to another account: add it instead of replacing this one's")
}
