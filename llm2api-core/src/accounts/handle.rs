//! The handle on all accounts, and what it is made of.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Mutex, Semaphore, mpsc, watch};
use tokio::time::Instant;

use super::book::{Book, Page};
use super::jobs::Job;
use super::model::{AccountState, AccountStatus, Exported, Target};
use super::plan::Plan;
use crate::clock::{seconds_of, unix_millis};
use crate::conversations::Keeper;
use crate::credential::{Credential, CredentialId, Health, Material, Profile, Record};
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::{CREDENTIAL, Metrics};
use crate::pool::{CredentialStatus, Event, Member, Pool};
use crate::single_flight::Turns;
use crate::stats::Ledger;
use crate::store::{Count, Fingerprint, Standing, Vault, Version};

/// Checks that run at the same time.
const CHECKS: usize = 8;

/// The accounts. Cloning is cheap and shares them.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::accounts::{AccountState, NewAccount};
/// use llm2api_core::Client;
///
/// let client = Client::builder().build().await?; // no upstream: the built-in demo
/// let added = client.accounts().add(NewAccount::new("sk-123").with_label("Ann")).await?;
/// assert_eq!(added.account.state, AccountState::Active);
/// client.accounts().disable(&added.account.id).await?;
/// assert_eq!(client.accounts().list()[0].state, AccountState::Disabled);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Accounts {
    pub(super) shared: Arc<Shared>,
}

/// What accounts are made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) pool: Pool,
    pub(crate) vault: Vault,
    pub(crate) conversations: Keeper,
    pub(crate) metrics: Metrics,
    pub(crate) ledger: Ledger,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) parts: Parts,
    pub(super) plan: watch::Sender<Arc<Plan>>,
    pub(super) book: Book,
    /// One at a time for the same secret.
    pub(super) adding: Turns<String>,
    /// One at a time for the same account.
    pub(super) checking: Turns<CredentialId>,
    /// One at a time changes what is kept of the same account.
    pub(super) changing: Turns<CredentialId>,
    pub(super) checks: Semaphore,
    pub(super) events: Mutex<mpsc::UnboundedReceiver<Event>>,
    pub(super) jobs: mpsc::UnboundedSender<Job>,
    /// Taken by the task that does the jobs.
    pub(super) job_list: std::sync::Mutex<Option<mpsc::UnboundedReceiver<Job>>>,
    /// Up to where the store's history is known here.
    pub(super) version: std::sync::Mutex<Version>,
    /// The credentials that stand in for accounts, by upstream.
    anonymous: std::sync::Mutex<HashMap<Arc<str>, CredentialId>>,
    /// What the settings bring at every start.
    pub(super) seeds: std::sync::Mutex<HashSet<Fingerprint>>,
    /// Accounts that settings brought and nobody has checked.
    pub(super) unchecked: std::sync::Mutex<Vec<CredentialId>>,
    pub(super) store_works: AtomicBool,
    /// One at a time takes accounts in, so that all are taken in by the same plan.
    admitting: std::sync::Mutex<()>,
}

impl Accounts {
    /// Takes up what the vault has of the plan's upstreams.
    pub(crate) async fn open(parts: Parts, plan: Plan) -> Result<Self> {
        let events = Mutex::new(parts.pool.events());
        let (jobs, job_list) = mpsc::unbounded_channel();
        if let Some(places) = parts.vault.places() {
            parts.pool.share_places(places);
        }
        let (records, version) = parts.vault.load().await?;
        let counts = parts.vault.counts(CREDENTIAL).await?;
        let shared = Shared {
            parts,
            plan: watch::Sender::new(Arc::new(plan)),
            book: Book::default(),
            adding: Turns::default(),
            checking: Turns::default(),
            changing: Turns::default(),
            checks: Semaphore::new(CHECKS),
            events,
            jobs,
            job_list: std::sync::Mutex::new(Some(job_list)),
            version: std::sync::Mutex::new(version),
            anonymous: std::sync::Mutex::default(),
            seeds: std::sync::Mutex::default(),
            unchecked: std::sync::Mutex::default(),
            store_works: AtomicBool::new(true),
            admitting: std::sync::Mutex::default(),
        };
        let accounts = Self { shared: Arc::new(shared) };
        accounts.admit(records);
        accounts.take_counts(&counts);
        Ok(accounts)
    }

