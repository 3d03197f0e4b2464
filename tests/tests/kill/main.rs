//! SIGKILL while cookies are added: what was acknowledged is there, and nothing lies about in clear.

mod canary;
mod round;

use std::collections::BTreeSet;
use std::env;

use llm2api_tests::{Options, Simulator};

use round::{Place, Round};

/// Rounds, unless `KILL_ROUNDS` says otherwise.
const ROUNDS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn g29_what_was_acknowledged_survives_a_kill() {
    let rounds = env::var("KILL_ROUNDS").map_or(ROUNDS, |text| text.parse().expect("a number"));
    let upstream = Simulator::start(Options { login: true, ..Options::default() });
    let upstream = upstream.await.expect("the simulator listens");
    let place = Place::new();
    let (mut acknowledged, mut attempted) = (BTreeSet::new(), 0);
    for number in 0..rounds {
        let server = place.start(&upstream).await;
        let found: BTreeSet<_> = server.api.ids().await.into_iter().collect();
        let lost: Vec<_> = acknowledged.difference(&found).collect();
        assert!(lost.is_empty(), "round {number}: lost {lost:?}");
        assert!(found.len() <= attempted, "round {number}: {} > {attempted}", found.len());

        let round = Round::play(&upstream, server, number).await;
        attempted += round.attempted;
        acknowledged.extend(round.acknowledged);
        canary::none_in(&place.data());
    }
    let server = place.start(&upstream).await;
    let found: BTreeSet<_> = server.api.ids().await.into_iter().collect();
    assert!(acknowledged.is_subset(&found), "lost after the last kill");
    assert!(found.len() <= attempted && acknowledged.len() > rounds, "{}", acknowledged.len());
    canary::none_in(&place.data());
    canary::the_key_is_private(&place.data());
}
