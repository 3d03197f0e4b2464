//! What all clones of the quotas, and their tickets, share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::allowance::Allowance;
use super::fleet::Fleet;
use super::keep::Keep;
use super::meter::{Meter, Now};
use super::minute::MINUTE;
use super::place::Place;
use super::standing::{Exceeded, QuotaRefusal, QuotaStanding};
use crate::clock::unix_seconds;
use crate::credential::CredentialId;
use crate::store::{Ask, Places, Spend, Spent, Store, Taken};

/// Nobody knows when a request ends: asking again costs little.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Tells the date, in seconds since 1970.
pub(super) type Date = Box<dyn Fn() -> u64 + Send + Sync>;

pub(super) struct Shared {
    meter: Mutex<Meter>,
    pub(super) home: Home,
    date: Date,
}

/// Who has the last word on what was used.
pub(super) enum Home {
    /// This process, which keeps it in its store.
    Here(Keep),
    /// All servers together.
    Fleet(Fleet),
}

impl Shared {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        let home = match store.usage() {
            Some(usage) => Home::Fleet(Fleet::new(usage, store.places())),
            None => Home::Here(Keep::new(store)),
        };
        Self { meter: Mutex::default(), home, date: Box::new(unix_seconds) }
    }

    #[cfg(test)]
    pub(super) fn with_date(self, date: Date) -> Self {
        Self { date, ..self }
    }

    pub(super) fn meter(&self) -> MutexGuard<'_, Meter> {
        // Nothing panics while it holds the lock.
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Now {
        Now { at: Instant::now(), unix: (self.date)() }
    }

    /// Waits until what was used before this process is known, or cannot be.
    pub(super) async fn ready(&self) {
        if let Home::Here(keep) = &self.home {
            keep.ready(self).await;
        }
    }

    /// Takes a place among the requests that run.
    pub(super) async fn enter(
        self: &Arc<Self>,
        subject: &Arc<str>,
        allowance: &Allowance,
    ) -> Result<Place, QuotaRefusal> {
        let Some(limit) = allowance.concurrency else { return Ok(Place::Unlimited) };
        let place = match self.places() {
            Some(places) => enter_fleet(places, subject, limit).await,
            None => self.enter_here(subject, limit),
        };
        place.ok_or_else(|| {
            let standing = QuotaStanding::of(allowance, &self.meter().look(subject, self.now()));
            QuotaRefusal { which: Exceeded::Concurrency, retry_after: LOOK_AGAIN, standing }
        })
    }

    fn places(&self) -> Option<&Arc<dyn Places>> {
        match &self.home {
            Home::Here(_) => None,
            Home::Fleet(fleet) => fleet.places(),
        }
    }

    fn enter_here(self: &Arc<Self>, subject: &Arc<str>, limit: u32) -> Option<Place> {
        let has_place = self.meter().enter(subject, limit);
        has_place.then(|| Place::Here { shared: self.clone(), subject: subject.clone() })
    }

    /// Asks for one request and its tokens, all servers if they can be asked until the deadline.
    pub(super) async fn spend(
        &self,
        subject: &Arc<str>,
        allowance: &Allowance,
        tokens: u64,
        deadline: Instant,
    ) -> Spent {
        let Home::Fleet(fleet) = &self.home else {
            return self.meter().spend(subject, allowance, tokens, self.now());
        };
        let Allowance { requests_per_minute, tokens_per_day, .. } = *allowance;
        let ask = Spend { subject: subject.clone(), requests_per_minute, tokens_per_day, tokens };
        if let Some(spent) = fleet.spend(ask, deadline).await {
            self.meter().learn(subject, &spent, self.now());
            return spent;
        }
        let spent = self.meter().spend(subject, allowance, tokens, self.now());
        if spent.short.is_none() {
            fleet.owe(subject, spent.day, 0, tokens);
        }
        spent
    }

    /// Puts what a request took in the place of its estimate.
    pub(super) fn settle(&self, subject: &Arc<str>, day: u64, estimate: u64, took: u64) {
        self.meter().settle(subject, day, estimate, took);
        if let Home::Fleet(fleet) = &self.home {
            fleet.owe(subject, day, estimate, took);
        }
    }

    /// Forgets idle subjects from time to time; has no end.
    pub(super) async fn forget_idle(&self) {
        loop {
            sleep(MINUTE / 2).await;
            self.meter().forget_idle(self.now());
        }
    }
}

async fn enter_fleet(places: &Arc<dyn Places>, subject: &str, limit: u32) -> Option<Place> {
    let id = CredentialId::from_text(format!("quota:{subject}"));
    let mut ask = Ask::new(id.clone(), limit);
    ask.places_in_all = limit.into();
    match places.take(&ask).await {
        Taken::Place(token) => Some(Place::Fleet { places: places.clone(), id, token }),
        Taken::Full(_) => None,
    }
}
