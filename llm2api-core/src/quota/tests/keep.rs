//! Tokens over a restart.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::sleep;

use super::{DAY, Date, MINUTE, SECOND, TEN, admitted, memory, refused, tokens};
use crate::quota::Quotas;
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
    let old = [Count::new("usage:29999:key_1", "tokens", 50), Count::new("usage:x", "tokens", 1)];
    store.add("old", &old).await.expect("added");
    let others = Count::new("credential:cred_1", "requests", 1);
    store.add("others", &[others]).await.expect("added");
    let quotas = date.quotas(&store);
    beside(&quotas, async {
        let mut long = admitted(&quotas, &limit, 30).await;
        admitted(&quotas, &limit, 20).await;
        sleep(6 * SECOND).await;
        assert_eq!(kept(&store).await, [("usage:30000:key_1".into(), 20)]);
        date.set(TEN + DAY);
        long.settle(70);
        drop(long);
        sleep(6 * SECOND).await;
        assert_eq!(kept(&store).await, []);
        admitted(&quotas, &limit, 20).await;
    })
    .await;
    assert_eq!(kept(&store).await, [("usage:30001:key_1".into(), 20)]);
    assert_eq!(store.counts("credential:").await.expect("counts").len(), 1);
}
