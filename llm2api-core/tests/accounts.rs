//! Accounts through the public door: what is confirmed is kept, and what is kept comes back.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use llm2api_core::accounts::{AccountChange, AccountState, NewAccount, Verdict};
use llm2api_core::store::{Keyring, MemoryStore, Store};
use llm2api_core::upstream::{Account, Capability, Upstream};
use llm2api_core::{
    ChatItem, ChatRequest, ChatStream, Chunk, ChunkBody, ChunkChoice, Client, Credential, Error,
    ErrorKind, FinishReason, Material, Message, Model, Result, UpstreamConfig,
};
use tokio::time::{advance, sleep};

/// A service whose accounts are the texts of their keys: `dead…` is signed out, `down…` cannot be
/// asked, and everything up to a `-` is the account's name.
#[derive(Clone, Debug, Default)]
struct Club {
    checks: Arc<AtomicU32>,
    /// Keys that have been signed out since.
    signed_out: Arc<Mutex<Vec<String>>>,
    extended: Arc<AtomicU32>,
}

impl Club {
    fn sign_out(&self, key: &str) {
        self.signed_out.lock().expect("no panic").push(key.to_owned());
    }

    fn sign_in(&self) {
        self.signed_out.lock().expect("no panic").clear();
    }
}

fn key(credential: &Credential) -> String {
    match credential.material() {
        Material::Token(key) => key.expose().to_owned(),
        _ => String::new(),
    }
}

fn fault(kind: ErrorKind) -> Error {
    Error::new(kind, "check", "as the test wants it")
}

#[async_trait]
impl Upstream for Club {
    fn capability(&self) -> Capability {
        Capability::default()
    }

    async fn chat(&self, _: ChatRequest, credential: &Credential) -> Result<ChatStream> {
        if self.signed_out.lock().expect("no panic").contains(&key(credential)) {
            return Err(fault(ErrorKind::CredentialRejected));
        }
        let end = ChunkBody::new("1", "m", ChunkChoice::from(FinishReason::Stop));
        let chunks = [ChunkBody::text("1", "m", key(credential)), end];
        let items = chunks.map(|body| Ok(ChatItem::Chunk(Chunk::from(body))));
        Ok(ChatStream::new(futures::stream::iter(items)))
    }

    async fn models(&self, _: Option<&Credential>) -> Result<Vec<Model>> {
        Ok(vec![Model::new("m", "club")])
    }

    async fn check(&self, credential: &Credential) -> Result<Account> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(10)).await;
        let key = key(credential);
        let gone = self.signed_out.lock().expect("no panic").contains(&key);
        match key.as_str() {
            _ if gone => Err(fault(ErrorKind::CredentialRejected)),
            dead if dead.starts_with("dead") => Err(fault(ErrorKind::CredentialRejected)),
            down if down.starts_with("down") => Err(fault(ErrorKind::Connect)),
            html if html.starts_with("html") => Err(fault(ErrorKind::UpstreamProtocol)),
            key => {
                let name = key.split('-').next().map(str::to_owned);
                Ok(Account::proven(name.clone(), name))
            }
        }
    }

    async fn extend(&self, _: &Credential) -> Result<()> {
        self.extended.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Somewhere to keep accounts over several starts.
struct Home {
    club: Club,
    store: Arc<dyn Store>,
    keyring: Keyring,
}

impl Home {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        Self { club: Club::default(), store, keyring: Keyring::random() }
    }

    /// Starts an engine whose settings bring these keys.
    async fn start(&self, keys: &[&str]) -> Client {
        let config = UpstreamConfig::new("club", "club");
        let config = keys.iter().fold(config, |config, key| config.with_credential(*key));
        Client::builder()
            .with_custom_upstream(config, self.club.clone())
            .with_store(self.store.clone(), self.keyring.clone())
            .with_check_interval(Duration::from_secs(600))
            .build()
            .await
            .expect("a client")
    }
}

async fn add(client: &Client, key: &str) -> Result<llm2api_core::accounts::Added> {
    client.accounts().add(NewAccount::new(key)).await
}

fn ask() -> ChatRequest {
    ChatRequest::new("m").with_message(Message::user("hello"))
}

