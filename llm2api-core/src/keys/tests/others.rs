//! What others do to the store.

use super::*;

/// Follows the store while something is done; it must end when told.
async fn following(keys: &ClientKeys, done: impl Future<Output = ()>) {
    let (stop, stopped) = watch::channel(());
    let done = async {
        done.await;
        drop(stop);
    };
    join(done, keys.work(stopped)).await;
}

/// Has the store lose all but an earlier state of a key.
async fn set_back(store: &MemoryStore, id: &str, old: String) {
    store.lose();
    let change = change::change_to(id, None, old, "key.restore", ME);
    store.change_record(&change).await.expect("memory works");
}

async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(2100)).await;
}

#[tokio::test(start_paused = true)]
async fn what_another_server_does_holds_here_within_two_seconds() {
    let (store, here) = keys().await;
    let there = ClientKeys::open(store).await.expect("memory works");
    following(&here, async {
        let issued = created(&there).await;
        a_moment().await;
        assert_eq!(state(&here, &issued.key), Some(KeyState::Active));
        there.revoke(&issued.entry.id, ME).await.expect("it is there");
        a_moment().await;
        assert_eq!(state(&here, &issued.key), Some(KeyState::Revoked));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_lost_everything_gets_it_back() {
    let (store, keys) = keys().await;
    let (good, bad) = (created(&keys).await, created(&keys).await);
    following(&keys, async {
        keys.revoke(&bad.entry.id, ME).await.expect("it is there");
        a_moment().await;
        let before = records(&store).await;
        store.lose();
        assert_eq!(state(&keys, &good.key), Some(KeyState::Active), "the last known keys go on");
        a_moment().await;
        assert_eq!(records(&store).await, before);
    })
    .await;
    let after = ClientKeys::open(store.clone()).await.expect("memory works");
    assert_eq!(state(&after, &bad.key), Some(KeyState::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_set_back_makes_no_revoked_key_good() {
    let (store, keys) = keys().await;
    let issued = created(&keys).await;
    let old = records(&store).await.remove(0).1;
    keys.revoke(&issued.entry.id, ME).await.expect("it is there");
    following(&keys, async {
        a_moment().await;
        set_back(&store, &issued.entry.id, old).await;
        a_moment().await;
        assert_eq!(state(&keys, &issued.key), Some(KeyState::Revoked));
    })
    .await;
    let after = ClientKeys::open(store.clone()).await.expect("memory works");
    assert_eq!(state(&after, &issued.key), Some(KeyState::Revoked));
}

#[tokio::test]
async fn a_key_that_the_store_lost_can_be_changed() {
    let (store, keys) = keys().await;
    let issued = created(&keys).await;
    store.lose();
    keys.revoke(&issued.entry.id, ME).await.expect("it is known here");
    let after = ClientKeys::open(store.clone()).await.expect("memory works");
    assert_eq!(state(&after, &issued.key), Some(KeyState::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_change_after_a_lost_revocation_makes_no_key_good() {
    for changes in [1, 2] {
        let (store, here) = keys().await;
        let issued = created(&here).await;
        let (id, old) = records(&store).await.remove(0);
        here.revoke(&id, ME).await.expect("it is there");
        set_back(&store, &id, old).await;
        let there = ClientKeys::open(store.clone()).await.expect("memory works");
        for number in 0..changes {
            let change = KeyChange { concurrency: Change::Set(9 - number), ..KeyChange::default() };
            there.update(&id, change, ME).await.expect("it knows of no revocation");
        }
        created(&there).await;
        assert_eq!(state(&there, &issued.key), Some(KeyState::Active));
        following(&here, following(&there, a_moment())).await;
        for keys in [&here, &there, &ClientKeys::open(store).await.expect("memory works")] {
            assert_eq!(state(keys, &issued.key), Some(KeyState::Revoked), "{changes} changes");
        }
    }
}

#[tokio::test]
async fn who_knows_of_a_revocation_changes_nothing_that_a_store_makes_of_the_key() {
    let (store, here) = keys().await;
    let issued = created(&here).await;
    let (id, old) = records(&store).await.remove(0);
    here.revoke(&id, ME).await.expect("it is there");
    set_back(&store, &id, old).await;
    let there = ClientKeys::open(store).await.expect("memory works");
    there.rotate(&id, Duration::ZERO, ME).await.expect("it knows of no revocation");
    assert_eq!(code(here.rotate(&id, Duration::ZERO, ME).await).0, "key_revoked");
    assert_eq!(state(&here, &issued.key), Some(KeyState::Revoked));
}
