//! The places at each credential that all servers share.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::{Client, ScriptInvocation};
use async_trait::async_trait;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use super::super::{Ask, Places, Standing, TEND_EVERY, Taken};
use super::failure;
use super::holdings::{Back, Contact, Doubt, Holdings, LEASE, look_again};
use super::link::Link;
use super::scripts::Scripts;
use super::share::Rank;
use crate::credential::CredentialId;
use crate::error::{Error, Result};

/// A call waits no longer for the store; then this server goes on alone.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long all servers keep to their shares after the store is back, so that each has said what it
/// holds before anybody takes more.
const SETTLE: Duration = Duration::from_secs(4);
/// Places that are given back with one script.
const AT_ONCE: usize = 500;

/// Places, taken and given back by scripts that go by Redis's clock.
pub(super) struct RedisPlaces {
    link: Link,
    scripts: Arc<Scripts>,
    /// This server's name among those that share the places.
    server: String,
    /// Tokens given so far.
    tokens: AtomicU64,
    holdings: Mutex<Holdings>,
    given_back: UnboundedSender<Back>,
    queue: tokio::sync::Mutex<UnboundedReceiver<Back>>,
}

impl RedisPlaces {
    pub(super) fn new(client: Client, scripts: Arc<Scripts>) -> Self {
        let link = Link::new(client, PATIENCE * 7 / 10);
        let (given_back, queue) = unbounded_channel();
        Self {
            link,
            scripts,
            server: Uuid::new_v4().simple().to_string(),
            tokens: AtomicU64::new(0),
            holdings: Mutex::default(),
            given_back,
            queue: tokio::sync::Mutex::new(queue),
        }
    }

    /// Names this server in Redis.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    fn holdings(&self) -> MutexGuard<'_, Holdings> {
        // Nothing panics while it holds the lock.
        self.holdings.lock().unwrap_or_else(PoisonError::into_inner)
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
    async fn take_shared(&self, ask: &Ask, token: u64) -> Result<Taken> {
        let pending = Pending { places: self, id: &ask.id, token };
        let answer = in_time(self.ask_for(ask, token)).await;
        std::mem::forget(pending);
        match &answer {
            Ok(Taken::Place(_)) => self.holdings().hold(&ask.id, token),
            Ok(_) => self.holdings().let_go(&ask.id, token),
            Err(_) => {
                let mut holdings = self.holdings();
                holdings.let_go(&ask.id, token);
                holdings.doubt([Back { id: ask.id.clone(), token, begun: false }]);
            }
        }
        answer
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

    /// Renews what is held, and says that this server lives.
    async fn beat(&self) {
        let mut script = self.scripts.beat.arg(&self.server);
        {
            let holdings = self.holdings();
            script.arg(millis(LEASE)).arg(holdings.all_held().count());
            for (id, token) in holdings.all_held() {
                script.arg(id.as_str()).arg(self.holder(token));
            }
            for Doubt { place, .. } in &holdings.doubtful {
                self.add(&mut script, place);
            }
        }
        match in_time(self.link.run_now::<Vec<String>>(&script)).await {
            Ok(living) => self.met(&living),
            Err(error) => self.lost(&error),
        }
    }

    /// Redis has answered; these servers live.
    fn met(&self, living: &[String]) {
        let mut holdings = self.holdings();
        holdings.doubts_are_told();
        holdings.contact = match holdings.contact {
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
        if holdings.contact == Contact::Good {
            holdings.rank = Rank::of(&self.server, living);
        }
    }

    fn lost(&self, error: &Error) {
        let mut holdings = self.holdings();
        if holdings.contact == Contact::Good {
            let servers = holdings.rank.of;
            tracing::warn!(%error, servers,
                "the store is away: going on with what is known, and a share of each limit");
        }
        holdings.contact = Contact::Lost;
    }

    fn add(&self, script: &mut ScriptInvocation<'_>, place: &Back) {
        script.arg(place.id.as_str()).arg(self.holder(place.token)).arg(u8::from(place.begun));
    }

    async fn send_back(&self, places: &[Back], leaves: bool) -> Result<()> {
        let mut script = self.scripts.give_back.arg(if leaves { &self.server } else { "" });
        for place in places {
            self.add(&mut script, place);
        }
        in_time(self.link.run_now(&script)).await
    }
}

#[async_trait]
impl Places for RedisPlaces {
    async fn take(&self, ask: &Ask) -> Taken {
        loop {
            let token = self.next_token();
            let decided = self.holdings().decide(ask, token);
            if let Some(taken) = decided {
                return taken;
            }
            match self.take_shared(ask, token).await {
                Ok(answer) => return answer,
                // Now that it is lost, Redis decides no more.
                Err(error) => self.lost(&error),
            }
        }
    }

    fn give_back(&self, id: &CredentialId, token: u64) {
        self.holdings().let_go(id, token);
        // Nobody reads any more: the engine has stopped, and the lease runs out.
        let _ = self.given_back.send(Back { id: id.clone(), token, begun: true });
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
                        tracing::debug!(%error, "places are given back later");
                        self.holdings().doubt(places.drain(..));
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
        let all = |(id, token): (&CredentialId, _)| Back { id: id.clone(), token, begun: true };
        places.extend(self.holdings().all_held().map(all));
        if let Err(error) = self.send_back(&places, true).await {
            tracing::debug!(%error, "the store learns later that this server has gone");
        }
    }

    fn standing(&self) -> Standing {
        match self.holdings().contact {
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
        let Self { places, id, token } = *self;
        places.holdings().let_go(id, token);
        let _ = places.given_back.send(Back { id: id.clone(), token, begun: false });
    }
}

impl fmt::Debug for RedisPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holdings = self.holdings();
        f.debug_struct("RedisPlaces")
            .field("server", &self.server)
            .field("held", &holdings.all_held().count())
            .field("rank", &holdings.rank)
            .field("contact", &holdings.contact)
            .finish_non_exhaustive()
    }
}

/// A duration as Redis takes it.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(failure::late()))
}
