//! Tokens over a restart.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::{DAY, Date, MINUTE, SECOND, TEN, admitted, memory, refused, tokens};
use crate::quota::{Allowance, Quotas};
use crate::store::moody::{Mood, Moody};
use crate::store::{Count, Store};

/// Has the background work go on beside something, and end in order.
async fn beside(quotas: &Quotas, something: impl Future<Output = ()>) {
    let (stop, stopped) = watch::channel(());
    let something = async {
        something.await;
        drop(stop);
    };
    tokio::join!(quotas.work(stopped), something);
}

async fn kept(store: &Arc<dyn Store>) -> Vec<(String, u64)> {
    let mut counts = store.counts("usage:").await.expect("counts");
    counts.sort();
    counts.into_iter().map(|Count { series, value, .. }| (series, value)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_restart_keeps_the_tokens_of_the_day() {
    let (store, date, limit) = (memory(), Date::new(TEN), tokens(100));
    let first = date.quotas(&store);
    beside(&first, async {
        admitted(&first, &limit, 30).await;
        sleep(6 * SECOND).await;
        assert_eq!(kept(&store).await, [("usage:30000:key_1".into(), 30)], "every few seconds");
        admitted(&first, &limit, 30).await.settle(65);
        let running = admitted(&first, &limit, 4).await;
        sleep(6 * SECOND).await;
        assert_eq!(kept(&store).await[0].1, 95, "what runs is not known yet");
        drop(running);
    })
    .await;
    assert_eq!(kept(&store).await[0].1, 99, "and in the end");

    let second = date.quotas(&store);
    assert_eq!(second.tokens_today("key_1").await, 99);
    beside(&second, async {
        admitted(&second, &limit, 1).await;
        refused(&second, &limit).await;
        sleep(MINUTE).await;
        assert_eq!(second.tokens_today("key_1").await, 100, "nothing counts twice");
    })
    .await;
    assert_eq!(date.quotas(&store).tokens_today("key_1").await, 100);
}

#[tokio::test(start_paused = true)]
async fn days_that_are_over_are_forgotten() {
    let (store, date, limit) = (memory(), Date::new(TEN), tokens(100));
    let old = [29_998, 29_999].map(|day| Count::new(format!("usage:{day}:key_1"), "tokens", 50));
    store.add("old", &old, &[]).await.expect("added");
    let others = Count::new("credential:cred_1", "requests", 1);
    store.add("others", &[others], &[]).await.expect("added");
    let quotas = date.quotas(&store);
    beside(&quotas, async {
        let mut long = admitted(&quotas, &limit, 30).await;
        admitted(&quotas, &limit, 20).await;
        sleep(6 * SECOND).await;
        let yesterday = ("usage:29999:key_1".into(), 50);
        assert_eq!(kept(&store).await, [yesterday, ("usage:30000:key_1".into(), 20)]);
        date.set(TEN + DAY);
        long.settle(70);
        drop(long);
        sleep(6 * SECOND).await;
        assert_eq!(kept(&store).await, [("usage:30000:key_1".into(), 90)]);
        admitted(&quotas, &limit, 30).await;
    })
    .await;
    let both = [("usage:30000:key_1".into(), 90), ("usage:30001:key_1".into(), 30)];
    assert_eq!(kept(&store).await, both);
    assert_eq!(store.counts("credential:").await.expect("counts").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_holds_nobody_up_and_counts_once_it_can() {
    for mood in [Mood::Fails, Mood::Hangs] {
        let (frail, date, limit) = (Moody::default(), Date::new(TEN), tokens(100));
        let store: Arc<dyn Store> = Arc::new(frail.clone());
        let earlier = Count::new("usage:30000:key_1", "tokens", 60);
        store.add("earlier", &[earlier], &[]).await.expect("added");
        frail.set(mood);
        let (quotas, asked) = (date.quotas(&store), Instant::now());
        admitted(&quotas, &limit, 30).await;
        assert!(asked.elapsed() < SECOND, "{mood:?}");
        admitted(&quotas, &limit, 5).await;
        frail.set(Mood::Works);
        beside(&quotas, async {
            assert_eq!(quotas.tokens_today("key_1").await, 35, "{mood:?}");
            sleep(6 * SECOND).await;
            assert_eq!(quotas.tokens_today("key_1").await, 95, "{mood:?}");
            sleep(MINUTE).await;
            assert_eq!(quotas.tokens_today("key_1").await, 95, "{mood:?}");
        })
        .await;
        assert_eq!(kept(&store).await[0].1, 95, "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_kept_is_kept_later() {
    let (frail, date, limit) = (Moody::default(), Date::new(TEN), tokens(1000));
    let (store, inner): (Arc<dyn Store>, Arc<dyn Store>) =
        (Arc::new(frail.clone()), frail.inner.clone());
    let quotas = date.quotas(&store);
    beside(&quotas, async {
        admitted(&quotas, &limit, 10).await;
        frail.set(Mood::Fails);
        sleep(6 * SECOND).await;
        admitted(&quotas, &limit, 20).await;
        sleep(6 * SECOND).await;
        assert_eq!(kept(&inner).await, []);
        frail.set(Mood::Works);
        sleep(11 * SECOND).await;
        assert_eq!(kept(&inner).await[0].1, 30);
        assert_eq!(quotas.tokens_today("key_1").await, 30);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_tokens_are_kept_after_a_batch_that_failed() {
    let (frail, date, limit) = (Moody::default(), Date::new(TEN), tokens(1000));
    let (store, inner): (Arc<dyn Store>, Arc<dyn Store>) =
        (Arc::new(frail.clone()), frail.inner.clone());
    let quotas = date.quotas(&store);
    beside(&quotas, async {
        admitted(&quotas, &limit, 10).await;
        frail.set(Mood::Fails);
        sleep(6 * SECOND).await;
        admitted(&quotas, &limit, 20).await;
        frail.set(Mood::Works);
    })
    .await;
    assert_eq!(kept(&inner).await, [("usage:30000:key_1".into(), 30)]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_while_the_store_hangs_holds_nothing() {
    let (frail, date) = (Moody::default(), Date::new(TEN));
    frail.set(Mood::Hangs);
    let quotas = date.quotas(&(Arc::new(frail) as Arc<dyn Store>));
    let limit = Allowance { concurrency: Some(1), ..tokens(100) };
    let asked = quotas.admit("key_1", &limit, 100);
    assert!(timeout(SECOND / 2, asked).await.is_err(), "it waits for the store");
    admitted(&quotas, &limit, 100).await;
    assert_eq!(quotas.tokens_today("key_1").await, 100);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_behind_at_the_start_forgets_nothing() {
    let (store, date, limit) = (memory(), Date::new(TEN), tokens(100));
    let first = date.quotas(&store);
    beside(&first, async { drop(admitted(&first, &limit, 100).await) }).await;
    date.set(TEN - 2 * DAY);
    let second = date.quotas(&store);
    beside(&second, async {
        sleep(6 * SECOND).await;
        date.set(TEN);
        sleep(6 * SECOND).await;
        assert_eq!(kept(&store).await, [("usage:30000:key_1".into(), 100)]);
        refused(&second, &limit).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_a_day_ahead_and_back_forgets_nothing() {
    let (store, date, limit) = (memory(), Date::new(TEN), tokens(100));
    let quotas = date.quotas(&store);
    beside(&quotas, async {
        drop(admitted(&quotas, &limit, 60).await);
        sleep(6 * SECOND).await;
        date.set(TEN + DAY);
        assert_eq!(quotas.tokens_today("key_1").await, 0);
        date.set(TEN + 1);
        drop(admitted(&quotas, &limit, 30).await);
        sleep(6 * SECOND).await;
        assert_eq!(quotas.tokens_today("key_1").await, 90, "although nothing was read meanwhile");
        date.set(TEN + DAY);
        sleep(6 * SECOND).await;
        date.set(TEN + 2);
        sleep(MINUTE).await;
        assert_eq!(quotas.tokens_today("key_1").await, 90, "and where it was");
    })
    .await;
    assert_eq!(kept(&store).await, [("usage:30000:key_1".into(), 90)]);
}
