//! Two engines over one real Redis, which count together.

use std::sync::Arc;
use std::time::Duration;

use llm2api_core::Client;
use llm2api_core::quota::{Allowance, Exceeded, QuotaRefusal, QuotaStanding, Ticket};
use llm2api_core::store::{Keyring, RedisStore, Standing};
use llm2api_tests::processes::{Redis, eventually};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// What one server has used, the other knows after this time.
const SPREAD: Duration = Duration::from_secs(5);
/// A request is admitted or refused within this time, whatever Redis does: a second, and what a busy
/// machine adds.
const PATIENCE: Duration = Duration::from_millis(1500);
const GRACE: Duration = Duration::from_secs(20);

struct Fleet {
    redis: Redis,
    servers: [Client; 2],
}

impl Fleet {
    async fn start() -> Self {
        let (redis, keyring) = (Redis::start().await, Keyring::random());
        let servers = [server(&redis, &keyring).await, server(&redis, &keyring).await];
        Self { redis, servers }
    }

    /// Asks many times at once, at both servers in turn; returns what was admitted.
    async fn ask_at_once(&self, asked: usize, allowance: Allowance) -> Vec<Ticket> {
        let mut tasks = JoinSet::new();
        for number in 0..asked {
            let client = self.servers[number % 2].clone();
            tasks.spawn(async move { admit(&client, &allowance).await });
        }
        let answers = tasks.join_all().await.into_iter();
        answers.filter_map(|answer| Some(answer.ok()?.0)).collect()
    }

    async fn both_have_used(&self, tokens: u64) {
        for client in &self.servers {
            let used =
                async || (client.quotas().tokens_today("key_1").await == tokens).then_some(());
            eventually(&format!("{tokens} tokens are known"), SPREAD, used).await;
        }
    }

    async fn both_are(&self, standing: Standing) {
        for client in &self.servers {
            let are = async || (client.accounts().standing() == Some(standing)).then_some(());
            eventually(&format!("{standing:?}"), 3 * SPREAD, are).await;
        }
    }
}

async fn server(redis: &Redis, keyring: &Keyring) -> Client {
    let store = Arc::new(RedisStore::connect(&redis.url()).await.expect("a store"));
    Client::builder().with_store(store, keyring.clone()).build().await.expect("a client")
}

type Answer = Result<(Ticket, QuotaStanding), QuotaRefusal>;

