//! Asking upstreams about accounts.

use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout};

use super::add::label_of;
use super::handle::{Accounts, not_found};
use super::model::{Checked, Verdict};
use super::plan::Site;
use crate::clock::unix_seconds;
use crate::credential::{Credential, CredentialId, Profile, Signal};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Inserted;
use crate::upstream::Account;

impl Accounts {
    /// Asks the upstream whether an account works. Callers that come together share one answer.
    ///
    /// An account that is dead becomes invalid, and one that was invalid and works is used again.
    /// Where the upstream cannot be asked, nothing changes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] with code `cookie_not_found`.
    pub async fn check(&self, id: &CredentialId) -> Result<Checked> {
        let came = Instant::now();
        let _turn = self.shared.checking.take(id).await;
        let page = self.shared.book.get(id).ok_or_else(not_found)?;
        if let Some((_, verdict)) = page.checked.filter(|(at, _)| *at >= came) {
            return Ok(Checked { account: self.get(id)?, verdict });
        }
        let credential = self.shared.parts.pool.credential(id).ok_or_else(not_found)?;
        let site = self.site(credential.upstream())?;
        // Nobody closes the semaphore, and without a place the check would be made all the same.
        let _place = self.shared.checks.acquire().await;
        let found = self.ask(&site, &credential).await;
        let this = self.clone();
        self.finish(async move {
            let verdict = this.conclude(&credential, found).await;
            let id = credential.id();
            let (now, noted) = (Instant::now(), verdict.clone());
            this.shared.book.change(id, |page| {
                (page.checked, page.asked) = (Some((now, noted)), Some(now));
            });
            Ok(Checked { account: this.get(id)?, verdict })
        })
        .await
    }

    /// Checks all accounts, a few at a time.
    pub async fn check_all(&self) -> Vec<Checked> {
        self.check_these(self.ids()).await
    }

    pub(super) async fn check_these(&self, ids: Vec<CredentialId>) -> Vec<Checked> {
        let check = |id: CredentialId| async move { self.check(&id).await.ok() };
        let checks = stream::iter(ids).map(check).buffered(2 * super::keep::AT_ONCE);
        checks.filter_map(|checked| async { checked }).collect().await
    }

    /// Asks the upstream, for as long as a first content may take.
    pub(super) async fn ask(&self, site: &Site, credential: &Credential) -> Result<Account> {
        let late = || {
            let text = "the upstream did not answer in time";
            Err(Error::new(ErrorKind::Timeout, "check credential", text))
        };
        let limit = self.plan().check_timeout.max(Duration::from_millis(1));
        let asked = timeout(limit, site.upstream.check(credential)).await;
        asked.unwrap_or_else(|_| late())
    }

    /// Draws the consequence of a check.
    async fn conclude(&self, credential: &Credential, found: Result<Account>) -> Verdict {
        let id = credential.id();
        let _turn = self.shared.changing.take(id).await;
        let pool = &self.shared.parts.pool;
        let now = pool.credential(id);
        if now.is_none_or(|now| now.material() != credential.material()) {
            return Verdict::Unknown("its secret was replaced meanwhile".to_owned());
        }
        let (verdict, account) = match found {
            Ok(account) => {
                pool.learn(id, &Signal::CheckPassed);
                (Verdict::Valid, Some(self.claim(id, account).await))
            }
            Err(error) if error.kind() == ErrorKind::CredentialRejected => {
                let why = error.message().to_owned();
                tracing::warn!(credential = %id, why, "an account is dead: replace its cookie");
                pool.learn(id, &Signal::CheckRefused(why.clone()));
                (Verdict::Invalid(why), None)
            }
            Err(error) => return Verdict::Unknown(error.message().to_owned()),
        };
        let (now, own) = (unix_seconds(), id.as_str());
        let note = |profile: &mut Profile| match &account {
            Some(account) => note(profile, own, account, now),
            None => profile.checked_at = Some(now),
        };
        // The next check says the same: nothing is lost where this cannot be kept.
        if self.change_profile_now(id, note).await.is_err() {
            self.shared.book.change(id, |page| page.profile.checked_at = Some(now));
        }
        verdict
    }

    /// Keeps whose account it is, where that was not known; what cannot be kept is not noted.
    async fn claim(&self, id: &CredentialId, mut account: Account) -> Account {
        let known = self.shared.book.get(id).and_then(|page| page.profile.account_id);
        let Some(new) = account.id.as_ref().filter(|_| known.is_none()) else { return account };
        let kept = self.shared.parts.vault.set_account(id, new).await;
        match self.note_store(kept) {
            Ok(Inserted::New) => return account,
            Ok(Inserted::Duplicate(other)) => {
                tracing::warn!(credential = %id, %other, "two cookies of one account: remove one");
            }
            Ok(Inserted::Missing) | Err(_) => {}
        }
        account.id = None;
        account
    }
}

/// Notes what a check has found out about the account, whose label is its id until it has a name.
pub(super) fn note(profile: &mut Profile, id: &str, account: &Account, now: u64) {
    let Account { id: account_id, name, proven } = account;
    if let Some(name) = name.as_deref().filter(|_| profile.label == id) {
        profile.label = label_of(name);
    }
    profile.account_id = profile.account_id.take().or_else(|| account_id.clone());
    profile.account_name = name.clone().or(profile.account_name.take());
    (profile.proven, profile.checked_at) = (*proven, Some(now));
}
