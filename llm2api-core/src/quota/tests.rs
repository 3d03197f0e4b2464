mod keep;
mod laws;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, advance};

use super::{Allowance, Exceeded, QuotaRefusal, QuotaStanding, Quotas, Rate, Ticket};
use crate::store::{MemoryStore, Store};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: u64 = 24 * 3600;
/// A day of many years later, at ten in the evening: it ends in two hours.
const TEN: u64 = 30_000 * DAY + 22 * 3600;

/// A date that the test sets.
#[derive(Clone)]
struct Date(Arc<AtomicU64>);

impl Date {
    fn new(unix: u64) -> Self {
        Self(Arc::new(AtomicU64::new(unix)))
    }

    fn set(&self, unix: u64) {
        self.0.store(unix, Ordering::Relaxed);
    }

    fn quotas(&self, store: &Arc<dyn Store>) -> Quotas {
        let date = self.0.clone();
        Quotas::with_date(store.clone(), Box::new(move || date.load(Ordering::Relaxed)))
    }
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::default())
}

fn quotas() -> Quotas {
    Date::new(TEN).quotas(&memory())
}

fn requests(limit: u32) -> Allowance {
    Allowance { requests_per_minute: Some(limit), ..Allowance::default() }
}

fn tokens(limit: u64) -> Allowance {
    Allowance { tokens_per_day: Some(limit), ..Allowance::default() }
}

fn concurrency(limit: u32) -> Allowance {
    Allowance { concurrency: Some(limit), ..Allowance::default() }
}

async fn admitted(quotas: &Quotas, allowance: &Allowance, estimate: u64) -> Ticket {
    quotas.admit("key_1", allowance, estimate).await.expect("within the limits").0
}

async fn standing(quotas: &Quotas, allowance: &Allowance, estimate: u64) -> QuotaStanding {
    quotas.admit("key_1", allowance, estimate).await.expect("within the limits").1
}

async fn refused(quotas: &Quotas, allowance: &Allowance) -> QuotaRefusal {
    quotas.admit("key_1", allowance, 10).await.expect_err("a limit is reached")
}

#[tokio::test(start_paused = true)]
async fn requests_may_begin_at_once_and_come_back_one_by_one() {
    let (quotas, limit) = (quotas(), requests(3));
    for left in [2, 1, 0] {
        let rate = standing(&quotas, &limit, 10).await.requests.expect("a limit");
        let reset = (3 - u32::try_from(left).expect("small")) * 20 * SECOND;
        assert_eq!(rate, Rate { limit: 3, remaining: left, reset });
    }
    advance(5 * SECOND).await;
    let refusal = refused(&quotas, &limit).await;
    assert_eq!((refusal.which, refusal.retry_after), (Exceeded::Requests, 15 * SECOND));
    let rate = Rate { limit: 3, remaining: 0, reset: 55 * SECOND };
    assert_eq!(refusal.standing.requests, Some(rate));
    advance(Duration::from_millis(14_999)).await;
    refused(&quotas, &limit).await;
    advance(Duration::from_millis(1)).await;
    admitted(&quotas, &limit, 10).await;
    refused(&quotas, &limit).await;
    quotas.admit("key_2", &limit, 10).await.expect("another's limit is another one");
    advance(MINUTE).await;
    assert_eq!(standing(&quotas, &limit, 10).await.requests.expect("a limit").remaining, 2);
}

#[tokio::test(start_paused = true)]
async fn another_limit_holds_at_once_and_keeps_the_share_that_is_used() {
    let quotas = quotas();
    for _ in 0..5 {
        admitted(&quotas, &requests(10), 10).await;
    }
    let rate = standing(&quotas, &requests(100), 10).await.requests.expect("a limit");
    assert_eq!((rate.limit, rate.remaining), (100, 49), "half of it was used before");
    let refusal = refused(&quotas, &requests(1)).await;
    assert_eq!(refusal.which, Exceeded::Requests);
    advance(refusal.retry_after).await;
    admitted(&quotas, &requests(1), 10).await;
    admitted(&quotas, &tokens(1_000_000), 10).await;
    refused(&quotas, &tokens(60)).await;
}

