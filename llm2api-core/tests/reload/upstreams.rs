//! Upstreams come, go and come back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use llm2api_core::accounts::AccountState;
use llm2api_core::store::{Keyring, MemoryStore};
use llm2api_core::{Client, ClientBuilder, ErrorKind};
use tokio::time::sleep;

use crate::gatehouse::{Gatehouse, begin, limits, only, until, with};

/// Settings with two gatehouses.
fn both(one: &Gatehouse, keys: &[&str], other: &Gatehouse) -> ClientBuilder {
    with(one, keys).with_custom_upstream(other.config(&[]), other.clone())
}

#[tokio::test(start_paused = true)]
async fn g17_a_reload_keeps_rests_and_counters() {
    let house = Gatehouse::open("house");
    let client = with(&house, &["limited"]).build().await.expect("a client");
    begin(&client, "m").await.expect_err("limited");
    let (pool, account) = (only(&client), client.accounts().list().remove(0));
    assert_eq!((pool.state, pool.requests, pool.failures), (AccountState::Cooling, 1, 1));
    let config = house.config(&["limited"]).with_max_concurrency(9);
    let settings = Client::builder().with_custom_upstream(config, house.clone());
    client.reload(settings.with_limits(limits())).await.expect("valid");
    let mut expected = pool.clone();
    expected.max_concurrency = 9;
    assert_eq!(only(&client), expected);
    assert_eq!(client.accounts().list()[0].fingerprint, account.fingerprint);
    assert_eq!(client.metrics().snapshot().failed, 1);
}

#[tokio::test(start_paused = true)]
async fn g17_the_accounts_of_a_removed_upstream_come_back_as_they_were() {
    let (one, other) = (Gatehouse::new("one"), Gatehouse::open("other"));
    let (store, keyring) = (Arc::new(MemoryStore::default()), Keyring::random());
    let settings = both(&one, &["ann", "limited"], &other);
    let settings = settings.with_store(store.clone(), keyring.clone()).with_alias("x", ["one/m"]);
    let client = settings.build().await.expect("a client");
    // Until both have been met: one answers, and one rests.
    let mut running = Vec::new();
    while !client.pool().list().iter().any(|one| one.state == AccountState::Cooling) {
        running.push(begin(&client, "one/m").await.expect("ann answers"));
    }
    let (before, listed) = (client.pool().list(), client.accounts().list());

    client.reload(with(&other, &[])).await.expect("valid");
    assert_eq!(&*only(&client).upstream, "other");
    assert!(client.accounts().list().is_empty() && client.accounts().export().is_empty());
    let gone = client.accounts().get(&listed[0].id).expect_err("out of use");
    assert_eq!(gone.code(), "cookie_not_found");
    let ended = running.pop().expect("one runs");
    one.ends.add_permits(1);
    assert_eq!(ended.collect().await.expect("it ends whole").text(), "one");

    let settings = both(&one, &["ann", "limited"], &other).with_alias("x", ["one/m"]);
    client.reload(settings).await.expect("valid");
    let key = |status: &llm2api_core::pool::CredentialStatus| status.id.to_string();
    let (mut now, mut before) = (client.pool().list(), before);
    now.sort_by_key(key);
    before.sort_by_key(key);
    let standing = |all: &[llm2api_core::pool::CredentialStatus]| {
        let one = |s: &llm2api_core::pool::CredentialStatus| (s.id.clone(), s.state, s.until);
        all.iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(standing(&now), standing(&before));
    let flying: u32 = now.iter().map(|status| status.in_flight).sum();
    assert_eq!(flying as usize, running.len(), "those that go on still count");
    assert_eq!(client.accounts().list().len(), 2);
    begin(&client, "x").await.expect("ann answers");
    client.shutdown(Duration::from_secs(5)).await;
    drop((client, running));

    let settings = both(&one, &[], &other).with_store(store, keyring);
    let client = settings.build().await.expect("a client");
    let states: Vec<_> = client.accounts().list().iter().map(|account| account.state).collect();
    assert_eq!(states.len(), 2);
    assert!(states.contains(&AccountState::Cooling), "the store has it: {states:?}");
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_the_store_knows_brings_its_accounts() {
    let (one, other) = (Gatehouse::open("one"), Gatehouse::open("other"));
    let (store, keyring) = (Arc::new(MemoryStore::default()), Keyring::random());
    let settings = both(&one, &["ann"], &other).with_store(store.clone(), keyring.clone());
    let client = settings.build().await.expect("a client");
    begin(&client, "one/m").await.expect("sent").collect().await.expect("whole");
    client.shutdown(Duration::from_secs(5)).await;
    drop(client);
    let client = with(&other, &[]).with_store(store, keyring).build().await.expect("a client");
    assert!(client.accounts().list().is_empty());
    client.reload(both(&one, &[], &other)).await.expect("valid");
    let accounts = client.accounts().list();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].requests, 1, "counters come along");
}

