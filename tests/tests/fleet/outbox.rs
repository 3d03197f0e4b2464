//! What a killed server has left at the upstream is cleaned up by another one.

use std::time::Duration;

use llm2api_tests::processes::eventually;
use reqwest::Response;

use crate::stage::Fleet;

/// Twice the lease of a server, and what a busy machine may add.
const SOON: Duration = Duration::from_secs(45);

#[tokio::test(flavor = "multi_thread")]
async fn g25_a_killed_servers_runs_are_stopped_by_another_and_no_others() {
    let mut fleet = Fleet::start().await;
    // An answer takes more than a minute.
    fleet.upstream.reconfigure(|options| options.token_delay = Duration::from_millis(400));
    let mut answers = Vec::<Response>::new();
    for server in [0, 2, 2, 2] {
        let answer = fleet.api(server).stream("LONGRUN").await.expect("it begins");
        answers.push(answer);
    }
    let log = fleet.upstream.wait_for(|log| log.running.len() == 4).await;
    let lives = log.running[0].generation.clone();
    fleet.servers[2].kill().await;
    let left = async || {
        let log = fleet.upstream.log();
        (log.running.len() == 1 && log.conversations.len() == 1).then_some(log)
    };
    let log = eventually("what was left is cleaned up", SOON, left).await;
    assert_eq!(log.running[0].generation, lives, "the answer of a server that lives goes on");
    let mut stopped: Vec<_> = log.stop_calls.iter().map(|stop| &stop.generation).collect();
    stopped.sort_unstable();
    stopped.dedup();
    assert_eq!((stopped.len(), log.stop_calls.len()), (3, 3), "each is stopped once");
    assert!(answers[0].chunk().await.is_ok_and(|piece| piece.is_some()), "and is passed on");
}
