//! What goes on in the background: keeping what has changed, checking from time to time, and keeping
//! idle sessions alive.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use futures::future::OptionFuture;
use futures::stream::FuturesUnordered;
use futures::{StreamExt, future};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::handle::Accounts;
use crate::backlog;
use crate::clock::{after, unix_seconds};
use crate::credential::{CredentialId, Signal};
use crate::error::Result;
use crate::pool::Event;
use crate::store::Standing;

/// Checks that are begun at the same time.
pub(super) const AT_ONCE: usize = 8;
/// How often what has changed is tried to be kept, and news are asked for.
pub(super) const TICK: Duration = Duration::from_secs(1);
/// How often counters are handed to the store.
const COUNTERS: Duration = Duration::from_secs(5);
/// How often is looked for sessions that would run out.
const IDLE_LOOK: Duration = Duration::from_secs(3600);
/// A chat-ui session lives 14 days after its last POST; this leaves a week to try.
const IDLE: u64 = 7 * 24 * 3600;
const DAY: u64 = 24 * 3600;

impl Accounts {
    /// Does the background work until told to stop, then keeps what is left.
    pub(crate) async fn work(&self, mut stopped: watch::Receiver<()>) {
        let jobs = self.shared.job_list.lock().unwrap_or_else(PoisonError::into_inner).take();
        let changes = jobs.map(|jobs| backlog::work_off(jobs, stopped.clone(), |job| job));
        let changes = OptionFuture::from(changes);
        let counters = self.hand_counters_over(stopped.clone());
        let until_stopped = async {
            tokio::select! {
                () = self.follow_events() => {}
                () = self.take_news() => {}
                () = self.check_from_time_to_time() => {}
                () = self.extend_idle() => {}
                () = self.tend_places() => {}
                _ = stopped.changed() => {}
            }
        };
        future::join3(until_stopped, changes, counters).await;
        if let Err(error) = self.save_health(self.shared.parts.pool.unsaved()).await {
            tracing::warn!(%error, "the state of some accounts could not be kept");
        }
        if let Some(places) = self.shared.parts.vault.places() {
            places.leave().await;
        }
    }