/// Asks for a request of 10 tokens.
async fn admit(client: &Client, allowance: &Allowance) -> Answer {
    client.quotas().admit("key_1", allowance, 10).await
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

#[tokio::test(flavor = "multi_thread")]
async fn servers_share_each_limit_exactly() {
    let fleet = Fleet::start().await;
    let held = fleet.ask_at_once(100, concurrency(10)).await;
    assert_eq!(held.len(), 10, "requests at the same time");
    let all = Allowance { concurrency: Some(10), ..requests(10) };
    assert_eq!(fleet.ask_at_once(10, all).await.len(), 0, "who has no place takes no request");
    drop(held);
    let free = async || admit(&fleet.servers[0], &concurrency(1)).await.ok();
    eventually("all places are free", SPREAD, free).await;
    assert_eq!(fleet.ask_at_once(100, requests(10)).await.len(), 10, "requests in a minute");
    fleet.both_have_used(100).await;
    assert_eq!(fleet.ask_at_once(100, tokens(200)).await.len(), 10, "tokens in a day");
    for client in &fleet.servers {
        let refusal = admit(client, &tokens(200)).await.expect_err("none are left");
        assert_eq!(refusal.which, Exceeded::Tokens);
        assert_eq!(refusal.standing.tokens.expect("a limit").remaining, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_really_used_counts_everywhere() {
    let fleet = Fleet::start().await;
    let [one, other] = &fleet.servers;
    let (mut more, _) = admit(one, &tokens(100)).await.expect("some are left");
    let (mut less, _) = admit(other, &tokens(100)).await.expect("some are left");
    fleet.both_have_used(20).await;
    more.settle(70);
    less.settle(3);
    drop((more, less));
    fleet.both_have_used(73).await;
    let (mut last, standing) = admit(one, &tokens(100)).await.expect("some are left");
    assert_eq!(standing.tokens.expect("a limit").remaining, 17);
    last.settle(500);
    drop(last);
    // It does not wait for the next time that corrections are told.
    one.shutdown(GRACE).await;
    assert_eq!(other.quotas().tokens_today("key_1").await, 573);
    assert_eq!(admit(other, &tokens(100)).await.expect_err("too many").which, Exceeded::Tokens);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_leaves_has_used_nothing() {
    let mut fleet = Fleet::start().await;
    let client = fleet.servers[0].clone();
    let both = Allowance { concurrency: Some(1), ..requests(6) };
    // The first one connects: later questions are on their way when they are left.
    drop(admit(&client, &both).await.expect("the first"));
    fleet.both_have_used(10).await;
    for allowance in [requests(6), both] {
        fleet.redis.freeze().await;
        let left = timeout(Duration::from_millis(100), admit(&client, &allowance)).await;
        assert!(left.is_err(), "Redis does not answer");
        fleet.redis.thaw().await;
        fleet.both_are(Standing::Joined).await;
    }
    fleet.both_have_used(10).await;
    let again = async || admit(&fleet.servers[1], &both).await.ok();
    let (_ticket, standing) = eventually("the place is free", SPREAD, again).await;
    assert_eq!(standing.requests.expect("a limit").remaining, 4, "the first one, and this");
}

/// Asks, and says how long that took.
async fn timed(client: &Client, allowance: &Allowance) -> (Answer, Duration) {
    let asked = Instant::now();
    let answer = admit(client, allowance).await;
    (answer, asked.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_hangs_requests_go_on_by_what_is_known() {
    let mut fleet = Fleet::start().await;
    let client = fleet.servers[0].clone();
    let all = Allowance { tokens_per_day: Some(25), concurrency: Some(4), ..requests(4) };
    drop(admit(&client, &all).await.expect("the first"));
    fleet.redis.freeze().await;
    let (second, waited) = timed(&client, &all).await;
    assert!(waited < PATIENCE, "{waited:?}");
    let (_ticket, standing) = second.expect("within the limits");
    assert_eq!(standing.requests.expect("a limit").remaining, 2, "the first is remembered");
    assert_eq!(standing.tokens.expect("a limit").remaining, 5);
    let (third, waited) = timed(&client, &all).await;
    assert!(third.is_ok() && waited < PATIENCE / 3, "nobody else waits for it: {waited:?}");
    let (fourth, waited) = timed(&client, &all).await;
    assert_eq!(fourth.expect_err("no tokens").which, Exceeded::Tokens);
    assert!(waited < PATIENCE / 3, "{waited:?}");
    assert_eq!(client.quotas().tokens_today("key_1").await, 30);
    fleet.redis.thaw().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_while_redis_was_away_is_told_afterwards() {
    let mut fleet = Fleet::start().await;
    let limit = tokens(1000);
    drop(fleet.ask_at_once(4, limit).await);
    fleet.both_have_used(40).await;
    fleet.redis.kill().await;
    let asked = Instant::now();
    let mut held = fleet.ask_at_once(10, limit).await;
    assert_eq!(held.len(), 10);
    assert!(asked.elapsed() < PATIENCE, "{:?}", asked.elapsed());
    let mut last = held.pop().expect("one of ten");
    drop(held);
    fleet.both_are(Standing::Alone).await;
    fleet.redis.resume().await;
    fleet.both_are(Standing::Joined).await;
    fleet.both_have_used(140).await;
    last.settle(200);
    drop(last);
    fleet.both_have_used(330).await;
    assert_eq!(fleet.ask_at_once(100, requests(10)).await.len(), 10, "limits are shared again");
}
