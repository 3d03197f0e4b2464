//! What all clones of a pool, and its leases, share.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::affinity::Affinity;
use super::entry::Entry;
use super::group::{Choice, Drawn, Group, is};
use super::lease::{Grant, Lease};
use super::member::Member;
use super::outlook::may_try;
use super::picture::{Picture, decided_by};
use super::queue::Queue;
use super::rules::PoolRules;
use super::{CredentialStatus, Event, Route};
use crate::chat::Call;
use crate::chat::trail::{ChosenBy, Selection};
use crate::clock::unix_millis;
use crate::credential::{CredentialId, HealthState, SavedHealth, Signal, reason};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::store::{Ask, Places, Standing, Taken};

/// A credential and the group it belongs to.
type Found = (Arc<Group>, Arc<Entry>);

/// Expected hold of a place before anything was measured, in microseconds.
const FIRST_HOLD: u64 = 2_000_000;

/// The figures that all go by, replaced as a whole.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) rules: PoolRules,
    pub(super) queue_timeout: Duration,
}

#[derive(Debug)]
pub(super) struct Shared {
    terms: RwLock<Arc<Terms>>,
    pub(super) queue: Queue,
    pub(super) affinity: Affinity,
    pub(super) places: OnceLock<Arc<dyn Places>>,
    pub(super) events: OnceLock<mpsc::UnboundedSender<Event>>,
    pub(super) metrics: OnceLock<Metrics>,
    groups: RwLock<HashMap<Arc<str>, Arc<Group>>>,
    index: RwLock<HashMap<CredentialId, Found>>,
    /// One at a time adds or removes, so that index and groups agree.
    changing: Mutex<()>,
    /// The start of the pool's own clock.
    base: Instant,
    /// How long a place is held of late, in microseconds.
    hold: AtomicU64,
}

impl Shared {
    pub(super) fn new(rules: PoolRules, queue_timeout: Duration) -> Self {
        Self {
            terms: RwLock::new(Arc::new(Terms { rules, queue_timeout })),
            queue: Queue::default(),
            affinity: Affinity::default(),
            places: OnceLock::new(),
            events: OnceLock::new(),
            metrics: OnceLock::new(),
            groups: RwLock::default(),
            index: RwLock::default(),
            changing: Mutex::default(),
            base: Instant::now(),
            hold: AtomicU64::new(FIRST_HOLD),
        }
    }

