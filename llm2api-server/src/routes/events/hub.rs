//! The looks that all tabs share.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use llm2api_core::CredentialId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::accounts::{Accounts, Delta};
use super::picture::{MOST_REQUESTS, Picture, accounts_event, print, requests_event, stats_event};
use crate::state::State;

/// Between two looks.
const TICK: Duration = Duration::from_secs(1);
/// Streams at the same time.
pub(crate) const MOST: usize = 64;

/// Looks at the server once a second for all tabs, as long as there are any. Clones share it.
///
/// Nothing runs in the background: the tabs themselves drive a look, whichever of them is awake, and
/// one that does not read keeps no other from it.
#[derive(Clone)]
pub(crate) struct Hub {
    inner: Arc<Mutex<Inner>>,
    places: Arc<Semaphore>,
}

#[derive(Default)]
struct Inner {
    look: u64,
    current: Option<Look>,
    accounts: Accounts,
    /// Requests that had ended by the last look.
    ended: Option<u64>,
}

#[derive(Clone)]
struct Look {
    at: Instant,
    picture: Shared<BoxFuture<'static, Arc<Picture>>>,
}

/// A tab's place. With the last one goes what was found out for them.
pub(super) struct Place {
    hub: Hub,
    permit: Option<OwnedSemaphorePermit>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { inner: Arc::default(), places: Arc::new(Semaphore::new(MOST)) }
    }
}

impl Hub {
    /// Takes a place; none where all are taken.
    pub(super) fn enter(&self) -> Option<Place> {
        let permit = self.places.clone().try_acquire_owned().ok()?;
        Some(Place { hub: self.clone(), permit: Some(permit) })
    }

    fn look(&self, state: &Arc<State>) -> Look {
        let mut inner = self.lock();
        let now = Instant::now();
        let holds = |look: &&Look| look.picture.peek().is_none() || now < look.at + TICK;
        if let Some(look) = inner.current.as_ref().filter(holds) {
            return look.clone();
        }
        inner.look += 1;
        let picture = paint(self.clone(), state.clone(), inner.look).boxed().shared();
        let look = Look { at: now, picture };
        inner.current = Some(look.clone());
        look
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at everything, and writes what is new.
async fn paint(hub: Hub, state: Arc<State>, look: u64) -> Arc<Picture> {
    let all = state.client.accounts().list();
    let prints: Vec<_> = all.iter().map(|account| (account.id.as_str(), print(account))).collect();
    let (delta, (count, entries), before) = {
        let mut inner = hub.lock();
        inner.accounts.look(look, &prints);
        // Of those that had ended before the first look no tab is told.
        let new = state.journal.since(inner.ended.unwrap_or(u64::MAX), MOST_REQUESTS);
        let before = inner.ended.replace(new.0).unwrap_or(new.0);
        (inner.accounts.since(look - 1), new, before)
    };
    let accounts = accounts_event(&delta, &all);
    let requests = requests_event(&state, &entries, count - before);
    let figures = stats_event(&state).await;
    Arc::new(Picture { look, stats: figures, accounts, requests, ended: (before, count) })
}

impl Place {
    /// Waits for a look that is later than one.
    pub(super) async fn picture_after(&self, state: &Arc<State>, look: u64) -> Arc<Picture> {
        loop {
            let Look { at, picture } = self.hub.look(state);
            let picture = picture.await;
            if picture.look > look {
                return picture;
            }
            sleep_until(at + TICK).await;
        }
    }

    /// Writes what came after a look for a tab that has slept through some; says up to which look
    /// that tells all.
    pub(super) fn accounts_since(&self, state: &State, look: u64) -> (Option<Bytes>, u64) {
        let delta: Delta = self.hub.lock().accounts.since(look);
        let accounts = state.client.accounts();
        let get = |id: &String| accounts.get(&CredentialId::from_text(id.as_str())).ok();
        let all: Vec<_> = delta.changed.iter().filter_map(get).collect();
        (accounts_event(&delta, &all), delta.upto)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Under the lock: whoever comes now begins anew, or finds what is there.
        let mut inner = self.hub.lock();
        drop(self.permit.take());
        if self.hub.places.available_permits() == MOST {
            let look = inner.look;
            *inner = Inner { look, ..Inner::default() };
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tabs = MOST - self.places.available_permits();
        f.debug_struct("Hub").field("tabs", &tabs).finish_non_exhaustive()
    }
}
