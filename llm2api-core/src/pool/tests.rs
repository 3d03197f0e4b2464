//! The pool through its public door.

use std::time::Duration;

use super::*;
use crate::chat::{Ending, Others, RetryPlan};

const WAIT: Duration = Duration::from_secs(30);

fn route(upstream: &str) -> Route {
    Route { upstream: upstream.into(), model: "m".into() }
}

fn pool(upstreams: &[(&str, u32)]) -> Pool {
    let pool = Pool::new(WAIT);
    for (upstream, max) in upstreams {
        pool.add(Credential::anonymous(*upstream), *max);
    }
    pool
}

async fn failed(pool: &Pool, routes: &[Route], call: &Call, error: Error) -> CredentialId {
    let mut lease = pool.lease(routes, call).await.expect("a lease");
    let id = lease.credential().id().clone();
    call.begin(lease.upstream().clone(), id.shared());
    lease.settle(Ending::Failed(&error));
    id
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
    assert!(pool.list().iter().all(|status| status.in_flight == 3));
    leases.clear();
    assert!(pool.list().iter().all(|status| status.in_flight == 0));
}

#[tokio::test(start_paused = true)]
async fn sequential_calls_go_round() {
    let pool = pool(&[("a", 9), ("a", 9), ("a", 9)]);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..3 {
        let lease = pool.lease(&[route("a")], &Call::random()).await.expect("a lease");
        seen.insert(lease.credential().id().clone());
    }
    assert_eq!(seen.len(), 3);
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
async fn a_call_never_meets_a_credential_twice_unless_planned() {
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
    let pool = Pool::new(Duration::MAX);
    pool.add(Credential::anonymous("a"), 1);
    assert!(pool.lease(&[route("a")], &Call::random()).await.is_ok());
}
