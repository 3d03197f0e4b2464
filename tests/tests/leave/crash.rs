//! A server is killed in the middle of calls, and another one takes over.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::time::Duration;
use std::{env, thread};

use llm2api_tests::{Running, Script, Snapshot, Step};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::stage::{Kind, SLOW, Stage};

/// When the kill comes, in milliseconds after the first call.
const MOMENTS: std::ops::Range<u128> = 0..700;
/// Calls of each round; a part of their clients leaves.
const CALLS: usize = 12;
/// How long the next server may take to clean up after its start: what nobody has named yet is
/// left alone for three seconds. By itself no run ends in this time.
const SOON: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread")]
async fn g25_nothing_is_left_behind_by_a_server_that_was_killed() {
    let rounds = env::var("KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let mut stage = Stage::with_pace(Kind::ChatUi, 64, SLOW).await;
    for round in 0..rounds {
        let moment = random(MOMENTS);
        let course = Course(format!("round {round}, killed after {moment:?}"));
        // Empty like ours, and made in the same moment, but not as ours are.
        let own = [
            stage.make_own("mock/thinker", "").await,
            stage.make_own("mock/vision-1", "You are my own assistant.").await,
        ];
        play(&stage, moment).await;
        let running = stage.crash().await;
        let log = stage.is_clean_but_for(&own, SOON).await;
        stage.is_free(Duration::from_secs(1)).await;
        check_stops(&log, &running, &course.0);
        stage.upstream.reset();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g25_an_anonymous_session_is_cleaned_up_after_a_crash() {
    let mut stage = Stage::with_pace(Kind::Anonymous, 64, SLOW).await;
    stage.ask("hello", true).await;
    let mut calls = JoinSet::new();
    (0..4).for_each(|call| drop(calls.spawn(stage.ask("LONGRUN", call % 2 == 0))));
    stage.sees(|log| log.running.len() == 4).await;
    let running = stage.crash().await;
    // The next server is given another session, which could not see these conversations.
    let log = stage.is_clean(SOON).await;
    check_stops(&log, &running, "anonymous");
    assert_eq!(log.stop_calls.len(), 4);
}

/// Makes calls in all phases, some of which are left, until the moment has come.
async fn play(stage: &Stage, moment: Duration) {
    // One whose clean-up may be under way. Those that follow outlast the round, so that none of them
    // ends between a look at it and its stop.
    stage.ask("hello", true).await;
    let mut calls = JoinSet::new();
    for call in 0..CALLS {
        if call.is_multiple_of(3) {
            let slow = Script::steps([Step::Sleep(200), Step::Answer(String::new())]);
            stage.upstream.script_exact_path("/conversation", slow);
        }
        let (asking, leaves) = (stage.ask("LONGRUN", call.is_multiple_of(2)), random(100..900));
        calls.spawn(async move {
            let _ = timeout(leaves, asking).await;
        });
        sleep(moment / 24).await;
    }
    sleep(moment / 2).await;
}

/// No run is stopped twice, and none that is over: that would kill the next one. What ran at the
/// kill is stopped.
fn check_stops(log: &Snapshot, running: &[Running], what: &str) {
    let mut stops = BTreeMap::<_, Vec<bool>>::new();
    for call in &log.stop_calls {
        stops.entry(call.conversation.as_str()).or_default().push(call.running);
    }
    let once = |stops: &Vec<bool>| stops == &[true];
    assert!(stops.values().all(once), "{what}: {stops:?}");
    for run in running {
        let conversation = run.conversation.as_deref().unwrap_or_default();
        assert!(stops.contains_key(conversation), "{what}: {run:?} is not stopped: {stops:?}");
    }
}

/// What a test is at, which is said whichever way it fails.
struct Course(String);

impl Drop for Course {
    fn drop(&mut self) {
        if thread::panicking() {
            _ = writeln!(io::stderr(), "failed in {}", self.0);
        }
    }
}

fn random(range: std::ops::Range<u128>) -> Duration {
    let spread = Uuid::new_v4().as_u128() % (range.end - range.start);
    Duration::from_millis(u64::try_from(range.start + spread).expect("is small"))
}
