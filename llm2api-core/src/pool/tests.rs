//! The pool through its public door.

use std::time::Duration;

mod blame;
mod picture;
mod shared_places;
mod waiting;

use super::*;
use crate::chat::{Ending, Others, RetryPlan};
use crate::error::{Error, ErrorKind};

const WAIT: Duration = Duration::from_secs(30);

fn route(upstream: &str) -> Route {
    Route { upstream: upstream.into(), model: "m".into() }
}

fn pool(upstreams: &[(&str, u32)]) -> Pool {
    let pool = Pool::new(PoolRules::default(), WAIT);
    for (upstream, max) in upstreams {
        pool.add([member(upstream, *max)]);
    }
    pool
}

fn member(upstream: &str, max: u32) -> Member {
    Member::new(Credential::anonymous(upstream)).with_max_concurrency(max)
}

/// `count` credentials at one upstream.
fn many(count: usize, max: u32) -> Pool {
    pool(&vec![("a", max); count])
}

fn state(pool: &Pool, id: &CredentialId) -> HealthState {
    pool.status(id).expect("in the pool").state
}

async fn take(pool: &Pool) -> Lease {
    pool.lease(&[route("a")], &Call::random()).await.expect("a lease")
}

fn error(kind: ErrorKind) -> Error {
    Error::new(kind, "chat", "failed")
}

async fn failed(pool: &Pool, routes: &[Route], call: &Call, error: Error) -> CredentialId {
    let mut lease = pool.lease(routes, call).await.expect("a lease");
    let id = lease.credential().id().clone();
    call.begin(lease.upstream().clone(), id.shared());
    lease.settle(Ending::Failed(&error));
    id
}

/// So many credentials of `a` fail alike, each in a call of its own.
async fn fail_alike(pool: &Pool, count: usize, error: &Error) {
    let mut leases = Vec::new();
    for _ in 0..count {
        leases.push(take(pool).await);
    }
    leases.iter_mut().for_each(|lease| lease.settle(Ending::Failed(error)));
}

fn limited() -> Error {
    Error::new(ErrorKind::RateLimited, "chat", "slow down")
}

#[tokio::test(start_paused = true)]
async fn calls_spread_over_credentials() {
    let pool = pool(&[("a", 9), ("a", 9), ("a", 9)]);
    let mut leases = Vec::new();
    for _ in 0..9 {
        leases.push(pool.lease(&[route("a")], &Call::random()).await.expect("a lease"));
    }
    assert!(pool.list().iter().all(|status| (1..=5).contains(&status.in_flight)));
    leases.clear();
    assert!(pool.list().iter().all(|status| status.in_flight == 0));
}

/// Sends calls one after the other and counts who got them.
async fn shares(pool: &Pool, calls: usize) -> Vec<usize> {
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..calls {
        let id = take(pool).await.credential().id().to_string();
        *counts.entry(id).or_insert(0) += 1;
    }
    pool.list().iter().map(|status| counts.get(status.id.as_str()).copied().unwrap_or(0)).collect()
}

#[tokio::test(start_paused = true)]
async fn sequential_calls_are_dealt_out_evenly() {
    let shares = shares(&many(3, 9), 90).await;
    assert!(shares.iter().all(|share| (25..=35).contains(share)), "{shares:?}");
}

