//! What accounts go by until the next reload, and how it is exchanged.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};

use super::add::{SEEDED_AT_ONCE, profile};
use super::handle::Accounts;
use crate::credential::{Credential, CredentialId, Record, SavedHealth};
use crate::error::Result;
use crate::metrics::CREDENTIAL;
use crate::pool::UpstreamTerms;
use crate::store::{Count, Fingerprint, Inserted};
use crate::upstream::{Account, Upstream};

/// An upstream, as accounts see it.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) upstream: Arc<dyn Upstream>,
    pub(crate) terms: UpstreamTerms,
}

/// What accounts go by.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) sites: HashMap<Arc<str>, Site>,
    pub(crate) check_timeout: Duration,
    pub(crate) check_interval: Option<Duration>,
    pub(crate) longest_rest: Duration,
}

/// A plan with everything in hand that could fail.
#[derive(Debug)]
pub(crate) struct Prepared {
    plan: Plan,
    /// What the store has of upstreams that are new, and what the settings bring.
    records: Vec<Record>,
    /// What was counted of the accounts that the store has.
    counts: Vec<Count>,
    seeds: HashSet<Fingerprint>,
    unchecked: Vec<CredentialId>,
}

impl Plan {
    fn site_terms(&self) -> HashMap<Arc<str>, UpstreamTerms> {
        self.sites.iter().map(|(name, site)| (name.clone(), site.terms)).collect()
    }

    /// Writes a credential in the form that its upstream knows it by.
    pub(super) fn normalised(&self, credential: Credential) -> Credential {
        let upstream = credential.upstream().clone();
        let Some(site) = self.sites.get(&upstream) else { return credential };
        let material = site.upstream.normalise(credential.material().clone());
        Credential::with_id(credential.id().clone(), upstream, material)
    }
}

/// A credential of the settings, and what came of keeping it.
struct Seed {
    fingerprint: Fingerprint,
    kept: Option<Record>,
}

impl Accounts {
    /// Returns the plan that holds now.
    pub(super) fn plan(&self) -> Arc<Plan> {
        self.shared.plan.borrow().clone()
    }

    /// Does all of a change of plan that may fail: reads what the store has of upstreams that are
    /// new, and keeps the credentials that the settings bring and have not brought before. They are
    /// checked later, since an upstream that is down must not stand in the way.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store); what was kept is removed again then, as far as
    /// the store allows.
    pub(crate) async fn prepare(&self, plan: Plan, seeds: Vec<Credential>) -> Result<Prepared> {
        let (mut records, counts) = self.records_of_new_sites(&plan).await?;
        let known: HashSet<_> = records.iter().map(|r| self.fingerprint(&r.credential)).collect();
        let seeds = seeds.into_iter().map(|credential| plan.normalised(credential)).collect();
        let (mut fingerprints, mut unchecked) = (HashSet::new(), Vec::new());
        for Seed { fingerprint, kept } in self.keep_seeds(seeds, &known).await? {
            fingerprints.insert(fingerprint);
            unchecked.extend(kept.iter().map(|record| record.credential.id().clone()));
            records.extend(kept);
        }
        Ok(Prepared { plan, records, counts, seeds: fingerprints, unchecked })
    }

    /// Keeps all, or as few as can be.
    async fn keep_seeds(
        &self,
        seeds: Vec<Credential>,
        known: &HashSet<Fingerprint>,
    ) -> Result<Vec<Seed>> {
        let sent = std::sync::Mutex::new(Vec::new());
        let keep = |credential| self.keep_seed(credential, known, &sent);
        // Many at a time, which a store writes together.
        let kept = stream::iter(seeds).map(keep).buffered(SEEDED_AT_ONCE);
        let kept: Result<Vec<Seed>> = kept.try_collect().await;
        if kept.is_err() {
            self.take_back(sent.into_inner().unwrap_or_else(PoisonError::into_inner)).await;
        }
        kept
    }

    /// Goes by a plan from now on; `between` is done when new upstreams are in use, and those that
    /// the plan lacks still are.
    pub(crate) fn follow(&self, prepared: Prepared, between: impl FnOnce()) {
        let Prepared { plan, records, counts, seeds, unchecked } = prepared;
        let terms = plan.site_terms();
        let plan = Arc::new(plan);
        {
            // Whoever takes an account in at this moment must not do so by the plan before.
            let _turn = self.admitting();
            self.shared.plan.send_if_modified(|old| {
                *old = plan;
                false
            });
            *self.shared.seeds.lock().unwrap_or_else(PoisonError::into_inner) = seeds;
            self.shared.parts.pool.open(&terms);
            self.admit_now(records);
        }
        self.take_counts(&counts);
        between();
        self.shared.parts.pool.close_others(&terms);
        let list = &self.shared.unchecked;
        list.lock().unwrap_or_else(PoisonError::into_inner).extend(unchecked);
        // Only now: who is told looks at all of it.
        self.shared.plan.send_modify(|_| ());
    }

    /// Reads the accounts of upstreams that the plan before lacked, as far as they are not known as
    /// they are, and their counters.
    async fn records_of_new_sites(&self, plan: &Plan) -> Result<(Vec<Record>, Vec<Count>)> {
        let now = self.plan();
        if plan.sites.keys().all(|name| now.sites.contains_key(name)) {
            return Ok((Vec::new(), Vec::new()));
        }
        let (mut records, _) = self.note_store(self.shared.parts.vault.load().await)?;
        records.retain(|record| {
            let upstream = record.credential.upstream();
            plan.sites.contains_key(upstream)
                && !now.sites.contains_key(upstream)
                && !self.is_known(&record.credential)
        });
        if records.is_empty() {
            return Ok((records, Vec::new()));
        }
        let counts = self.note_store(self.shared.parts.vault.counts(CREDENTIAL).await)?;
        Ok((records, counts))
    }

    /// Keeps a credential of the settings, unless they have brought it before or it is known.
    async fn keep_seed(
        &self,
        credential: Credential,
        known: &HashSet<Fingerprint>,
        sent: &std::sync::Mutex<Vec<CredentialId>>,
    ) -> Result<Seed> {
        let fingerprint = self.fingerprint(&credential);
        let brought = {
            let seeds = self.shared.seeds.lock().unwrap_or_else(PoisonError::into_inner);
            seeds.contains(&fingerprint)
        };
        if brought || known.contains(&fingerprint) || self.shared.book.find(&fingerprint).is_some()
        {
            return Ok(Seed { fingerprint, kept: None });
        }
        let profile = profile(&credential, &Account::default(), None);
        let record = Record::new(credential, profile, SavedHealth::default());
        // Noted before: where another fails, nobody learns what came of this one.
        sent.lock().unwrap_or_else(PoisonError::into_inner).push(record.credential.id().clone());
        let kept = match self.note_store(self.shared.parts.vault.add(&record).await)? {
            Inserted::New => Some(record),
            // Given twice, or another server of the fleet was faster: its row comes with the news.
            Inserted::Duplicate(_) | Inserted::Missing => None,
        };
        Ok(Seed { fingerprint, kept })
    }

    /// Says whether an account is known, with this secret.
    fn is_known(&self, credential: &Credential) -> bool {
        let known = self.shared.parts.pool.credential(credential.id());
        known.is_some_and(|known| known.material() == credential.material())
    }

    async fn take_back(&self, sent: Vec<CredentialId>) {
        for id in sent {
            if let Err(error) = self.shared.parts.vault.remove(&id).await {
                tracing::warn!(%error, credential = %id, "a credential that is not used stays kept");
            }
        }
    }
}
