//! The store goes and comes back: chats go on, nothing is lost, nothing is acknowledged falsely.

use std::time::Duration;

use llm2api_tests::processes::envelope;
use tokio::time::{Instant, sleep_until};

use crate::stage::{ACCOUNTS, Fleet, SPREAD, all_are_whole, gather, session};

/// How long the store is away.
const OUTAGE: Duration = Duration::from_secs(5);
/// How long a chat may take that begins when the store has just gone.
const FIRST: Duration = Duration::from_secs(3);
/// How long any chat may take, on a busy machine.
const SLOWEST: Duration = Duration::from_secs(5);
/// How long until the servers say that the store is back.
const RECOVERY: Duration = Duration::from_secs(10);
/// How long the load goes on: before, during and after.
const LOAD: Duration = Duration::from_secs(16);

/// Chats from before the outage are over after this time.
const LONGEST_CHAT: Duration = Duration::from_millis(2500);
/// Chats at the same time: as many as the accounts can carry.
const CHATS: usize = 12;

/// How Redis goes away.
#[derive(Clone, Copy, PartialEq)]
enum End {
    InOrder,
    AtOnce,
    Hangs,
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_go_on_while_redis_is_stopped() {
    outage(End::InOrder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_go_on_while_redis_is_killed() {
    outage(End::AtOnce).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_go_on_while_redis_hangs() {
    outage(End::Hangs).await;
}

async fn outage(end: End) {
    let mut fleet = Fleet::start().await;
    fleet.upstream.add_sessions((ACCOUNTS..ACCOUNTS + 3).map(session));
    fleet.store_is("ok", SPREAD).await;
    let load = fleet.load(LOAD, CHATS);
    fleet.add(1, ACCOUNTS).await;
    match end {
        End::InOrder => fleet.redis.terminate().await,
        End::AtOnce => fleet.redis.kill().await,
        End::Hangs => fleet.redis.freeze().await,
    }
    let gone = Instant::now();
    fleet.store_is("degraded", OUTAGE).await;
    refuses_what_it_cannot_keep(&fleet).await;
    // Those that the servers did not know of each other's are over: from here on shares are kept.
    sleep_until(gone + LONGEST_CHAT).await;
    fleet.upstream.reset_tallies();
    sleep_until(gone + OUTAGE).await;
    match end {
        End::Hangs => fleet.redis.thaw().await,
        End::InOrder | End::AtOnce => fleet.redis.resume().await,
    }
    fleet.store_is("ok", RECOVERY).await;
    fleet.add(0, ACCOUNTS + 1).await;
    everything_is_there(&fleet).await;
    fleet.keeps_to_the_limit();

    let calls = gather(load).await;
    all_are_whole(&calls);
    let first = calls.iter().filter(|call| call.began >= gone).min_by_key(|call| call.began);
    let first = first.expect("chats after the stop");
    let took = first.ended - gone;
    assert!(took <= FIRST, "the first chat after the stop took {took:?}");
    let slowest = calls.iter().map(|call| call.ended - call.began).max();
    assert!(slowest <= Some(SLOWEST), "a chat took {slowest:?}");
}

/// Every server refuses a new cookie with a 5xx in the envelope.
async fn refuses_what_it_cannot_keep(fleet: &Fleet) {
    for server in &fleet.servers {
        let answer = server.api.add(&session(ACCOUNTS + 2).value).await;
        assert!((500..600).contains(&answer.status), "{answer:?}");
        assert!(!envelope(&answer).is_empty());
    }
}

/// Every server lists every account that was acknowledged.
async fn everything_is_there(fleet: &Fleet) {
    assert_eq!(fleet.acknowledged.len(), ACCOUNTS + 2);
    for server in &fleet.servers {
        let found = server.api.ids().await;
        let lost: Vec<_> = fleet.acknowledged.iter().filter(|id| !found.contains(id)).collect();
        assert!(lost.is_empty(), "lost {lost:?} of {found:?}");
    }
}
