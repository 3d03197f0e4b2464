//! The one check that every path of the operator's passes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use poem::Request;
use poem::http::{HeaderMap, HeaderValue, header};
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::browser;
use super::delay::{CLIENT, Delays, OPERATOR};
use super::sessions::Sessions;
use crate::config::{AllowedHosts, Config};
use crate::keys::{Keys, bearer};
use crate::openai::error::Failure;

/// What a path asks of who calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// The key, or a session that was opened with it.
    Session,
    /// The key itself: a browser that is left open is not enough.
    Key,
}

/// Knows the operator.
#[derive(Debug)]
pub(crate) struct Admin {
    rules: RwLock<Arc<Rules>>,
    delays: Delays,
    pub(crate) sessions: Sessions,
}

/// What the settings say of him.
#[derive(Debug)]
struct Rules {
    keys: Keys,
    hosts: AllowedHosts,
}

impl Rules {
    fn new(config: &Config) -> Self {
        let keys = Keys::new(config.admin_key.as_slice());
        Self { keys, hosts: config.allowed_hosts.clone() }
    }
}

/// What somebody was let in by. It may be good no more a moment later.
pub(crate) struct Pass {
    headers: HeaderMap,
}

impl Pass {
    /// Takes it from a request that was let in.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let names = [header::AUTHORIZATION, header::COOKIE];
        let lines =
            names.iter().flat_map(|name| headers.get_all(name).iter().map(move |v| (name, v)));
        Self { headers: lines.map(|(name, value)| (name.clone(), value.clone())).collect() }
    }
}

/// A refusal, and how long to wait before it is told.
type Refusal = (Failure, Duration);

impl Admin {
    /// Takes the key and the names from the settings; without a key, nobody is let in.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            rules: RwLock::new(Arc::new(Rules::new(config))),
            delays: Delays::default(),
            sessions: Sessions::default(),
        }
    }

    /// Takes another key and other names. Sessions that another key has opened end.
    pub(crate) fn change(&self, config: &Config) {
        let rules = Arc::new(Rules::new(config));
        let is_same = rules.keys == self.rules().keys;
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
        if !is_same {
            self.sessions.close_all();
        }
    }

    fn rules(&self) -> Arc<Rules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks the name that the server is called by.
    pub(crate) fn check_host(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let rules = self.rules();
        check_name(headers, |host| rules.hosts.allows(host))
    }

    /// Checks the name that the server is called by where no key is asked for.
    pub(crate) fn check_watcher(&self, request: &Request) -> Result<(), Failure> {
        // Who knows no better takes the caller for one on this machine: that allows less.
        let here = request.local_addr().as_socket_addr().map(SocketAddr::ip);
        let here = here.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let rules = self.rules();
        check_name(request.headers(), |host| rules.hosts.allows_watcher(host, here))
    }

    /// Checks who calls; `no_key` is the failure of who shows nothing. The right key never waits,
    /// whatever its address did before.
    pub(crate) fn check(
        &self,
        request: &Request,
        level: Level,
        no_key: fn() -> Failure,
    ) -> impl Future<Output = Result<(), Failure>> + Send + use<> {
        told(self.judge(request, level, no_key))
    }

    /// Checks a key that came in a body.
    pub(crate) fn check_key(
        &self,
        peer: IpAddr,
        key: &str,
    ) -> impl Future<Output = Result<(), Failure>> + Send + use<> {
        told(self.judge_key(peer, key.trim().as_bytes()))
    }

    /// Says whether a pass is as good as it was: whether the session has not ended, or the key is
    /// the operator's.
    pub(crate) fn still_admits(&self, pass: &Pass) -> bool {
        match says_bearer(&pass.headers) {
            true => bearer(&pass.headers).is_some_and(|key| self.rules().keys.admits(key)),
            false => self.sessions.holds(&pass.headers, Instant::now()),
        }
    }

    fn judge(
        &self,
        request: &Request,
        level: Level,
        no_key: fn() -> Failure,
    ) -> Result<(), Refusal> {
        let headers = request.headers();
        let at_once = |failure| (failure, Duration::ZERO);
        self.check_host(headers).map_err(at_once)?;
        // Any other scheme is for a proxy before us.
        if says_bearer(headers) {
            return self.judge_key(peer(request), bearer(headers).unwrap_or_default());
        }
        if !self.sessions.holds(headers, Instant::now()) {
            return Err(at_once(no_key()));
        }
        browser::check(request.method(), headers).map_err(at_once)?;
        match level {
            Level::Session => Ok(()),
            Level::Key => Err(at_once(Failure::admin_key_only())),
        }
    }

    fn judge_key(&self, peer: IpAddr, key: &[u8]) -> Result<(), Refusal> {
        match self.rules().keys.admits(key) {
            true => Ok(()),
            false => {
                warn!(%peer, "a wrong admin key");
                let wait = self.delays.strike(peer, Instant::now(), OPERATOR);
                Err((Failure::wrong_admin_key(), wait))
            }
        }
    }

    /// Lets a client's wrong key cost time too: the operator's may be one of them.
    pub(crate) async fn refuse_client(&self, request: &Request, failure: Failure) -> Failure {
        let wait = self.delays.strike(peer(request), Instant::now(), CLIENT);
        sleep(wait).await;
        failure
    }
}

/// Checks the name that the server is called by, which `allows` knows or not.
fn check_name(headers: &HeaderMap, allows: impl FnOnce(&str) -> bool) -> Result<(), Failure> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match host.is_some_and(allows) {
        true => Ok(()),
        false => Err(Failure::host_not_allowed()),
    }
}

fn says_bearer(headers: &HeaderMap) -> bool {
    let scheme = |value: &HeaderValue| {
        value.as_bytes().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
    };
    headers.get_all(header::AUTHORIZATION).iter().any(scheme)
}

/// Returns the address of who calls; of a proxy, where one stands between.
pub(crate) fn peer(request: &Request) -> IpAddr {
    let address = request.remote_addr().as_socket_addr();
    address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), SocketAddr::ip)
}

async fn told(verdict: Result<(), Refusal>) -> Result<(), Failure> {
    let Err((failure, wait)) = verdict else { return Ok(()) };
    sleep(wait).await;
    Err(failure)
}
