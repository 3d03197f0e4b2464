//! What an operator does to an account that is there.

use tokio::time::Instant;

use super::add::{check_label, check_weight, invalid, refuse};
use super::check::note;
use super::handle::{Accounts, Parts, not_found};
use super::model::{AccountChange, AccountStatus};
use crate::clock::unix_seconds;
use crate::credential::{Credential, CredentialId, Profile, Record, SavedHealth, Secret, Signal};
use crate::error::{Error, Result};
use crate::metrics::CREDENTIAL;
use crate::store::Inserted;
use crate::upstream::Account;

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
        self.get(id)?;
        self.change_profile(id, move |profile| profile.enabled = enabled).await?;
        self.get(id)
    }

    /// Ends an account's rest. An invalid account stays so: a check brings it back.
    ///
    /// # Errors
    /// As [`enable`](Self::enable).
    pub async fn clear(&self, id: &CredentialId) -> Result<AccountStatus> {
        let (this, id) = (self.clone(), id.clone());
        self.finish(async move {
            this.get(&id)?;
            let Parts { pool, vault, .. } = &this.shared.parts;
            let cleared = pool.cleared_health(&id).ok_or_else(not_found)?;
            this.note_store(vault.set_health(&[(id.clone(), cleared)]).await)?;
            pool.learn(&id, &Signal::Cleared);
            this.get(&id)
        })
        .await
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
        let AccountChange { label, weight, .. } = change;
        if label.is_some() || weight.is_some() {
            self.change_profile(id, move |profile| {
                if let Some(label) = &label {
                    profile.label.clone_from(label);
                }
                profile.weight = weight.unwrap_or(profile.weight);
            })
            .await?;
        }
        self.get(id)
    }

    /// Forgets an account; calls under way go on.
    ///
    /// # Errors
    /// As [`enable`](Self::enable).
    pub async fn remove(&self, id: &CredentialId) -> Result<()> {
        let (this, id) = (self.clone(), id.clone());
        self.finish(async move {
            let _turn = this.shared.changing.take(&id).await;
            this.get(&id)?;
            this.note_store(this.shared.parts.vault.remove(&id).await)?;
            this.drop_here(&id);
            this.shared.parts.conversations.forget_account(&id).await;
            // Nobody asks for them any more: they are left where this cannot be done.
            let series = format!("{CREDENTIAL}{id}");
            let _ = this.note_store(this.shared.parts.vault.forget_counts(&series).await);
            Ok(())
        })
        .await
    }

    /// Takes an account that the store no longer has out of the pool and the book.
    pub(super) fn drop_here(&self, id: &CredentialId) {
        self.shared.parts.pool.remove(id);
        self.shared.parts.conversations.account_is_gone(id);
        self.shared.book.remove(id);
        self.shared.parts.metrics.forget_credential(id.as_str());
        self.admit(Vec::new());
    }

    /// Keeps a changed profile, and only then goes by it.
    pub(super) async fn change_profile(
        &self,
        id: &CredentialId,
        change: impl Fn(&mut Profile) + Send + 'static,
    ) -> Result<()> {
        let (this, id) = (self.clone(), id.clone());
        self.finish(async move {
            let _turn = this.shared.changing.take(&id).await;
            this.change_profile_now(&id, change).await
        })
        .await
    }

    /// Does it for somebody who has the account's turn, and will not leave.
    pub(super) async fn change_profile_now(
        &self,
        id: &CredentialId,
        change: impl Fn(&mut Profile) + Send,
    ) -> Result<()> {
        let known = self.shared.book.get(id).ok_or_else(not_found)?.profile;
        let changed = self.shared.parts.vault.change_profile(id, &known, change).await;
        match self.note_store(changed)? {
            Some(profile) => self.go_by(id, profile),
            None => return Err(not_found()),
        }
        Ok(())
    }

    /// Takes up what is kept about an account.
    pub(super) fn go_by(&self, id: &CredentialId, profile: Profile) {
        let pool = &self.shared.parts.pool;
        pool.set_enabled(id, profile.enabled);
        pool.set_weight(id, profile.weight);
        self.shared.book.change(id, |page| {
            if page.profile.checked_at < profile.checked_at {
                page.asked = Some(Instant::now());
            }
            page.profile = profile;
        });
    }

    async fn replace(&self, id: &CredentialId, secret: &Secret) -> Result<()> {
        let old = self.shared.parts.pool.credential(id).ok_or_else(not_found)?;
        let read = self.read(old.upstream(), secret.expose())?;
        let new = Credential::with_id(id.clone(), old.upstream().clone(), read.material().clone());
        let site = self.site(new.upstream())?;
        let account = self.ask(&site, &new).await.map_err(|error| refuse(&error))?;
        let (this, id) = (self.clone(), id.clone());
        self.finish(async move { this.put_in_place(&id, new, account).await }).await
    }

    /// Keeps another secret of an account, which the upstream has found good, and then uses it.
    async fn put_in_place(
        &self,
        id: &CredentialId,
        new: Credential,
        account: Account,
    ) -> Result<()> {
        let _turn = self.shared.changing.take(id).await;
        let page = self.shared.book.get(id).ok_or_else(not_found)?;
        let known = &page.profile.account_id;
        if known.is_some() && account.id.is_some() && *known != account.id {
            return Err(other_account());
        }
        let mut profile = page.profile.clone();
        profile.account_id = account.id.clone().or(profile.account_id);
        let record = Record::new(new, profile, SavedHealth::default());
        match self.note_store(self.shared.parts.vault.replace(&record).await)? {
            Inserted::New => {}
            Inserted::Duplicate(known) => return Err(self.duplicate(&known)),
            Inserted::Missing => return Err(not_found()),
        }
        self.admit(vec![record]);
        self.shared.book.change(id, |now| now.before = page.before);
        self.shared.parts.pool.learn(id, &Signal::CheckPassed);
        let now = unix_seconds();
        // The secret is kept by now, and the next check finds the rest again.
        let noted = |profile: &mut Profile| note(profile, id.as_str(), &account, now);
        let _ = self.change_profile_now(id, noted).await;
        Ok(())
    }
}

fn other_account() -> Error {
    invalid("this secret belongs to another account: add it instead of replacing this one's")
}