    /// Takes up what all servers have counted of each account, at any time.
    pub(super) fn take_counts(&self, counts: &[Count]) {
        let Shared { parts, book, .. } = &*self.shared;
        let mut sums = HashMap::<&str, (u64, u64)>::new();
        for count in counts {
            let Some(id) = count.series.strip_prefix(CREDENTIAL) else { continue };
            let (requests, failures) = sums.entry(id).or_default();
            match count.field.as_str() {
                "requests" => *requests += count.value,
                "failed" | "refused" => *failures += count.value,
                _ => {}
            }
        }
        for (id, (requests, failures)) in sums {
            // What this process has counted and handed over is in the sum, and counted here too.
            let handed = parts.metrics.handed_over(id);
            book.change(&CredentialId::from_text(id), |page| {
                page.before =
                    (requests.saturating_sub(handed.0), failures.saturating_sub(handed.1));
            });
        }
    }

    /// Lists all accounts, oldest first.
    pub fn list(&self) -> Vec<AccountStatus> {
        let pool = self.shared.parts.pool.list().into_iter();
        let mut states: HashMap<_, _> = pool.map(|status| (status.id.clone(), status)).collect();
        let ids = self.shared.book.ids();
        let book = self.shared.book.lock();
        let join = |id: CredentialId| Some(join(states.remove(&id)?, book.pages.get(&id)?));
        ids.into_iter().filter_map(join).collect()
    }

    /// Returns an account's secret as it is now.
    pub(crate) fn credential(&self, id: &CredentialId) -> Option<Credential> {
        self.shared.parts.pool.credential(id)
    }

    /// Returns one account.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] with code `cookie_not_found`.
    pub fn get(&self, id: &CredentialId) -> Result<AccountStatus> {
        let status = self.shared.parts.pool.status(id);
        let page = self.shared.book.get(id);
        status.zip(page).map(|(status, page)| join(status, &page)).ok_or_else(not_found)
    }

    /// Returns the name for people of an account; none where there is no such account.
    pub fn label(&self, id: &str) -> Option<String> {
        self.shared.book.label(&CredentialId::from_text(id))
    }

    /// Finds an account's id.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] with code `cookie_not_found`, or `ambiguous_cookie` where two
    /// upstreams have the same secret.
    pub fn find(&self, target: &Target) -> Result<CredentialId> {
        match target {
            Target::Id(id) => self.get(id).map(|account| account.id),
            Target::Secret(secret) => {
                let plan = self.plan();
                let mut found = plan.sites.keys().filter_map(|upstream| {
                    let credential = self.read(upstream, secret.expose()).ok()?;
                    self.shared.book.find(&self.fingerprint(&credential))
                });
                match (found.next(), found.next()) {
                    (Some(id), None) => Ok(id),
                    (None, _) => Err(not_found()),
                    (Some(_), Some(_)) => Err(ambiguous()),
                }
            }
        }
    }

    /// Says whether the settings bring an account at every start, so that it comes back when it is
    /// removed.
    pub fn is_seed(&self, id: &CredentialId) -> bool {
        let seeds = self.shared.seeds.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.book.get(id).is_some_and(|page| seeds.contains(&page.fingerprint))
    }

    /// Returns all accounts with their secrets, for a backup.
    pub fn export(&self) -> Vec<Exported> {
        let one = |id: CredentialId| {
            let credential = self.shared.parts.pool.credential(&id)?;
            let Profile { label, weight, enabled, .. } = self.shared.book.get(&id)?.profile;
            Some(Exported { credential, label, weight, enabled })
        };
        self.ids().into_iter().filter_map(one).collect()
    }

    /// Lists the accounts of the upstreams that are in use, oldest first.
    pub(super) fn ids(&self) -> Vec<CredentialId> {
        let in_use = |id: &CredentialId| self.shared.parts.pool.is_in_use(id);
        self.shared.book.ids().into_iter().filter(in_use).collect()
    }

    /// Says whether the store can be reached; where it cannot, calls go on with what is known.
    pub fn store_is_reachable(&self) -> bool {
        let places = self.shared.parts.vault.places();
        let joined = places.is_none_or(|places| places.standing() == Standing::Joined);
        joined && self.shared.store_works.load(Ordering::Relaxed)
    }

    /// Says whether the servers that share the store know of this one; none where it is shared with
    /// nobody.
    pub fn is_joined(&self) -> Option<bool> {
        let places = self.shared.parts.vault.places()?;
        Some(places.standing() == Standing::Joined)
    }

    /// Takes records into the pool and the book; a record that is known already is changed.
    pub(super) fn admit(&self, records: Vec<Record>) {
        let _turn = self.admitting();
        self.admit_now(records);
    }

    pub(super) fn admitting(&self) -> MutexGuard<'_, ()> {
        // Nothing panics while it holds the lock.
        self.shared.admitting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does it for somebody who has the turn.
    pub(super) fn admit_now(&self, records: Vec<Record>) {
        let (plan, Shared { parts, book, .. }) = (self.plan(), &*self.shared);
        let members: Vec<_> = records
            .into_iter()
            .filter(|record| plan.sites.contains_key(record.credential.upstream()))
            .map(|record| {
                let member = self.member(&record, &plan);
                let fingerprint = self.fingerprint(&record.credential);
                book.put(record.credential.id().clone(), Page::new(record.profile, fingerprint));
                member
            })
            .collect();
        parts.pool.add(members);
        self.settle_anonymous(&plan);
    }