/// Waits, on a paused clock, until something holds.
async fn until(what: impl Fn() -> bool) {
    for _ in 0..1000 {
        if what() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not come to hold");
}

#[tokio::test(start_paused = true)]
async fn only_a_valid_account_is_kept_and_each_once() {
    let home = Home::new();
    let client = home.start(&[]).await;
    let ann = add(&client, "ann-1").await.expect("valid");
    assert_eq!((&*ann.account.label, ann.account.proven), ("ann", true));
    let cases = [
        ("ann-1", "duplicate_cookie", Some(409)),
        ("ann-2", "duplicate_cookie", Some(409)),
        ("dead-1", "invalid_cookie", None),
        ("html-1", "invalid_cookie", None),
        ("down-1", "upstream_unreachable", None),
        ("a b", "invalid_cookie", None),
        ("", "invalid_cookie", None),
    ];
    for (key, code, status) in cases {
        let error = add(&client, key).await.expect_err("refused");
        assert_eq!((error.code(), error.status()), (code, status), "{key}");
        assert!(!error.to_string().contains("-1"), "{error}");
    }
    let wrong = NewAccount::new("bob-1").with_upstream("elsewhere");
    let error = client.accounts().add(wrong).await.expect_err("no such upstream");
    assert_eq!(error.code(), "unknown_upstream");
    assert_eq!(client.accounts().list().len(), 1);
    assert_eq!(home.store.rows().await.expect("rows").0.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn g23_the_same_account_at_once_is_asked_about_once() {
    let home = Home::new();
    let client = home.start(&[]).await;
    let all = futures::future::join_all((0..8).map(|_| add(&client, "ann-1"))).await;
    assert_eq!(all.iter().filter(|added| added.is_ok()).count(), 1);
    assert_eq!(home.club.checks.load(Ordering::Relaxed), 1);
    let id = client.accounts().list()[0].id.clone();
    let checks = (0..8).map(|_| client.accounts().check(&id));
    let all = futures::future::join_all(checks).await;
    assert!(all.iter().all(|checked| matches!(checked, Ok(c) if c.verdict == Verdict::Valid)));
    assert_eq!(home.club.checks.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn g17_a_restart_keeps_accounts_with_all_that_is_known() {
    let home = Home::new();
    let client = home.start(&["seed-1"]).await;
    let ann = add(&client, "ann-1").await.expect("valid").account.id;
    let change = {
        let mut change = AccountChange::default();
        (change.label, change.weight) = (Some("Ann".into()), Some(7));
        change
    };
    client.accounts().update(&ann, change).await.expect("kept");
    client.accounts().disable(&ann).await.expect("kept");
    client.ask("m", "hello").await.expect("an answer");
    client.shutdown(Duration::from_secs(5)).await;
    drop(client);

    let client = home.start(&["seed-1", "seed-1"]).await;
    let all = client.accounts().list();
    assert_eq!(all.len(), 2, "seeds are taken once: {all:?}");
    let ann = all.iter().find(|account| account.id == ann).expect("still there");
    assert_eq!((&*ann.label, ann.weight, ann.state), ("Ann", 7, AccountState::Disabled));
    let seed = all.iter().find(|account| account.id != ann.id).expect("the seed");
    assert_eq!((seed.requests, seed.failures), (1, 0), "counters outlive the process");
}

#[tokio::test(start_paused = true)]
async fn a_dead_account_goes_out_after_one_check_and_is_found_again() {
    let home = Home::new();
    let client = home.start(&[]).await;
    let ann = add(&client, "ann-1").await.expect("valid").account.id;
    add(&client, "bob-1").await.expect("valid");
    home.club.sign_out("ann-1");
    for _ in 0..8 {
        let answer = client.chat(ask()).await.expect("the other answers").collect().await;
        assert_eq!(answer.expect("whole").text(), "bob-1");
    }
    let state = || client.accounts().get(&ann).expect("still there").state;
    until(|| state() == AccountState::Invalid).await;
    home.club.sign_in();
    advance(Duration::from_secs(700)).await;
    until(|| state() == AccountState::Active).await;
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_down_throws_nobody_out() {
    let home = Home::new();
    let client = home.start(&["down-1"]).await;
    let checked = client.accounts().check_all().await;
    assert!(matches!(checked[0].verdict, Verdict::Unknown(_)), "{checked:?}");
    assert_eq!(client.accounts().list()[0].state, AccountState::Active);
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_replaced_by_another_of_the_same_account_only() {
    let home = Home::new();
    let client = home.start(&[]).await;
    let ann = add(&client, "ann-1").await.expect("valid").account;
    let replace = async |key: &str| {
        let mut change = AccountChange::default();
        change.secret = Some(key.into());
        client.accounts().update(&ann.id, change).await
    };
    let error = replace("bob-1").await.expect_err("another account");
    assert_eq!(error.code(), "invalid_cookie");
    let error = replace("dead-1").await.expect_err("dead");
    assert_eq!(error.code(), "invalid_cookie");
    assert_eq!(client.ask("m", "hello").await.expect("an answer"), "ann-1");
    let after = replace("ann-2").await.expect("the same account");
    assert_ne!(after.fingerprint, ann.fingerprint);
    assert_eq!(client.ask("m", "hello").await.expect("an answer"), "ann-2");
    drop(client);
    let client = home.start(&[]).await;
    assert_eq!(client.ask("m", "hello").await.expect("an answer"), "ann-2");
}

#[tokio::test(start_paused = true)]
async fn the_anonymous_credential_stands_in_only_where_there_is_no_account() {
    let home = Home::new();
    let client = home.start(&[]).await;
    assert_eq!((client.pool().list().len(), client.accounts().list().len()), (1, 0));
    assert_eq!(client.ask("m", "hello").await.expect("an answer"), "");
    let ann = add(&client, "ann-1").await.expect("valid").account.id;
    assert_eq!(client.pool().list().len(), 1);
    assert_eq!(client.ask("m", "hello").await.expect("an answer"), "ann-1");
    client.accounts().remove(&ann).await.expect("gone");
    assert_eq!(client.ask("m", "hello").await.expect("an answer"), "");
    assert!(client.accounts().remove(&ann).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_is_made_to_last_longer() {
    let home = Home::new();
    let client = home.start(&["ann-1"]).await;
    let id = client.accounts().list()[0].id.clone();
    client.shutdown(Duration::from_secs(5)).await;
    // Eight days ago, by what the store says.
    let (rows, _) = home.store.rows().await.expect("rows");
    let mut profile: serde_json::Value = serde_json::from_str(&rows[0].profile).expect("JSON");
    let created = profile["created_at"].as_u64().expect("a time");
    profile["created_at"] = (created - 8 * 24 * 3600).into();
    home.store.set_profile(&id, &profile.to_string()).await.expect("kept");
    let client = home.start(&[]).await;
    until(|| home.club.extended.load(Ordering::Relaxed) == 1).await;
    advance(Duration::from_secs(5 * 3600)).await;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(home.club.extended.load(Ordering::Relaxed), 1, "once a week");
    drop(client);
}
