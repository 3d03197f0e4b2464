use std::sync::Arc;
use std::time::Duration;

use llm2api_core::store::{Correction, RedisStore, Short, Spend, Spent, Store, Usage};
use llm2api_tests::processes::{Redis, eventually};
use tokio::task::JoinSet;

const MINUTE: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(8);

async fn usage(redis: &Redis) -> Arc<dyn Usage> {
    let store = RedisStore::connect(&redis.url()).await.expect("a store");
    store.usage().expect("several servers count")
}

fn ask(per_minute: Option<u32>, per_day: Option<u64>, tokens: u64) -> Spend {
    let mut ask = Spend::new("key_1", tokens);
    (ask.requests_per_minute, ask.tokens_per_day) = (per_minute, per_day);
    ask
}

async fn spend(usage: &Arc<dyn Usage>, ask: &Spend) -> Spent {
    usage.spend(ask).await.expect("an answer")
}

#[tokio::test]
async fn a_request_gets_all_it_asks_for_or_nothing_is_counted() {
    let redis = Redis::start().await;
    let usage = usage(&redis).await;
    let first = spend(&usage, &ask(Some(2), Some(100), 60)).await;
    assert_eq!((first.short, first.tokens), (None, 60));
    assert_eq!(first.full_in, MINUTE / 2);
    assert!(first.day > 20_000 && first.day_ends_in <= MINUTE * 60 * 24, "{first:?}");

    let second = spend(&usage, &ask(Some(2), Some(100), 60)).await;
    assert_eq!((second.short, second.tokens), (None, 120), "there were some left");
    let full = second.full_in;
    assert!(full > MINUTE * 9 / 10 && full <= MINUTE, "{full:?}");

    let no_tokens = spend(&usage, &ask(Some(9), Some(100), 60)).await;
    assert_eq!((no_tokens.short, no_tokens.tokens), (Some(Short::Tokens), 120));
    assert!(no_tokens.full_in <= full, "no request of the minute was taken");

    let no_requests = spend(&usage, &ask(Some(2), Some(1000), 60)).await;
    let Some(Short::Requests(wait)) = no_requests.short else { panic!("{no_requests:?}") };
    assert!(wait > MINUTE * 4 / 10 && wait <= MINUTE / 2, "{wait:?}");
    assert_eq!(no_requests.tokens, 120, "no token was taken");
    assert_eq!(usage.used("key_1").await.expect("a sum"), 120);
    assert_eq!(usage.used("key_2").await.expect("a sum"), 0);
    let none = spend(&usage, &ask(Some(0), None, 1)).await;
    assert_eq!(none.short, Some(Short::Requests(MINUTE)));
    assert_eq!(spend(&usage, &ask(None, Some(0), 1)).await.short, Some(Short::Tokens));
}

#[tokio::test]
async fn of_a_hundred_at_once_ten_are_within_the_limit() {
    let redis = Redis::start().await;
    let servers = [usage(&redis).await, usage(&redis).await];
    let mut tasks = JoinSet::new();
    for number in 0..100 {
        let usage = servers[number % 2].clone();
        tasks.spawn(async move { spend(&usage, &ask(Some(10), None, 7)).await.short.is_none() });
    }
    let begun = tasks.join_all().await.into_iter().filter(|begun| *begun).count();
    assert_eq!(begun, 10);
    assert_eq!(servers[0].used("key_1").await.expect("a sum"), 70);
}

#[tokio::test]
async fn a_minute_fills_up_again_by_and_by() {
    let redis = Redis::start().await;
    let usage = usage(&redis).await;
    let limit = ask(Some(120), None, 0);
    while spend(&usage, &limit).await.short.is_none() {}
    let again = async || spend(&usage, &limit).await.short.is_none().then_some(());
    eventually("one may begin", Duration::from_secs(5), again).await;
    assert!(spend(&usage, &limit).await.short.is_some(), "one, and not all of them");
    let more = spend(&usage, &ask(Some(240), None, 0)).await;
    assert!(more.short.is_some(), "under another limit the minute is as full as before");
}

#[tokio::test]
async fn a_correction_counts_once_and_never_below_nothing() {
    let redis = Redis::start().await;
    let usage = usage(&redis).await;
    let limit = ask(Some(1), None, 50);
    let spent = spend(&usage, &limit).await;
    assert!(spend(&usage, &limit).await.short.is_some());
    let mut corrections =
        [Correction::new("key_1", spent.day, -20), Correction::new("key_2", spent.day, 5)];
    corrections[0].sooner = MINUTE;
    for batch in ["first", "first"] {
        usage.correct(batch, &corrections).await.expect("heard");
    }
    assert_eq!(usage.used("key_1").await.expect("a sum"), 30);
    assert_eq!(usage.used("key_2").await.expect("a sum"), 5);
    let again = spend(&usage, &limit).await;
    assert_eq!((again.short, again.tokens), (None, 80), "the request was given back");

    usage.correct("second", &[Correction::new("key_1", spent.day, -1000)]).await.expect("heard");
    assert_eq!(usage.used("key_1").await.expect("a sum"), 0);
    usage.correct("third", &[Correction::new("key_1", spent.day - 1, 9)]).await.expect("heard");
    assert_eq!(usage.used("key_1").await.expect("a sum"), 0, "that was yesterday");
}

#[tokio::test]
async fn what_is_counted_runs_out() {
    let redis = Redis::start().await;
    let usage = usage(&redis).await;
    let spent = spend(&usage, &ask(Some(60_000), None, 50)).await;
    let day = redis.number(&format!("TTL llm2api:quota-tokens:{}:key_1", spent.day)).await;
    assert!(day.is_some_and(|left| left > 47 * 3600 && left <= 48 * 3600), "{day:?}");
    let minute =
        async || redis.number("EXISTS llm2api:quota-minute:key_1").await.filter(|n| *n == 0);
    eventually("an idle subject is forgotten", SOON, minute).await;
}

#[tokio::test]
async fn sums_beyond_what_is_exact_stay_full() {
    let redis = Redis::start().await;
    let usage = usage(&redis).await;
    for _ in 0..2 {
        spend(&usage, &ask(None, Some(u64::MAX), u64::MAX)).await;
    }
    assert_eq!(usage.used("key_1").await.expect("a sum"), (1 << 53) - 1);
    assert_eq!(spend(&usage, &ask(None, Some(1 << 53), 1)).await.short, None);
    assert_eq!(spend(&usage, &ask(None, Some(1000), 1)).await.short, Some(Short::Tokens));
}