#[tokio::test]
async fn whoever_is_refused_has_used_nothing() {
    let quotas = quotas();
    let all = |requests, tokens, places| Allowance {
        requests_per_minute: Some(requests),
        tokens_per_day: Some(tokens),
        concurrency: Some(places),
    };
    let first = admitted(&quotas, &all(9, 100, 9), 60).await;
    let refusal = refused(&quotas, &all(9, 100, 1)).await;
    assert_eq!((refusal.which, refusal.retry_after), (Exceeded::Concurrency, SECOND));
    let left = |standing: QuotaStanding| {
        let left = |rate: Option<Rate>| rate.expect("a limit").remaining;
        (left(standing.requests), left(standing.tokens))
    };
    assert_eq!(left(refusal.standing), (8, 40), "it is told how the others stand");
    assert_eq!(refused(&quotas, &all(9, 60, 2)).await.which, Exceeded::Tokens);
    assert_eq!(refused(&quotas, &all(1, 100, 2)).await.which, Exceeded::Requests);
    assert_eq!(refused(&quotas, &all(1, 60, 2)).await.which, Exceeded::Tokens, "the longer wait");
    assert_eq!(quotas.tokens_today("key_1").await, 60);
    let second = quotas.admit("key_1", &all(9, 100, 2), 5).await.expect("the place went back");
    assert_eq!(left(second.1), (7, 35));
    refused(&quotas, &all(9, 100, 2)).await;
    drop(first);
    admitted(&quotas, &all(9, 100, 2), 5).await;
}

#[tokio::test]
async fn a_place_is_held_until_the_ticket_is_dropped() {
    let (quotas, limit) = (quotas(), concurrency(2));
    let one = admitted(&quotas, &limit, 10).await;
    let other = admitted(&quotas, &limit, 10).await;
    assert_eq!(refused(&quotas, &limit).await.which, Exceeded::Concurrency);
    // As in a program that has left its runtime.
    std::thread::spawn(move || drop(one)).join().expect("no panic");
    let third = admitted(&quotas, &limit, 10).await;
    refused(&quotas, &limit).await;
    drop((other, third));
    let both = (admitted(&quotas, &limit, 10).await, admitted(&quotas, &limit, 10).await);
    refused(&quotas, &limit).await;
    drop(both);
}

#[test]
fn tickets_ride_in_streams() {
    fn rides<T: Send + Sync + std::fmt::Debug + 'static>() {}
    rides::<Ticket>();
    rides::<Quotas>();
}

#[tokio::test]
async fn limits_of_nothing_let_nothing_begin() {
    let quotas = quotas();
    for (allowance, which) in [
        (requests(0), Exceeded::Requests),
        (tokens(0), Exceeded::Tokens),
        (concurrency(0), Exceeded::Concurrency),
    ] {
        let refusal = refused(&quotas, &allowance).await;
        assert_eq!(refusal.which, which);
        assert!(refusal.retry_after >= SECOND);
        assert!(!refusal.to_string().is_empty());
    }
}

#[tokio::test]
async fn without_limits_nothing_is_counted() {
    let quotas = quotas();
    let (mut ticket, standing) =
        quotas.admit("key_1", &Allowance::default(), 10).await.expect("no limit");
    assert_eq!(standing, QuotaStanding::default());
    ticket.settle(1000);
    drop(ticket);
    admitted(&quotas, &concurrency(1), 10).await.settle(7);
    assert_eq!(quotas.tokens_today("key_1").await, 0);
    assert!(format!("{quotas:?}").contains("subjects: 1"), "the one that holds a place");
}

