//! The places at each credential that all servers share.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use super::super::{Ask, Places, Standing, TEND_EVERY, Taken};
use super::link::Link;
use super::scripts::Scripts;
use super::share::{self, Rank};
use crate::credential::CredentialId;
use crate::error::{Error, ErrorKind, Result};

/// How long a place is held that nobody renews.
const LEASE: Duration = Duration::from_secs(15);
/// A call waits no longer for the store; then this server goes on alone.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long all servers keep to their shares after the store is back, so that each has said what it
/// holds before anybody takes more.
const SETTLE: Duration = Duration::from_secs(4);
/// Where all places are taken nobody says when one comes free: looking again costs one script.
const LOOK_AGAIN: std::ops::Range<u64> = 25..75;
/// Places that are given back with one script.
const AT_ONCE: usize = 500;

type GivenBack = (CredentialId, u64);

/// Places, taken and given back by scripts that go by Redis's clock.
pub(super) struct RedisPlaces {
    link: Link,
    scripts: Arc<Scripts>,
    /// This server's name among those that share the places.
    server: String,
    /// Tokens given so far.
    tokens: AtomicU64,
    state: Mutex<State>,
    given_back: UnboundedSender<GivenBack>,
    queue: tokio::sync::Mutex<UnboundedReceiver<GivenBack>>,
}

struct State {
    /// The tokens that this server holds, by credential.
    held: HashMap<CredentialId, Vec<u64>>,
    rank: Rank,
    contact: Contact,
}

impl State {
    fn hold(&mut self, id: &CredentialId, token: u64) {
        self.held.entry(id.clone()).or_default().push(token);
    }

    fn let_go(&mut self, id: &CredentialId, token: u64) {
        let Some(tokens) = self.held.get_mut(id) else { return };
        tokens.retain(|held| *held != token);
        if tokens.is_empty() {
            self.held.remove(id);
        }
    }

    fn held_at(&self, id: &CredentialId) -> u32 {
        let held = self.held.get(id).map_or(0, Vec::len);
        u32::try_from(held).unwrap_or(u32::MAX)
    }