    /// Keeps the health that has changed, and checks the suspect.
    async fn follow_events(&self) {
        let mut events = self.shared.events.lock().await;
        let mut changed = BTreeSet::new();
        let mut checks = FuturesUnordered::new();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(Event::Changed(id)) => drop(changed.insert(id.as_str().to_owned())),
                    Some(Event::Suspect(id)) => checks.push(self.check_suspect(id)),
                    None => return,
                },
                Some(()) = checks.next(), if !checks.is_empty() => continue,
                _ = tick.tick() => if self.store_is_away() {
                    let unsaved = self.shared.parts.pool.unsaved();
                    changed.extend(unsaved.iter().map(|id| id.as_str().to_owned()));
                },
            }
            let ids: Vec<_> = changed.iter().map(|id| CredentialId::from_text(&**id)).collect();
            if events.is_empty() && self.save_health(ids).await.is_ok() {
                changed.clear();
            }
        }
    }

    /// Tells the counters whether the store is away, and says so.
    fn store_is_away(&self) -> bool {
        let away = !self.store_is_reachable();
        self.shared.parts.metrics.store_is_away(away);
        away
    }

    /// Checks an account that was refused, unless that was done a moment ago.
    async fn check_suspect(&self, id: CredentialId) {
        let page = self.shared.book.get(&id);
        if page.is_none() {
            return self.check_anonymous(&id).await;
        }
        let just = |at: Instant| at.elapsed() < Duration::from_secs(2);
        if page.is_some_and(|page| !page.checked.is_some_and(|(at, _)| just(at))) {
            // It may have been removed meanwhile.
            let _ = self.check(&id).await;
        }
    }

    /// The anonymous credential is no account; a server that still serves anybody gives it another
    /// session.
    async fn check_anonymous(&self, id: &CredentialId) {
        let Some(credential) = self.shared.parts.pool.credential(id) else { return };
        let Ok(site) = self.site(credential.upstream()) else { return };
        if self.ask(&site, &credential).await.is_ok() {
            self.shared.parts.pool.learn(id, &Signal::CheckPassed);
        }
    }

    pub(super) async fn save_health(&self, ids: Vec<CredentialId>) -> Result<()> {
        let pool = &self.shared.parts.pool;
        let (mut health, mut marks) = (Vec::new(), Vec::new());
        for id in ids.into_iter().filter(|id| self.shared.book.get(id).is_some()) {
            let Some((saved, mark)) = pool.health_to_keep(&id) else { continue };
            marks.push((id.clone(), mark));
            health.push((id, saved));
        }
        if !health.is_empty() {
            self.note_store(self.shared.parts.vault.set_health(&health).await)?;
            marks.iter().for_each(|(id, mark)| pool.was_kept(id, *mark));
        }
        Ok(())
    }

    /// Hands the counters over from time to time, and when told to stop. A write that was begun is
    /// waited for: else nobody would know whether it was made.
    async fn hand_counters_over(&self, mut stopped: watch::Receiver<()>) {
        loop {
            let stops = tokio::select! {
                () = sleep(COUNTERS) => false,
                _ = stopped.changed() => true,
            };
            // What did not arrive is handed over again.
            let saved = self.save_counters().await;
            if stops {
                return saved.unwrap_or_else(|error| {
                    tracing::warn!(%error, "the last counters could not be kept");
                });
            }
        }
    }

    async fn save_counters(&self) -> Result<()> {
        match self.shared.parts.ledger.hand_over(unix_seconds()).await {
            // The store was not asked: that says nothing about it.
            Ok(false) => Ok(()),
            asked => self.note_store(asked.map(drop)),
        }
    }

    async fn check_from_time_to_time(&self) {
        let mut plan = self.shared.plan.subscribe();
        let mut every = plan.borrow_and_update().check_interval;
        let mut next = next_round(every);
        loop {
            self.check_these(self.take_unchecked()).await;
            tokio::select! {
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                    let checked = self.check_these(self.due(every.unwrap_or_default())).await;
                    tracing::debug!(accounts = checked.len(), "checked the accounts");
                    next = next_round(every);
                }
                _ = plan.changed() => {
                    let now = plan.borrow_and_update().check_interval;
                    // Reloads that leave the interval alone must not put the next round off.
                    if now != every {
                        (every, next) = (now, next_round(now));
                    }
                }
            }
        }
    }

    /// Returns what the settings have brought and nobody has checked.
    fn take_unchecked(&self) -> Vec<CredentialId> {
        let mut list = self.shared.unchecked.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *list)
    }

    /// Those that no server has checked for half of the interval; by the monotonic clock, since
    /// dates may jump.
    fn due(&self, every: Duration) -> Vec<CredentialId> {
        let recent = |asked: Instant| asked.elapsed() < every / 2;
        let due = |id: &CredentialId| {
            self.shared.book.get(id).is_some_and(|page| !page.asked.is_some_and(recent))
        };
        self.ids().into_iter().filter(due).collect()
    }

    async fn extend_idle(&self) {
        loop {
            for id in self.ids() {
                self.extend_if_idle(&id).await;
            }
            sleep(IDLE_LOOK.mul_f64(0.9 + 0.2 * fastrand::f64())).await;
        }
    }

    /// Makes a session that nobody has used for a week last longer, where the upstream needs that.
    async fn extend_if_idle(&self, id: &CredentialId) {
        let Self { shared } = self;
        let Some(page) = shared.book.get(id) else { return };
        let Some(status) = shared.parts.pool.status(id) else { return };
        let used = status.last_used_ms / 1000;
        let known = page.profile.extended_at.unwrap_or(page.profile.created_ms / 1000);
        let now = unix_seconds();
        if used > known + DAY {
            // Used, which is a POST as well.
            let _ = self.change_profile(id, move |profile| profile.extended_at = Some(used)).await;
        }
        if now < used.max(known) + IDLE || !page.profile.enabled {
            return;
        }
        let Some(credential) = shared.parts.pool.credential(id) else { return };
        let Ok(site) = self.site(credential.upstream()) else { return };
        match site.upstream.extend(&credential).await {
            Ok(()) => {
                let _ =
                    self.change_profile(id, move |profile| profile.extended_at = Some(now)).await;
            }
            Err(error) => {
                tracing::warn!(%error, credential = %id, "an idle session could not be extended");
                let _ = self.check(id).await;
            }
        }
    }

    async fn tend_places(&self) {
        match self.shared.parts.vault.places() {
            Some(places) => places.tend().await,
            None => future::pending().await,
        }
    }

    /// Says whether this server shares what it knows with its fleet; none where it is alone.
    pub fn standing(&self) -> Option<Standing> {
        self.shared.parts.vault.places().map(|places| places.standing())
    }
}

/// Returns when all accounts are checked next: servers and restarts must not fall into step.
fn next_round(every: Option<Duration>) -> Option<Instant> {
    every.map(|every| after(every.mul_f64(0.9 + 0.2 * fastrand::f64())))
}
