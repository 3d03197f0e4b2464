//! Two engines over one real Redis: what one is told holds at the other.

use std::sync::Arc;
use std::time::Duration;

use llm2api_core::accounts::{AccountChange, AccountState};
use llm2api_core::credential::Signal;
use llm2api_core::store::{Keyring, RedisStore};
use llm2api_core::{Client, CredentialId};
use llm2api_tests::processes::{Redis, eventually};
use tokio::time::sleep;

use crate::club::{Club, Home, add};

/// What one engine was told, the other knows after this time.
const SPREAD: Duration = Duration::from_secs(6);
/// By then all news have gone round twice.
const QUIET: Duration = Duration::from_millis(2500);

struct Fleet {
    redis: Redis,
    club: Club,
    keyring: Keyring,
    one: Client,
    other: Client,
}

impl Fleet {
    async fn start() -> Self {
        let (redis, club) = (Redis::start().await, Club::default());
        let keyring = Keyring::random();
        let one = start(&redis, &club, &keyring, &[]).await;
        let other = start(&redis, &club, &keyring, &[]).await;
        Self { redis, club, keyring, one, other }
    }

    /// Adds an account, which both know afterwards.
    async fn add(&self, key: &str) -> CredentialId {
        let id = add(&self.one, key).await.expect("valid").account.id;
        let known = async || self.other.accounts().get(&id).ok().map(drop);
        eventually("the other knows it", SPREAD, known).await;
        id
    }

    fn states(&self, id: &CredentialId) -> [Option<AccountState>; 2] {
        [&self.one, &self.other].map(|client| client.accounts().get(id).ok().map(|a| a.state))
    }

    async fn both(&self, id: &CredentialId, wanted: Option<AccountState>) {
        let are = async || (self.states(id) == [wanted; 2]).then_some(());
        eventually(&format!("both say {wanted:?}"), SPREAD, are).await;
    }
}

async fn start(redis: &Redis, club: &Club, keyring: &Keyring, keys: &[&str]) -> Client {
    let store = Arc::new(RedisStore::connect(&redis.url()).await.expect("a store"));
    let home = Home { club: club.clone(), store, keyring: keyring.clone() };
    home.start(keys).await
}

fn secret(text: &str) -> AccountChange {
    let mut change = AccountChange::default();
    change.secret = Some(text.into());
    change
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_replaced_revives_the_account_everywhere() {
    let fleet = Fleet::start().await;
    let ann = fleet.add("ann-1").await;
    fleet.club.sign_out("ann-1");
    fleet.one.accounts().check(&ann).await.expect("there");
    fleet.both(&ann, Some(AccountState::Invalid)).await;
    fleet.other.accounts().update(&ann, secret("ann-2")).await.expect("good");
    fleet.both(&ann, Some(AccountState::Active)).await;
    assert_eq!(fleet.one.ask("m", "hello").await.expect("an answer"), "ann-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_servers_change_at_once_holds_both() {
    let fleet = Fleet::start().await;
    let ann = fleet.add("ann-1").await;
    fleet.other.accounts().disable(&ann).await.expect("kept");
    let mut change = secret("ann-2");
    change.label = Some("Ann".into());
    fleet.one.accounts().update(&ann, change).await.expect("kept");
    sleep(QUIET).await;
    fleet.both(&ann, Some(AccountState::Disabled)).await;
    assert_eq!(fleet.other.accounts().get(&ann).expect("there").label, "Ann");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_after_a_loss_is_put_back_by_nobody() {
    let fleet = Fleet::start().await;
    let (ann, bob) = (fleet.add("ann-1").await, fleet.add("bob-1").await);
    fleet.redis.forget().await;
    fleet.other.accounts().remove(&ann).await.expect("gone");
    sleep(QUIET).await;
    fleet.both(&ann, None).await;
    fleet.both(&bob, Some(AccountState::Active)).await;
    let third = start(&fleet.redis, &fleet.club, &fleet.keyring, &[]).await;
    let listed: Vec<_> = third.accounts().list().into_iter().map(|account| account.id).collect();
    assert_eq!(listed, [bob]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_seeded_again_after_a_loss_has_no_twin() {
    let fleet = Fleet::start().await;
    let ann = fleet.add("ann-1").await;
    fleet.redis.forget().await;
    let third = start(&fleet.redis, &fleet.club, &fleet.keyring, &["ann-1"]).await;
    sleep(QUIET).await;
    let ids = |client: &Client| {
        client.accounts().list().into_iter().map(|account| account.id).collect::<Vec<_>>()
    };
    let one = async || {
        let (first, second, third) = (ids(&fleet.one), ids(&fleet.other), ids(&third));
        (first.len() == 1 && first == second && second == third).then_some(first)
    };
    let left = eventually("all list the same one", SPREAD, one).await;
    assert!(fleet.one.pool().list().len() == 1, "{ann} {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn g21_the_longest_rest_holds_whoever_learnt_of_it() {
    let fleet = Fleet::start().await;
    let ann = fleet.add("ann-1").await;
    let limit = |seconds| Signal::Limited {
        named: Some(Duration::from_secs(seconds)),
        default: None,
        reason: "rate_limited",
    };
    fleet.one.pool().learn(&ann, &limit(600));
    fleet.other.pool().learn(&ann, &limit(30));
    sleep(QUIET).await;
    let rests_long = |client: &Client| {
        let until = client.accounts().get(&ann).expect("there").until;
        until
            .and_then(|until| until.elapsed().err())
            .is_some_and(|ahead| ahead.duration() > Duration::from_secs(500))
    };
    let both = async || (rests_long(&fleet.one) && rests_long(&fleet.other)).then_some(());
    eventually("both rest for ten minutes", SPREAD, both).await;
    fleet.other.accounts().clear(&ann).await.expect("cleared");
    fleet.both(&ann, Some(AccountState::Active)).await;
}