    fn all_held(&self) -> impl Iterator<Item = (&CredentialId, u64)> {
        self.held.iter().flat_map(|(id, tokens)| tokens.iter().map(move |token| (id, *token)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contact {
    Good,
    Lost,
    /// The store is back since then.
    Settling(Instant),
}

impl RedisPlaces {
    pub(super) fn new(link: Link, scripts: Arc<Scripts>) -> Self {
        let (given_back, queue) = unbounded_channel();
        let rank = Rank { number: 0, of: 1 };
        let state = State { held: HashMap::new(), rank, contact: Contact::Good };
        Self {
            link,
            scripts,
            server: Uuid::new_v4().simple().to_string(),
            tokens: AtomicU64::new(0),
            state: Mutex::new(state),
            given_back,
            queue: tokio::sync::Mutex::new(queue),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token's name in Redis: no other server makes the same, and none is made twice.
    fn holder(&self, token: u64) -> String {
        format!("{}:{token}", self.server)
    }

    fn next_token(&self) -> u64 {
        self.tokens.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks Redis. A caller that leaves before the answer may have been given a place, which then
    /// goes back.
    async fn take_shared(&self, ask: &Ask) -> Result<Taken> {
        let token = self.next_token();
        let pending = Pending { places: self, id: &ask.id, token };
        let answer = in_time(self.ask_for(ask, token)).await?;
        if answer == Taken::Place(token) {
            self.state().hold(&ask.id, token);
        }
        std::mem::forget(pending);
        Ok(answer)
    }

    async fn ask_for(&self, ask: &Ask, token: u64) -> Result<Taken> {
        let mut script = self.scripts.take.arg(ask.id.as_str());
        script.arg(self.holder(token)).arg(ask.limit).arg(ask.per_minute).arg(millis(LEASE));
        let answer: (bool, u64) = self.link.run_now(&script).await?;
        Ok(match answer {
            (true, _) => Taken::Place(token),
            (false, 0) => Taken::Full(look_again()),
            (false, wait) => Taken::Full(Duration::from_millis(wait)),
        })
    }

    /// Decides without the store: within this server's share.
    fn take_alone(&self, ask: &Ask) -> Taken {
        let mut state = self.state();
        let per_minute = share::per_minute(ask, state.rank);
        let held = state.held_at(&ask.id);
        if ask.places_in_all == 0 || held >= share::places(ask, state.rank) {
            return Taken::Full(look_again());
        }
        if per_minute > 0 && ask.begun_this_minute >= per_minute {
            return Taken::Full(Duration::from_secs(1));
        }
        let token = self.next_token();
        state.hold(&ask.id, token);
        Taken::Place(token)
    }

    /// Renews what is held, and says that this server lives.
    async fn beat(&self) {
        let mut script = self.scripts.beat.arg(&self.server);
        script.arg(millis(LEASE));
        for (id, token) in self.state().all_held() {
            script.arg(id.as_str()).arg(self.holder(token));
        }
        match in_time(self.link.run_now::<Vec<String>>(&script)).await {
            Ok(living) => self.met(&living),
            Err(error) => self.lost(&error),
        }
    }

    /// Redis has answered; these servers live.
    fn met(&self, living: &[String]) {
        let mut state = self.state();
        state.contact = match state.contact {
            Contact::Lost => Contact::Settling(Instant::now()),
            Contact::Settling(since) if since.elapsed() >= SETTLE => {
                tracing::info!(
                    servers = living.len(),
                    "the store is back: limits are shared again"
                );
                Contact::Good
            }
            contact => contact,
        };
        // While some have yet to come back, the list is not whole: the old one still deals.
        if state.contact == Contact::Good {
            state.rank = Rank::of(&self.server, living);
        }
    }

    fn lost(&self, error: &Error) {
        let mut state = self.state();
        if state.contact == Contact::Good {
            let servers = state.rank.of;
            tracing::warn!(%error, servers,
                "the store is away: going on with what is known, and a share of each limit");
        }
        state.contact = Contact::Lost;
    }

    async fn send_back(&self, places: &[GivenBack], leaves: bool) -> Result<()> {
        let mut script = self.scripts.give_back.arg(if leaves { &self.server } else { "" });
        for (id, token) in places {
            script.arg(id.as_str()).arg(self.holder(*token));
        }
        in_time(self.link.run_now(&script)).await
    }
}

#[async_trait]
impl Places for RedisPlaces {
    async fn take(&self, ask: &Ask) -> Taken {
        if self.standing() == Standing::Joined {
            match self.take_shared(ask).await {
                Ok(taken) => return taken,
                Err(error) => self.lost(&error),
            }
        }
        self.take_alone(ask)
    }

    fn give_back(&self, id: &CredentialId, token: u64) {
        self.state().let_go(id, token);
        // Nobody reads any more: the engine has stopped, and the lease runs out.
        let _ = self.given_back.send((id.clone(), token));
    }

    async fn tend(&self) {
        let mut queue = self.queue.lock().await;
        let mut tick = interval(TEND_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut places = Vec::new();
        loop {
            tokio::select! {
                _ = queue.recv_many(&mut places, AT_ONCE) => {
                    let sent = self.send_back(&places, false).await;
                    if let Err(error) = sent {
                        tracing::debug!(%error, "places run out, since they cannot be given back");
                    }
                    places.clear();
                }
                _ = tick.tick() => self.beat().await,
            }
        }
    }

    async fn leave(&self) {
        let mut queue = self.queue.lock().await;
        let mut places: Vec<_> = std::iter::from_fn(|| queue.try_recv().ok()).collect();
        places.extend(self.state().all_held().map(|(id, token)| (id.clone(), token)));
        if let Err(error) = self.send_back(&places, true).await {
            tracing::debug!(%error, "the store learns later that this server has gone");
        }
    }

    fn standing(&self) -> Standing {
        match self.state().contact {
            Contact::Good => Standing::Joined,
            Contact::Lost | Contact::Settling(_) => Standing::Alone,
        }
    }
}

/// A place that may have been given to nobody: it goes back when dropped.
struct Pending<'a> {
    places: &'a RedisPlaces,
    id: &'a CredentialId,
    token: u64,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.places.give_back(self.id, self.token);
    }
}

impl fmt::Debug for RedisPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("RedisPlaces")
            .field("server", &self.server)
            .field("held", &state.all_held().count())
            .field("rank", &state.rank)
            .field("contact", &state.contact)
            .finish_non_exhaustive()
    }
}

fn look_again() -> Duration {
    Duration::from_millis(fastrand::u64(LOOK_AGAIN))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let late = || Error::new(ErrorKind::Store, "store", "Redis does not answer in time");
    timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(late()))
}