#[tokio::test(start_paused = true)]
async fn round_robin_takes_one_after_the_other() {
    let rules = PoolRules { strategy: Strategy::RoundRobin, ..PoolRules::default() };
    let pool = Pool::new(rules, WAIT);
    pool.add((0..4).map(|_| member("a", 1)));
    assert_eq!(shares(&pool, 8).await, [2, 2, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn weights_are_kept_without_load_too() {
    let pool = Pool::new(PoolRules::default(), WAIT);
    pool.add([member("a", 9).with_weight(3), member("a", 9)]);
    let shares = shares(&pool, 400).await;
    assert!((280..=320).contains(&shares[0]), "{shares:?}");
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_starts_slowly() {
    let pool = many(2, 9);
    let id = pool.list()[0].id.clone();
    pool.learn(&id, &Signal::Limited { named: None, default: None, reason: "rate_limited" });
    shares(&pool, 200).await;
    pool.learn(&id, &Signal::Cleared);
    let first = shares(&pool, 100).await;
    assert!((5..=30).contains(&first[0]), "no burst to make up for the rest: {first:?}");
    tokio::time::advance(Duration::from_secs(31)).await;
    let later = shares(&pool, 100).await;
    assert!((35..=65).contains(&later[0]), "{later:?}");
}

#[tokio::test(start_paused = true)]
async fn g23_a_favourite_is_preferred_and_not_pinned() {
    let pool = many(2, 9);
    let id = pool.list()[0].id.clone();
    let favoured = || Call::random().with_favourite(id.as_str());
    let mut leases = Vec::new();
    for _ in 0..8 {
        leases.push(pool.lease(&[route("a")], &favoured()).await.expect("a lease"));
    }
    let own = leases.iter().filter(|lease| *lease.credential().id() == id).count();
    assert!((4..=5).contains(&own), "one call more than the other, not all: {own}");
}

#[tokio::test(start_paused = true)]
async fn requests_per_minute_are_a_bound() {
    let pool = Pool::new(PoolRules::default(), Duration::from_secs(120));
    pool.add([member("a", 9).with_requests_per_minute(3)]);
    let before = Instant::now();
    for _ in 0..7 {
        drop(take(&pool).await);
    }
    assert_eq!(before.elapsed().as_secs(), 120);
}

#[tokio::test(start_paused = true)]
async fn a_full_pool_makes_the_call_wait_for_its_turn() {
    let pool = pool(&[("a", 1)]);
    let lease = pool.lease(&[route("a")], &Call::random()).await.expect("a lease");
    let (waiting, again) = (pool.clone(), [route("a")]);
    let waiter = async move { waiting.lease(&again, &Call::random()).await.is_ok() };
    let free = async move {
        tokio::time::sleep(WAIT / 2).await;
        drop(lease);
    };
    assert!(tokio::join!(waiter, free).0);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_stays_full_says_so() {
    let pool = pool(&[("a", 1)]);
    let _lease = pool.lease(&[route("a")], &Call::random()).await.expect("a lease");
    let error = pool.lease(&[route("a")], &Call::random()).await.expect_err("full");
    assert_eq!(error.kind(), ErrorKind::PoolExhausted);
    assert!(error.retry_after().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_limited_credential_rests_as_long_as_it_was_told() {
    let pool = pool(&[("a", 1)]);
    let error = limited().with_retry_after(Duration::from_secs(7));
    failed(&pool, &[route("a")], &Call::random(), error).await;
    let error = pool.lease(&[route("a")], &Call::random()).await.expect_err("rests");
    assert_eq!(error.kind(), ErrorKind::PoolExhausted);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    tokio::time::advance(Duration::from_secs(7)).await;
    assert!(pool.lease(&[route("a")], &Call::random()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_no_rate_limit() {
    let pool = pool(&[("a", 1)]);
    let error = Error::new(ErrorKind::CredentialRejected, "chat", "no");
    failed(&pool, &[route("a")], &Call::random(), error).await;
    let error = pool.lease(&[route("a")], &Call::random()).await.expect_err("out");
    assert_eq!(error.kind(), ErrorKind::NoCredential);
}

#[tokio::test(start_paused = true)]
async fn g22_a_call_never_meets_a_credential_twice_unless_planned() {
    let pool = pool(&[("a", 1), ("a", 1)]);
    let (call, routes) = (Call::random(), [route("a")]);
    let fault = || Error::new(ErrorKind::UpstreamFailed, "chat", "500");
    let first = failed(&pool, &routes, &call, fault()).await;
    let second = failed(&pool, &routes, &call, fault()).await;
    assert_ne!(first, second);
    assert!(pool.lease(&routes, &call).await.is_err());
    call.set_plan(RetryPlan::new(Some(Duration::ZERO), Others::Any));
    assert_eq!(failed(&pool, &routes, &call, fault()).await, second);
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_upstream_is_left_for_the_next_route() {
    let pool = pool(&[("a", 1), ("a", 1), ("b", 1)]);
    let (call, routes) = (Call::random(), [route("a"), route("b")]);
    failed(&pool, &routes, &call, Error::new(ErrorKind::Connect, "chat", "refused")).await;
    call.fail(ErrorKind::Connect);
    call.set_plan(RetryPlan::new(None, Others::OtherUpstream));
    let lease = pool.lease(&routes, &call).await.expect("the other upstream");
    assert_eq!(&**lease.upstream(), "b");
}

#[tokio::test(start_paused = true)]
async fn a_removed_credential_gets_no_more_calls() {
    let pool = pool(&[("a", 1)]);
    let id = pool.list()[0].id.clone();
    let lease = pool.lease(&[route("a")], &Call::random()).await.expect("a lease");
    assert!(pool.remove(&id));
    assert!(!pool.remove(&id));
    drop(lease);
    let error = pool.lease(&[route("a")], &Call::random()).await.expect_err("empty");
    assert_eq!(error.kind(), ErrorKind::NoCredential);
}

#[tokio::test(start_paused = true)]
async fn a_rest_that_ends_wakes_those_who_wait_for_the_busy() {
    let pool = pool(&[("a", 1), ("a", 1)]);
    let routes = [route("a")];
    let error = limited().with_retry_after(Duration::from_secs(1));
    failed(&pool, &routes, &Call::random(), error).await;
    let _busy = pool.lease(&routes, &Call::random()).await.expect("the other one");
    let before = Instant::now();
    assert!(pool.lease(&routes, &Call::random()).await.is_ok());
    assert_eq!(before.elapsed().as_secs(), 1, "as soon as it has rested");
}

#[tokio::test(start_paused = true)]
async fn the_same_credential_may_be_sooner_free_than_a_busy_one() {
    let pool = pool(&[("a", 1), ("a", 1)]);
    let (routes, call) = ([route("a")], Call::random());
    let fault = Error::new(ErrorKind::UpstreamFailed, "chat", "503");
    let first = failed(&pool, &routes, &call, fault).await;
    let _busy = pool.lease(&routes, &Call::random()).await.expect("the other one");
    call.set_plan(RetryPlan::new(Some(Duration::from_millis(100)), Others::Any));
    let before = Instant::now();
    let lease = pool.lease(&routes, &call).await.expect("the first again");
    assert_eq!((lease.credential().id(), before.elapsed().as_millis() < 200), (&first, true));
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_for_ever_is_no_panic() {
    let pool = Pool::new(PoolRules::default(), Duration::MAX);
    pool.add([member("a", 1)]);
    assert!(pool.lease(&[route("a")], &Call::random()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn g18_a_refusal_counts_every_credential_and_says_when_to_return() {
    let pool = many(5, 1);
    let ids: Vec<_> = pool.list().iter().map(|status| status.id.clone()).collect();
    let limit = |seconds| Signal::Limited {
        named: Some(Duration::from_secs(seconds)),
        default: None,
        reason: "rate_limited",
    };
    pool.learn(&ids[0], &limit(90));
    pool.learn(&ids[1], &limit(40));
    pool.learn(&ids[2], &Signal::CheckRefused("signed out".into()));
    pool.set_enabled(&ids[3], false);
    pool.learn(&ids[4], &limit(70));
    let error = pool.lease(&[route("a")], &Call::random()).await.expect_err("none");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(40)));
    assert_eq!(error.message(), "no credential is free: 3 rate_limited, 1 invalid, 1 disabled");
    let text = error.to_string();
    assert!(ids.iter().all(|id| text.contains(id.as_str())), "{text}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_served_in_order_and_may_leave() {
    let pool = many(1, 1);
    let first = take(&pool).await;
    let order = std::sync::Mutex::new(Vec::new());
    let wait = |number: u32| {
        let (pool, order) = (pool.clone(), &order);
        async move {
            let lease = take(&pool).await;
            order.lock().expect("no panic").push(number);
            tokio::time::sleep(Duration::from_millis(10)).await;
            drop(lease);
        }
    };
    let leaves = async {
        let _ = tokio::time::timeout(Duration::from_millis(1), wait(99)).await;
    };
    let frees = async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        drop(first);
    };
    tokio::join!(wait(0), leaves, wait(1), wait(2), wait(3), frees);
    assert_eq!(*order.lock().expect("no panic"), [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded() {
    let rules = PoolRules { queue_limit: 2, ..PoolRules::default() };
    let pool = Pool::new(rules, WAIT);
    pool.add([member("a", 1)]);
    let _busy = take(&pool).await;
    let routes = [route("a")];
    let (call, other, third) = (Call::random(), Call::random(), Call::random());
    let (one, two) = (pool.lease(&routes, &call), pool.lease(&routes, &other));
    let late = async {
        let before = Instant::now();
        let error = pool.lease(&routes, &third).await.expect_err("the queue is full");
        (error.kind(), before.elapsed())
    };
    let (_, _, refused) = tokio::join!(one, two, late);
    assert_eq!(refused, (ErrorKind::PoolExhausted, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_added_is_used_by_those_who_wait() {
    let pool = many(1, 1);
    let _busy = take(&pool).await;
    let add = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        pool.add([member("a", 1)]);
    };
    let before = Instant::now();
    let (_lease, ()) = tokio::join!(take(&pool), add);
    assert_eq!(before.elapsed().as_secs(), 3);
}
