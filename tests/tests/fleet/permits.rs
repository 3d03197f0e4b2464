//! Permits are counted over the whole fleet, and come back from a server that died.

use std::time::Duration;

use llm2api_tests::processes::{Api, eventually};
use reqwest::Response;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::stage::{ACCOUNTS, CALLS, Fleet, all_are_whole, gather};

/// Calls that the fleet can carry at the same time.
const PLACES: usize = ACCOUNTS * 2;
/// Life of a permit whose server died.
const LEASE: Duration = Duration::from_secs(15);
/// What a busy machine may add.
const GRACE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn g04_no_account_ever_carries_more_calls_than_its_limit() {
    let fleet = Fleet::start().await;
    let calls = gather(fleet.load(Duration::from_secs(12), PLACES + 6)).await;
    all_are_whole(&calls);
    assert!(calls.len() > 3 * PLACES, "only {} calls", calls.len());
    fleet.keeps_to_the_limit();
    let tallies = fleet.upstream.tallies();
    let used = tallies.values().filter(|tally| tally.most_sending > 0).count();
    assert_eq!(used, ACCOUNTS, "{tallies:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn g04_the_permits_of_a_killed_server_return() {
    let mut fleet = Fleet::start().await;
    fleet.upstream.reconfigure(|options| options.token_delay = Duration::from_millis(200));
    let lost = hold(&[fleet.api(2)]);
    full(&fleet, "one server fills all places", GRACE * 5).await;
    fleet.servers[2].kill().await;
    let killed = Instant::now();
    drop(lost);
    eventually("the upstream sees it go", GRACE, async || (fleet.sending() == 0).then_some(()))
        .await;

    let mut held = hold(&[fleet.api(0), fleet.api(1)]);
    let left = (killed + LEASE + GRACE).saturating_duration_since(Instant::now());
    full(&fleet, "the others fill all places", left).await;
    while let Some(response) = held.try_join_next() {
        let response = response.expect("no panic").expect("an answer");
        assert_eq!(response.status(), 200);
    }
    fleet.keeps_to_the_limit();
}

/// Begins as many long streams as there are places, and holds them.
fn hold(apis: &[&Api]) -> JoinSet<reqwest::Result<Response>> {
    let mut tasks = JoinSet::new();
    for api in apis.iter().copied().cycle().take(PLACES) {
        let api = api.clone();
        tasks.spawn(async move { api.stream("LONGRUN").await });
    }
    tasks
}

/// Waits until every account carries what it may.
async fn full(fleet: &Fleet, what: &str, within: Duration) {
    let full = async || {
        let tallies = fleet.upstream.tallies();
        let full = tallies.values().filter(|tally| tally.sending == CALLS).count();
        (full == ACCOUNTS).then_some(())
    };
    eventually(what, within, full).await;
}
