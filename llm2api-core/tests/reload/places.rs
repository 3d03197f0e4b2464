//! Places are counted over reloads.

use std::time::Duration;

use futures::future::join_all;
use llm2api_core::{ChatStream, Client, ErrorKind};

use crate::gatehouse::{Gatehouse, begin, limits, only, until, with};

/// Settings with one account of so many places.
async fn reload(client: &Client, house: &Gatehouse, places: u32) {
    let config = house.config(&["ann"]).with_max_concurrency(places);
    let settings =
        Client::builder().with_custom_upstream(config, house.clone()).with_limits(limits());
    client.reload(settings).await.expect("valid");
}

async fn begin_all(client: &Client, calls: usize) -> Vec<ChatStream> {
    let calls = join_all((0..calls).map(|_| begin(client, "m"))).await;
    calls.into_iter().map(|call| call.expect("a place")).collect()
}

#[tokio::test(start_paused = true)]
async fn g04_a_reload_forgets_no_call_under_way_and_a_lower_limit_holds_at_once() {
    let house = Gatehouse::new("house");
    let client = with(&house, &["ann"]).with_limits(limits()).build().await.expect("a client");
    let mut calls = begin_all(&client, 4).await;
    reload(&client, &house, 2).await;
    let status = only(&client);
    assert_eq!((status.in_flight, status.max_concurrency), (4, 2));
    for left in [3, 2] {
        calls.pop();
        assert_eq!(only(&client).in_flight, left);
        let refused = begin(&client, "m").await.expect_err("no place");
        assert_eq!(refused.kind(), ErrorKind::PoolExhausted, "{refused}");
    }
    calls.pop();
    calls.extend(begin_all(&client, 1).await);
    assert_eq!(only(&client).in_flight, 2);
    calls.clear();
    assert_eq!(only(&client).in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_higher_limit_lets_those_in_who_wait() {
    let house = Gatehouse::new("house");
    let config = house.config(&["ann"]).with_max_concurrency(1);
    let settings = Client::builder().with_custom_upstream(config, house.clone());
    let client = settings.with_limits(limits()).build().await.expect("a client");
    let first = begin_all(&client, 1).await;
    let raise = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        reload(&client, &house, 3).await;
    };
    let (more, ()) = tokio::join!(begin_all(&client, 2), raise);
    assert_eq!(only(&client).in_flight, 3);
    drop((first, more));
    assert_eq!(only(&client).in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn g04_places_are_exact_while_reloads_storm() {
    let house = Gatehouse::open("house");
    let client = with(&house, &["ann"]).with_limits(limits()).build().await.expect("a client");
    let storm = async {
        for round in 0..200 {
            if round % 5 == 4 {
                let other = Gatehouse::open("house");
                reload(&client, &other, 1 + round % 3).await;
            } else {
                reload(&client, &house, 1 + round % 3).await;
            }
            tokio::task::yield_now().await;
        }
    };
    let calls = (0..200).map(|_| async {
        let call = begin(&client, "m").await.expect("a place in time");
        assert!(only(&client).in_flight <= 3 + 1, "one that was taken before the limit fell");
        assert_eq!(call.collect().await.expect("whole").text(), "house");
    });
    tokio::join!(storm, join_all(calls));
    until(|| only(&client).in_flight == 0).await;
    assert_eq!(only(&client).requests, 200);
}