    /// Returns the figures that hold now.
    pub(super) fn terms(&self) -> Arc<Terms> {
        self.terms.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_terms(&self, terms: Terms) {
        *self.terms.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(terms);
    }

    /// Returns the group of an upstream, and makes it if need be.
    pub(super) fn group(&self, upstream: &str) -> Arc<Group> {
        if let Some(group) = self.read_groups().get(upstream) {
            return group.clone();
        }
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        let name: Arc<str> = upstream.into();
        let tally = || self.metrics.get().map(|metrics| metrics.upstream(&name));
        let made = || Arc::new(Group::new(name.clone(), tally().unwrap_or_default()));
        groups.entry(name.clone()).or_insert_with(made).clone()
    }

    /// Returns the open groups of routes, in order.
    pub(super) fn groups(&self, routes: &[Route]) -> impl Iterator<Item = Arc<Group>> {
        let groups = self.read_groups();
        let of =
            |route: &Route| groups.get(&route.upstream).filter(|group| group.is_open()).cloned();
        routes.iter().filter_map(of).collect::<Vec<_>>().into_iter()
    }

    /// Returns all groups, those out of use as well.
    pub(super) fn all_groups(&self) -> Vec<Arc<Group>> {
        self.read_groups().values().cloned().collect()
    }

    fn open_group(&self, upstream: &str) -> Option<Arc<Group>> {
        self.read_groups().get(upstream).filter(|group| group.is_open()).cloned()
    }

    fn read_groups(&self) -> RwLockReadGuard<'_, HashMap<Arc<str>, Arc<Group>>> {
        self.groups.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, members: impl IntoIterator<Item = Member>) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut by_upstream: HashMap<Arc<str>, Vec<Member>> = HashMap::new();
        for member in members {
            by_upstream.entry(member.credential.upstream().clone()).or_default().push(member);
        }
        for (upstream, members) in by_upstream {
            let group = self.group(&upstream);
            let entries: Vec<_> =
                members.into_iter().map(|member| self.entry(&group, member, now)).collect();
            let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
            let replaced: Vec<_> = entries
                .iter()
                .filter_map(|entry| {
                    let id = entry.credential.id().clone();
                    Some(index.insert(id, (group.clone(), entry.clone()))?.1)
                })
                .collect();
            drop(index);
            entries
                .iter()
                .filter(|entry| entry.ledger.is_behind())
                .for_each(|entry| self.changed(entry));
            group.change(|list| {
                if !replaced.is_empty() {
                    list.retain(|old| !replaced.iter().any(|gone| Arc::ptr_eq(gone, old)));
                }
                list.extend(entries);
            });
            self.queue.tell_all(&upstream);
        }
    }

    fn entry(&self, group: &Arc<Group>, member: Member, now: Instant) -> Arc<Entry> {
        let old = self.find(member.credential.id()).map(|(_, old)| old);
        Arc::new(Entry::new(member, old.as_deref(), self.base, now, group.turn()))
    }

    pub(super) fn remove(&self, id: &CredentialId) -> bool {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let Some((group, gone)) = index.remove(id) else { return false };
        drop(index);
        group.change(|list| list.retain(|entry| !Arc::ptr_eq(entry, &gone)));
        // Those who wait for it alone must learn that it is gone.
        self.queue.tell_all(&group.name);
        true
    }

    pub(super) fn find(&self, id: &CredentialId) -> Option<Found> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Finds a credential that calls may use, as far as its upstream goes.
    pub(super) fn find_open(&self, id: &CredentialId) -> Option<Found> {
        self.find(id).filter(|(group, _)| group.is_open())
    }

    pub(super) fn list(&self) -> Vec<CredentialStatus> {
        let now = Instant::now();
        let groups = self.all_groups().into_iter().filter(|group| group.is_open());
        let of = |group: &Arc<Group>| {
            let members = group.members();
            members.entries.iter().map(|entry| status(group, entry, now)).collect::<Vec<_>>()
        };
        groups.flat_map(|group| of(&group)).collect()
    }

    /// Takes a place for a call, without waiting.
    pub(super) fn take(
        self: &Arc<Self>,
        routes: &[Route],
        call: &Call,
        now: Instant,
    ) -> Option<Lease> {
        let rules = &self.terms().rules;
        let (attempts, plan) = (call.attempts(), call.plan());
        let favourite = call.favourite().and_then(|id| self.find(&CredentialId::from_text(id)));
        let favourite = favourite.map(|(_, entry)| entry);
        let mut picture = Picture::begin(call, now);
        let drawn = picture.as_ref().map(|_| RefCell::default());
        for route in routes {
            let Some(group) = self.open_group(&route.upstream) else { continue };
            let may_try = may_try(&group, &attempts, plan);
            if let Some(picture) = &mut picture {
                picture.look(&group, may_try, &attempts, rules);
            }
            if !may_try {
                continue;
            }
            let choice = group.choose(&attempts, favourite.as_ref(), rules, now, drawn.as_ref());
            if let Choice::Take { entry, place, probe, favoured } = choice {
                let by = if favoured { ChosenBy::Favourite } else { decided_by(rules.strategy) };
                let drawn = drawn.map(RefCell::into_inner).unwrap_or_default();
                let selection = picture.map(|picture| picture.take(&entry, by, &drawn));
                let grant = Grant { entry, place, probe, group, selection };
                return Some(Lease::new(grant, route, self.clone(), call));
            }
        }
        let last = attempts.last().filter(|_| plan.same_from.is_some_and(|from| from <= now))?;
        let route = routes.iter().find(|route| route.upstream == last.upstream)?;
        let (group, entry) = self.find_open(&CredentialId::from_text(last.credential.clone()))?;
        if group.outage(now).is_some() || !is(&entry, last) {
            return None;
        }
        let drawn: Drawn =
            entry.candidate(now, rules).map(|one| (entry.clone(), one)).into_iter().collect();
        let place = entry.enter(now, rules)?;
        let again = |picture: Picture<'_>| picture.take(&entry, ChosenBy::SameAgain, &drawn);
        let selection = picture.map(again);
        let grant = Grant { entry, place, probe: false, group, selection };
        Some(Lease::new(grant, route, self.clone(), call))
    }

    /// Draws what a call sees that is refused.
    pub(super) fn refused(
        &self,
        routes: &[Route],
        call: &Call,
        why: &Error,
    ) -> Option<Box<Selection>> {
        let mut picture = Picture::begin(call, Instant::now())?;
        let (attempts, plan, terms) = (call.attempts(), call.plan(), self.terms());
        for group in self.groups(routes) {
            picture.look(&group, may_try(&group, &attempts, plan), &attempts, &terms.rules);
        }
        Some(picture.refuse(why.message()))
    }

    /// Asks the other servers for the place as well; none where they have them all.
    pub(super) async fn confirm(&self, mut lease: Lease) -> Option<Lease> {
        let Some(places) = self.places.get() else {
            lease.begin(None);
            return Some(lease);
        };
        let entry = &lease.entry;
        let mut ask = Ask::new(entry.credential.id().clone(), entry.max());
        ask.per_minute = entry.per_minute();
        if places.standing() == Standing::Alone {
            (ask.places_before, ask.places_in_all) = lease.group().numbered(entry);
            ask.begun_this_minute = entry.begun_this_minute().saturating_sub(1);
        }
        match places.take(&ask).await {
            Taken::Place(token) => {
                entry.is_not_full();
                lease.begin(Some(token));
                Some(lease)
            }
            Taken::Full(wait) => {
                entry.is_full_for(wait, Instant::now());
                lease.refuse();
                None
            }
        }
    }

    /// Tells a credential what was learnt about it; says whether it rests for it.
    pub(super) fn learn(
        &self,
        group: &Group,
        entry: &Arc<Entry>,
        signal: &Signal,
        now: Instant,
    ) -> bool {
        let learnt = entry.learn(signal, now, &self.terms().rules);
        if learnt.changed {
            entry.catch_up(group.turn());
            self.changed(entry);
            self.queue.tell_all(&group.name);
        }
        learnt.rests
    }

    pub(super) fn adopt(&self, group: &Group, entry: &Entry, saved: &SavedHealth) {
        if entry.adopt(saved, Instant::now(), self.terms().rules.retry_after_max) {
            self.changed(entry);
        }
        self.queue.tell_all(&group.name);
    }

    /// Notes that a credential's health has to be kept; once until that has been done.
    pub(super) fn changed(&self, entry: &Entry) {
        if entry.ledger.announce() {
            self.send(Event::Changed(entry.credential.id().clone()));
        }
    }

    /// Returns what would be kept of a credential whose rest the operator ends.
    pub(super) fn cleared(&self, entry: &Entry) -> SavedHealth {
        let (mut health, now) = (entry.health(), Instant::now());
        health.learn(&Signal::Cleared, now, &self.terms().rules.health());
        health.save(now, unix_millis())
    }

    /// Returns those whose health has changed and was not kept since.
    pub(super) fn unsaved(&self) -> Vec<CredentialId> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let dirty = index.iter().filter(|(_, (_, entry))| entry.ledger.is_behind());
        dirty.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn send(&self, event: Event) {
        if let Some(events) = self.events.get() {
            // Nobody listens any more: the engine has stopped.
            let _ = events.send(event);
        }
    }

    /// Notes how long a place was held.
    pub(super) fn note_hold(&self, held: Duration) {
        let new = u64::try_from(held.as_micros()).unwrap_or(u64::MAX);
        let old = self.hold.load(Ordering::Relaxed);
        self.hold.store(old - old / 8 + new / 8, Ordering::Relaxed);
    }

    /// Returns when a place may be expected, where there are so many and all are taken.
    pub(super) fn expected_wait(&self, places: u32) -> Duration {
        let ahead = self.queue.len() as u64 + 1;
        let hold = self.hold.load(Ordering::Relaxed);
        Duration::from_micros(hold.saturating_mul(ahead) / u64::from(places.max(1)))
    }
}

/// Says how a credential stands, or its upstream where that is out.
pub(super) fn status(group: &Group, entry: &Entry, now: Instant) -> CredentialStatus {
    let (state, mut why, mut until) = entry.standing(now);
    if let Some((kind, outage)) = group.outage(now)
        && state == HealthState::Active
    {
        why = Some(format!("upstream: {}", reason(kind)));
        until = Some(outage);
    }
    let counts = entry.tally.snapshot();
    CredentialStatus {
        id: entry.credential.id().clone(),
        upstream: group.name.clone(),
        state,
        reason: why,
        until,
        in_flight: entry.in_flight(),
        max_concurrency: entry.max(),
        weight: entry.weight(),
        requests: counts.requests,
        failures: counts.failed + counts.refused,
        last_error: entry.last_error().map(String::from),
        last_used_ms: entry.last_used_ms(),
    }
}