#[tokio::test(start_paused = true)]
async fn a_replaced_upstream_lives_as_long_as_its_answers() {
    let (old, new) = (Gatehouse::new("house"), Gatehouse::open("house"));
    let client = with(&old, &["ann"]).build().await.expect("a client");
    let mut running = begin(&client, "m").await.expect("sent");
    running.next().await.expect("a word").expect("no error");
    client.reload(with(&new, &["ann"])).await.expect("valid");
    assert!(old.holders() > 1, "its answer still runs");
    begin(&client, "m").await.expect("sent").collect().await.expect("the new one ends at once");
    assert_eq!(only(&client).in_flight, 1);
    old.ends.add_permits(1);
    while let Some(item) = running.next().await {
        item.expect("no error");
    }
    drop(running);
    assert_eq!(old.holders(), 1, "nobody has it any more");
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_follow_their_model_to_another_upstream() {
    let (old, new) = (Gatehouse::new("old"), Gatehouse::open("new"));
    let config = old.config(&["ann"]).with_max_concurrency(1);
    let settings = Client::builder().with_custom_upstream(config, old.clone());
    let settings = settings.with_alias("x", ["old/m"]);
    let client = settings.build().await.expect("a client");
    let running = begin(&client, "x").await.expect("a place");
    let swap = async {
        sleep(Duration::from_secs(1)).await;
        client.reload(with(&new, &[]).with_alias("x", ["new/m"])).await.expect("valid");
    };
    let (waited, ()) = tokio::join!(begin(&client, "x"), swap);
    assert_eq!(waited.expect("sent").collect().await.expect("whole").text(), "new");
    old.ends.add_permits(1);
    assert_eq!(running.collect().await.expect("whole").text(), "old");
    let gone = begin(&client, "old/m").await;
    assert!(gone.is_ok(), "the only upstream is asked for what nobody lists");
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_find_their_model_however_often_it_moves() {
    let houses = [Gatehouse::new("even"), Gatehouse::new("odd")];
    let settings = |at: usize| {
        let house = &houses[at % 2];
        let config = house.config(&["ann"]).with_max_concurrency(1);
        let settings = Client::builder().with_custom_upstream(config, house.clone());
        settings.with_alias("x", [format!("{}/m", ["even", "odd"][at % 2])])
    };
    let client = settings(0).build().await.expect("a client");
    let even = begin(&client, "x").await.expect("a place");
    client.reload(settings(1)).await.expect("valid");
    let odd = begin(&client, "x").await.expect("a place");
    let moves = async {
        for at in 2..12 {
            sleep(Duration::from_secs(1)).await;
            client.reload(settings(at)).await.expect("valid");
        }
        drop((even, odd));
    };
    let (waited, ()) = tokio::join!(begin(&client, "x"), moves);
    houses[1].ends.add_permits(1);
    assert_eq!(waited.expect("sent").collect().await.expect("whole").text(), "odd");
}

#[tokio::test(start_paused = true)]
async fn new_credentials_are_used_at_once_and_checked_later() {
    let house = Gatehouse::open("house");
    let client = with(&house, &["ann"]).build().await.expect("a client");
    until(|| house.checks.load(Ordering::Relaxed) == 1).await;
    client.reload(with(&house, &["ann", "bob", "bob"])).await.expect("valid");
    let accounts = client.accounts().list();
    assert_eq!(accounts.len(), 2);
    until(|| house.checks.load(Ordering::Relaxed) == 2).await;
    client.accounts().remove(&accounts[1].id).await.expect("there");
    client.reload(with(&house, &["bob"])).await.expect("valid");
    assert_eq!(client.accounts().list().len(), 1, "what the operator has removed stays removed");
    assert_eq!(client.accounts().list()[0].id, accounts[0].id, "and what he has not stays");
    let error = client.accounts().get(&accounts[1].id).expect_err("removed");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}
