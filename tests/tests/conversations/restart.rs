//! Another process goes on where one has been.

use std::sync::Arc;
use std::time::Duration;

use llm2api_core::Client;
use llm2api_core::store::{Keyring, RedisStore, SqliteStore, Store};
use llm2api_tests::processes::{Redis, eventually};
use llm2api_tests::{Options, Simulator};

use crate::stage::{begin, go_on, made, settings, simulator};

/// Keys of all processes here.
const KEYS: &str = "bGxtMmFwaS1mbGVldC10ZXN0LWtleS0zMi1ieXRlcyE=";
/// How long it may take until a turn is kept.
const SOON: Duration = Duration::from_secs(5);
/// Enough for one to be chosen by chance only rarely.
const ACCOUNTS: usize = 8;

async fn client(upstream: &Simulator, store: Arc<dyn Store>) -> Client {
    let keys = Keyring::parse(KEYS).expect("a key");
    settings(upstream, ACCOUNTS).with_store(store, keys).build().await.expect("a client")
}

#[tokio::test]
async fn after_a_restart_a_conversation_goes_on() {
    let upstream = simulator(Options::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let open = || Arc::new(SqliteStore::open(folder.path().join("llm2api.db")).expect("a store"));
    let first = client(&upstream, open()).await;
    let mut answer = begin(&first, "hello").await;
    first.shutdown(Duration::from_secs(5)).await;
    drop(first);
    assert_eq!(upstream.log().conversations.len(), 1, "it is kept");
    for text in ["and?", "so?", "more?"] {
        let next = client(&upstream, open()).await;
        answer = go_on(&next, &answer, text).await;
        next.shutdown(Duration::from_secs(5)).await;
    }
    let log = upstream.log();
    answer.is_true_to(&log);
    assert_eq!(made(&log), 1, "the account that has it is the one that is asked");
}

#[tokio::test]
async fn a_session_of_nobody_in_particular_is_used_while_it_is_known() {
    let upstream = simulator(Options::default()).await;
    let anonymous = settings(&upstream, 0).build().await.expect("a client");
    let first = begin(&anonymous, "hello").await;
    let second = go_on(&anonymous, &first, "and?").await;
    assert_eq!(made(&upstream.log()), 1);
    // Another process is given another session, to which that conversation is closed.
    let next = settings(&upstream, 0).build().await.expect("a client");
    go_on(&next, &second, "so?").await.is_true_to(&upstream.log());
    let log = upstream.log();
    assert_eq!(made(&log), 2);
    assert!(log.requests.iter().all(|sent| !sent.is_send() || !sent.sender().is_empty()));
    anonymous.shutdown(Duration::from_secs(5)).await;
    let left = upstream.log().conversations;
    assert_eq!(left.len(), 1, "what the first session has made is removed by it: {left:?}");
}

#[tokio::test]
async fn servers_that_share_a_store_share_conversations() {
    let (upstream, redis) = (simulator(Options::default()).await, Redis::start().await);
    let connect = async || RedisStore::connect(&redis.url()).await.expect("a store");
    let mut fleet = Vec::new();
    for _ in 0..2 {
        fleet.push(client(&upstream, Arc::new(connect().await)).await);
    }
    let store = connect().await;
    let mut answer = begin(&fleet[0], "hello").await;
    for turn in 1..8 {
        // Only the server that has answered waits for its note: the others have to find it there.
        eventually("the turn is kept", SOON, async || {
            let branches = store.branches().expect("it keeps them");
            let kept = branches.conversations().await.expect("an answer").pop()?;
            let question = format!("SCARD llm2api:conversation-branches:{}", kept.id);
            redis.number(&question).await.filter(|count| *count == turn)
        })
        .await;
        answer = go_on(&fleet[usize::from(turn % 2 == 1)], &answer, "and?").await;
    }
    let log = upstream.log();
    answer.is_true_to(&log);
    assert_eq!(made(&log), 1);
}