#[tokio::test]
async fn an_estimate_counts_at_once_and_gives_way_to_what_was_used() {
    let (quotas, limit) = (quotas(), tokens(100));
    let today = async || quotas.tokens_today("key_1").await;
    let mut more = admitted(&quotas, &limit, 30).await;
    let mut less = admitted(&quotas, &limit, 20).await;
    let unknown = admitted(&quotas, &limit, 5).await;
    assert_eq!(today().await, 55);
    more.settle(1);
    more.settle(40);
    less.settle(0);
    assert_eq!(today().await, 55, "not before it has ended");
    drop((more, less, unknown));
    assert_eq!(today().await, 45);
    let rate = standing(&quotas, &limit, 60).await.tokens.expect("a limit");
    assert_eq!(rate, Rate { limit: 100, remaining: 0, reset: 2 * 60 * MINUTE });
    let refusal = refused(&quotas, &limit).await;
    assert_eq!((refusal.which, refusal.retry_after), (Exceeded::Tokens, 2 * 60 * MINUTE));
    admitted(&quotas, &tokens(u64::MAX), u64::MAX).await.settle(u64::MAX);
    assert_eq!(today().await, u64::MAX, "full, and not around");
}

#[tokio::test]
async fn tokens_come_back_at_midnight_and_yesterdays_stay_with_yesterday() {
    let date = Date::new(TEN);
    let (quotas, limit) = (date.quotas(&memory()), tokens(100));
    let mut long = admitted(&quotas, &limit, 100).await;
    date.set(TEN + 2 * 3600 - 1);
    assert_eq!(refused(&quotas, &limit).await.retry_after, SECOND);
    date.set(TEN + 2 * 3600);
    let rate = standing(&quotas, &limit, 10).await.tokens.expect("a limit");
    assert_eq!((rate.remaining, rate.reset), (90, 24 * 60 * MINUTE));
    long.settle(1000);
    drop(long);
    assert_eq!(quotas.tokens_today("key_1").await, 10);
    // A clock that is set back begins another day as well, and nobody is shut out.
    date.set(TEN - 400 * DAY);
    assert_eq!(quotas.tokens_today("key_1").await, 0);
    admitted(&quotas, &limit, 10).await;
}

#[tokio::test(start_paused = true)]
async fn idle_subjects_are_forgotten() {
    let date = Date::new(TEN);
    let quotas = date.quotas(&memory());
    let (stop, stopped) = watch::channel(());
    let known = || {
        let shown = format!("{quotas:?}");
        shown.split("subjects: ").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok())
    };
    let all = Allowance { concurrency: Some(9), tokens_per_day: Some(9), ..requests(60) };
    let lives = async {
        let held = admitted(&quotas, &all, 0).await;
        for number in 0..10_000 {
            let subject = format!("other_{number}");
            quotas.admit(&subject, &all, u64::from(number < 10)).await.expect("the first");
        }
        assert_eq!(known(), Some(10_001));
        tokio::time::sleep(MINUTE).await;
        assert_eq!(known(), Some(11), "one that runs, and those with tokens of today");
        date.set(TEN + DAY);
        tokio::time::sleep(MINUTE).await;
        assert_eq!(known(), Some(1));
        drop(held);
        tokio::time::sleep(MINUTE).await;
        assert_eq!(known(), Some(0));
        drop(stop);
    };
    let begun = Instant::now();
    tokio::join!(quotas.work(stopped), lives);
    assert!(begun.elapsed() < 4 * MINUTE, "it ends when told to");
}

#[tokio::test(start_paused = true)]
async fn a_long_request_counts_although_nothing_was_known_of_it_meanwhile() {
    let (quotas, limit) = (quotas(), tokens(100));
    let (stop, stopped) = watch::channel(());
    let lives = async {
        let mut ticket = admitted(&quotas, &limit, 0).await;
        tokio::time::sleep(10 * MINUTE).await;
        assert!(format!("{quotas:?}").contains("subjects: 0"));
        ticket.settle(100);
        drop(ticket);
        assert_eq!(refused(&quotas, &limit).await.which, Exceeded::Tokens);
        drop(stop);
    };
    tokio::join!(quotas.work(stopped), lives);
}
