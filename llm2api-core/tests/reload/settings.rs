//! Settings are taken as a whole, or not at all.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use llm2api_core::store::{Keyring, Store};
use llm2api_core::{Client, ClientBuilder, ErrorKind, Limits, UpstreamConfig};
use tokio::time::{Instant, sleep};

use crate::frail_store::FrailStore;
use crate::gatehouse::{Gatehouse, begin, only, until, with};

#[tokio::test(start_paused = true)]
async fn g17_a_wrong_builder_changes_nothing() {
    let house = Gatehouse::open("house");
    let client = with(&house, &["ann"]).with_alias("x", ["house/m"]).build().await.expect("valid");
    let before = (client.pool().list(), client.models().await.expect("models"));
    let new = || with(&house, &["ann", "bob"]).with_alias("y", ["house/m"]);
    let wrong: [(ClientBuilder, &str); 5] = [
        (new().with_alias("z", ["nowhere/m"]), "begins with no upstream's name"),
        (new().with_upstream(UpstreamConfig::new("openai", "o").with_url("no url")), "URL"),
        (new().with_upstream(UpstreamConfig::new("what", "w")), "unknown upstream kind"),
        (new().with_upstream(UpstreamConfig::new("demo", "house")), "two upstreams are called"),
        (
            new().with_upstream(UpstreamConfig::new("demo", "d").with_credential("a b=\n")),
            "holds a blank",
        ),
    ];
    for (builder, reason) in wrong {
        let error = client.reload(builder).await.expect_err(reason);
        assert!(error.message().contains(reason), "{error} for {reason}");
        let now = (client.pool().list(), client.models().await.expect("models"));
        assert_eq!(now, before, "{reason}");
    }
    assert_eq!(client.accounts().list().len(), 1, "nobody has kept bob");
    begin(&client, "x").await.expect("as before");
}

#[tokio::test(start_paused = true)]
async fn g17_a_store_that_fails_half_way_leaves_nothing_behind() {
    let (house, store) = (Gatehouse::open("house"), Arc::new(FrailStore::new(30)));
    let settings = with(&house, &["ann"]).with_store(store.clone(), Keyring::random());
    let client = settings.build().await.expect("a client");
    let keys: Vec<_> = (0..100).map(|at| format!("key-{at}")).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    let error = client.reload(with(&house, &keys)).await.expect_err("no room for all");
    assert_eq!(error.kind(), ErrorKind::Store);
    assert_eq!(client.accounts().list().len(), 1);
    assert_eq!(store.rows().await.expect("rows").0.len(), 1, "what was kept is taken back");
    client.reload(with(&house, &["ann"])).await.expect("nothing new to keep");
}

#[tokio::test(start_paused = true)]
async fn limits_hold_for_calls_that_begin_later() {
    let house = Gatehouse::new("house");
    let client = with(&house, &["ann"]).build().await.expect("a client");
    let running = begin(&client, "m").await.expect("a place");
    let mut limits = Limits::default();
    limits.total_timeout = Some(Duration::from_secs(2));
    client.reload(with(&house, &["ann"]).with_limits(limits)).await.expect("valid");
    let later = begin(&client, "m").await.expect("a place");
    let begun = Instant::now();
    let error = later.collect().await.expect_err("too long");
    assert_eq!((error.code(), begun.elapsed().as_secs()), ("total_timeout", 2));
    sleep(Duration::from_secs(60)).await;
    house.ends.add_permits(1);
    running.collect().await.expect("it began before");
}

#[tokio::test(start_paused = true)]
async fn the_check_interval_changes_and_other_reloads_do_not_put_checks_off() {
    let house = Gatehouse::open("house");
    let client = with(&house, &["ann"]).build().await.expect("a client");
    until(|| house.checks.load(Ordering::Relaxed) == 1).await;
    let settings = || with(&house, &["ann"]).with_check_interval(Duration::from_secs(600));
    for minute in 0..60 {
        sleep(Duration::from_secs(60)).await;
        let settings = settings().with_alias(format!("x{minute}"), ["house/m"]);
        client.reload(settings).await.expect("valid");
    }
    let checks = house.checks.load(Ordering::Relaxed);
    assert!((5..=8).contains(&checks), "once in ten minutes, not {checks} times");
    client.reload(with(&house, &["ann"])).await.expect("valid");
    sleep(Duration::from_secs(6000)).await;
    assert_eq!(house.checks.load(Ordering::Relaxed), checks, "switched off");
}

#[tokio::test(start_paused = true)]
async fn reloads_that_come_together_take_turns() {
    let house = Gatehouse::open("house");
    let client = with(&house, &["ann"]).build().await.expect("a client");
    let keys: Vec<_> = (0..20).map(|at| format!("key-{at}")).collect();
    let reloads = keys.iter().map(|key| client.reload(with(&house, &[key])));
    assert!(join_all(reloads).await.iter().all(Result::is_ok));
    assert_eq!(client.accounts().list().len(), 21);
}

#[tokio::test(start_paused = true)]
async fn after_the_end_nothing_is_reloaded() {
    let house = Gatehouse::open("house");
    let client = with(&house, &["ann"]).build().await.expect("a client");
    client.shutdown(Duration::from_secs(1)).await;
    let error = client.reload(Client::builder()).await.expect_err("shut down");
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(&*only(&client).upstream, "house");
}