    /// Makes the pool's entry for a record.
    fn member(&self, record: &Record, plan: &Plan) -> Member {
        let metrics = &self.shared.parts.metrics;
        let mut health = Health::default();
        health.restore(&record.health, Instant::now(), unix_millis(), plan.longest_rest);
        health.set_disabled(!record.profile.enabled);
        let member = Member::new(record.credential.clone())
            .with_weight(record.profile.weight)
            .with_health(health)
            .with_tally(metrics.credential(record.credential.id().as_str()));
        match plan.sites.get(record.credential.upstream()) {
            Some(site) => member
                .with_max_concurrency(site.terms.max_concurrency)
                .with_requests_per_minute(site.terms.per_minute),
            None => member,
        }
    }

    /// Gives each upstream without an account the anonymous credential, and takes it from those
    /// that have one.
    fn settle_anonymous(&self, plan: &Plan) {
        let Parts { pool, metrics, .. } = &self.shared.parts;
        let anonymous = &self.shared.anonymous;
        let mut anonymous = anonymous.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, site) in &plan.sites {
            match (pool.count_of(name), anonymous.get(name)) {
                (0, _) => {
                    // Under one name on every server and in every process, as it is one account.
                    let id = CredentialId::from_text(format!("anonymous_{name}"));
                    let tally = metrics.credential(id.as_str());
                    anonymous.insert(name.clone(), id.clone());
                    let credential = Credential::with_id(id, name.clone(), Material::Anonymous);
                    pool.add([Member::new(credential)
                        .with_tally(tally)
                        .with_max_concurrency(site.terms.max_concurrency)
                        .with_requests_per_minute(site.terms.per_minute)]);
                }
                (2.., Some(id)) => {
                    pool.remove(id);
                    anonymous.remove(name);
                }
                _ => {}
            }
        }
    }

    /// Reads a secret in the form that its upstream knows it by.
    pub(super) fn read(&self, upstream: &Arc<str>, secret: &str) -> Result<Credential> {
        Credential::parse(upstream.clone(), secret).map(|read| self.plan().normalised(read))
    }

    pub(super) fn fingerprint(&self, credential: &Credential) -> Fingerprint {
        self.shared.parts.vault.fingerprint(credential.upstream(), credential.material())
    }

    /// Notes whether the store has done what it was asked.
    pub(super) fn note_store<T>(&self, result: Result<T>) -> Result<T> {
        let works = !matches!(&result, Err(error) if error.kind() == ErrorKind::Store);
        self.shared.store_works.store(works, Ordering::Relaxed);
        if !works {
            self.shared.parts.metrics.store_failed();
        }
        result
    }
}

fn join(status: CredentialStatus, page: &Page) -> AccountStatus {
    let profile = &page.profile;
    let (now, today) = (Instant::now(), SystemTime::now());
    AccountStatus {
        id: status.id,
        label: profile.label.clone(),
        upstream: status.upstream,
        fingerprint: page.fingerprint.to_string(),
        account: profile.account_name.clone().or_else(|| profile.account_id.clone()),
        proven: profile.proven,
        until: status
            .until
            .filter(|_| status.state == AccountState::Cooling || status.reason.is_some())
            .map(|until| today + until.saturating_duration_since(now))
            // The two clocks were not read at the same moment: finer than that it would jitter.
            .map(|until| date(seconds_of(until))),
        state: status.state,
        reason: status.reason,
        in_flight: status.in_flight,
        max_concurrency: status.max_concurrency,
        weight: status.weight,
        requests: page.before.0 + status.requests,
        failures: page.before.1 + status.failures,
        last_error: status.last_error,
        last_used: Some(status.last_used_ms)
            .filter(|ms| *ms > 0)
            .map(|ms| UNIX_EPOCH + Duration::from_millis(ms)),
        last_checked: profile.checked_at.map(date),
        created: UNIX_EPOCH + Duration::from_millis(profile.created_ms),
    }
}

fn date(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn ambiguous() -> Error {
    let text = "two upstreams have this secret: name the account by its id";
    Error::new(ErrorKind::InvalidRequest, "find account", text).with_code("ambiguous_cookie")
}

pub(super) fn not_found() -> Error {
    let text = "no such account: GET /cookies lists those there are";
    Error::new(ErrorKind::InvalidRequest, "find account", text)
        .with_status(404)
        .with_code("cookie_not_found")
}
