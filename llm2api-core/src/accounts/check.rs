//! Asking upstreams about accounts.

use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout};

use super::add::label_of;
use super::book::Page;
use super::handle::{Accounts, Site, not_found};
use super::model::{Checked, Verdict};
use crate::clock::unix_seconds;
use crate::credential::{Credential, CredentialId, Signal};
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
        let found = self.ask(site, &credential).await;
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
        self.check_these(self.shared.book.ids()).await
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
        let limit = self.shared.parts.check_timeout.max(Duration::from_millis(1));
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
        let verdict = match found {
            Ok(account) => {
                pool.learn(id, &Signal::CheckPassed);
                self.note_account(id, account).await;
                Verdict::Valid
            }
            Err(error) if error.kind() == ErrorKind::CredentialRejected => {
                let why = error.message().to_owned();
                tracing::warn!(credential = %id, why, "an account is dead: replace its cookie");
                pool.learn(id, &Signal::CheckRefused(why.clone()));
                Verdict::Invalid(why)
            }
            Err(error) => return Verdict::Unknown(error.message().to_owned()),
        };
        let now = unix_seconds();
        // The next check says the same: nothing is lost where this cannot be kept.
        if self.change_profile_now(id, |profile| profile.checked_at = Some(now)).await.is_err() {
            self.shared.book.change(id, |page| page.profile.checked_at = Some(now));
        }
        verdict
    }

    /// Keeps whose account it is, where that was not known.
    async fn note_account(&self, id: &CredentialId, account: Account) {
        let Some(Page { profile, .. }) = self.shared.book.get(id) else { return };
        let new = account.id.as_ref().filter(|_| profile.account_id.is_none());
        if new.is_none() && profile.proven == account.proven {
            return;
        }
        if let Some(new) = new {
            let kept = self.shared.parts.vault.set_account(id, new).await;
            match self.note_store(kept) {
                Ok(Inserted::New) => {}
                Ok(Inserted::Duplicate(other)) => {
                    tracing::warn!(credential = %id, %other, "two cookies of one account: remove one");
                    return;
                }
                Ok(Inserted::Missing) | Err(_) => return,
            }
        }
        let (now, own) = (unix_seconds(), id.clone());
        // The next check says the same: nothing is lost where this cannot be kept.
        let named = self.change_profile_now(id, move |profile| {
            if profile.label == own.as_str()
                && let Some(name) = &account.name
            {
                profile.label = label_of(name);
            }
            profile.note(&account, now);
        });
        let _ = named.await;
    }
}
