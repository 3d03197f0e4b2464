mod fleet;
mod reload;
mod start;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::auth::{
    AuthCode, AuthState, AuthStatus, Authorisation, Claims, Denial, Grant, PrivateKey, Question,
    Verdict, Verify, sign,
};
use crate::store::{Keyring, MemoryStore, Store};
use crate::upstream::demo::Demo;
use crate::{ChatRequest, Client, ClientBuilder, ErrorKind, Limits, Message, UpstreamConfig};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const MONDAY: u64 = 1_790_000_000;
const CANARY: &str = "canary-code-9";

/// An authority that says what a test wants it to say, and notes what it is asked.
#[derive(Clone, Debug)]
struct Scripted(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    name: String,
    next: Mutex<VecDeque<Verdict>>,
    always: Mutex<Verdict>,
    asked: Mutex<Vec<Question>>,
}

impl Scripted {
    fn new(name: &str, always: Verdict) -> Self {
        let (next, asked) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Shared { name: name.to_owned(), next, always: Mutex::new(always), asked }))
    }

    fn say(&self, always: Verdict) {
        *self.0.always.lock().unwrap_or_else(PoisonError::into_inner) = always;
    }

    fn say_once(&self, verdict: Verdict) {
        self.0.next.lock().unwrap_or_else(PoisonError::into_inner).push_back(verdict);
    }

    fn asked(&self) -> Vec<Question> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Verify for Scripted {
    fn name(&self) -> &str {
        &self.0.name
    }

    async fn verify(&self, question: &Question) -> Verdict {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner).push(question.clone());
        let next = self.0.next.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.unwrap_or_else(|| self.0.always.lock().expect("nobody panics").clone())
    }
}

/// A machine: its clocks go together, and a restart loses all but the store.
struct Machine {
    store: Arc<MemoryStore>,
    keyring: String,
    authority: Scripted,
    begun: Instant,
    /// Seconds that the wall clock is ahead of the timers.
    ahead: Arc<AtomicU64>,
}

impl Machine {
    fn new(first: Verdict) -> Self {
        Self {
            store: Arc::default(),
            keyring: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned(),
            authority: Scripted::new("ours", first),
            begun: Instant::now(),
            ahead: Arc::default(),
        }
    }

    /// Makes another machine of the same store, with its own way to the authority.
    fn beside(&self, first: Verdict) -> Self {
        Self { store: self.store.clone(), ..Self::new(first) }
    }

    fn authorisation(&self, code: &str) -> Authorisation {
        let (begun, ahead) = (self.begun, self.ahead.clone());
        let clock = move || {
            let passed = u64::try_from(begun.elapsed().as_millis()).expect("a short test");
            (MONDAY + ahead.load(Ordering::Relaxed)) * 1000 + passed
        };
        Authorisation::new(AuthCode::new(code).expect("a code"))
            .with_authority(self.authority.clone())
            .with_clock(Arc::new(clock))
    }

    fn settings(&self) -> ClientBuilder {
        let keyring = Keyring::parse(&self.keyring).expect("a key");
        Client::builder()
            .with_store(self.store.clone(), keyring)
            .with_check_interval(10 * MINUTE)
            .with_authorisation(self.authorisation(CANARY))
    }

    async fn start(&self) -> Client {
        self.settings().build().await.expect("a client")
    }

    async fn stop(client: Client) {
        client.shutdown(Duration::from_secs(1)).await;
    }

    async fn value(&self, name: &str) -> String {
        let value = self.store.value(name).await.expect("a store");
        String::from_utf8(value.unwrap_or_default()).expect("a text")
    }
}

fn good() -> Verdict {
    Verdict::Good(Grant::default())
}

fn good_until(expires_at: u64) -> Verdict {
    Verdict::Good(Grant { expires_at: Some(expires_at), ..Grant::default() })
}

fn away() -> Verdict {
    Verdict::Unreachable("no connection can be made".to_owned())
}

fn no() -> Verdict {
    Verdict::Denied(Denial::new("it was revoked"))
}

fn status(client: &Client) -> AuthStatus {
    client.authorisation().expect("an authorisation")
}

fn state(client: &Client) -> AuthState {
    status(client).state
}

/// Asks; gives the code of the error, or nothing.
async fn chat(client: &Client) -> Option<&'static str> {
    client.ask("demo", "hello").await.err().map(|error| {
        assert!(!error.to_string().contains(CANARY));
        error.code()
    })
}

#[tokio::test(start_paused = true)]
async fn a_whole_life() {
    let machine = Machine::new(good());
    let client = machine.start().await;
    assert_eq!((state(&client), chat(&client).await), (AuthState::Verified, None));
    sleep(30 * MINUTE).await;
    let asked = machine.authority.asked().len();
    assert!((3..=4).contains(&asked), "every ten minutes, and at the start: {asked}");

    machine.authority.say(away());
    sleep(12 * MINUTE).await;
    assert_eq!((state(&client), chat(&client).await), (AuthState::Grace, None));
    sleep(23 * HOUR).await;
    assert_eq!((state(&client), chat(&client).await), (AuthState::Grace, None));
    sleep(HOUR).await;
    assert_eq!(state(&client), AuthState::Unverified);
    assert_eq!(chat(&client).await, Some("auth_unverified"));
    let error = client.ask("demo", "hello").await.expect_err("closed");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(10)));

    machine.authority.say(good());
    sleep(Duration::from_secs(15)).await;
    assert_eq!((state(&client), chat(&client).await), (AuthState::Verified, None));

    machine.authority.say(no());
    sleep(11 * MINUTE).await;
    assert_eq!(chat(&client).await, Some("auth_code_invalid"));
    machine.authority.say(good());
    sleep(11 * MINUTE).await;
    assert_eq!((state(&client), chat(&client).await), (AuthState::Verified, None));
}

#[tokio::test(start_paused = true)]
async fn answers_under_way_outlive_a_revocation() {
    let machine = Machine::new(good());
    let limits = Limits { max_concurrency_per_credential: 64, ..Limits::default() };
    let slow = Demo::new("demo").with_pace(Duration::from_secs(3));
    let client = machine
        .settings()
        .with_limits(limits)
        .with_check_interval(Duration::from_secs(10))
        .with_custom_upstream(UpstreamConfig::new("demo", "demo"), slow)
        .build()
        .await
        .expect("a client");
    let question = || {
        let question = Message::user("one two three");
        ChatRequest::new("demo").with_message(question).with_stream(true)
    };
    let streams = join_all((0..50).map(|_| client.chat(question()))).await;
    machine.authority.say(no());
    sleep(Duration::from_secs(12)).await;
    assert_eq!(state(&client), AuthState::Denied);
    assert_eq!(chat(&client).await, Some("auth_code_invalid"));
    for stream in streams {
        let answer = stream.expect("an answer").collect().await.expect("a whole answer");
        assert!(answer.text().ends_with("one two three"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_expiry_closes_on_time_and_a_prolonged_code_goes_on() {
    let machine = Machine::new(good_until(MONDAY + 3 * 3600));
    let settings = machine.settings().with_check_interval(Duration::ZERO);
    let client = settings.build().await.expect("a client");
    sleep(Duration::from_secs(3 * 3600 - 5)).await;
    assert_eq!(chat(&client).await, None);
    assert_eq!(machine.authority.asked().len(), 1, "there is no interval");
    machine.authority.say_once(good_until(MONDAY + 4 * 3600));
    machine.authority.say(away());
    sleep(Duration::from_secs(10)).await;
    assert_eq!((chat(&client).await, machine.authority.asked().len()), (None, 2));
    sleep(HOUR).await;
    assert_eq!(chat(&client).await, Some("auth_code_expired"), "though nobody could be asked");
    machine.authority.say(good());
    sleep(5 * MINUTE).await;
    assert_eq!(chat(&client).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_is_noticed_within_a_minute() {
    let machine = Machine::new(good_until(MONDAY + 3 * 3600));
    let client = machine.start().await;
    machine.authority.say(away());
    machine.ahead.store(4 * 3600, Ordering::Relaxed);
    sleep(MINUTE).await;
    assert_eq!(chat(&client).await, Some("auth_code_expired"));
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_in_the_same_grace() {
    let machine = Machine::new(good());
    let client = machine.start().await;
    machine.authority.say(away());
    sleep(12 * MINUTE).await;
    assert_eq!(state(&client), AuthState::Grace);
    Machine::stop(client).await;

    sleep(12 * HOUR).await;
    let client = machine.start().await;
    assert_eq!((state(&client), chat(&client).await), (AuthState::Grace, None));
    Machine::stop(client).await;

    sleep(12 * HOUR).await;
    let client = machine.start().await;
    assert_eq!(chat(&client).await, Some("auth_unverified"), "the grace has not begun anew");
    machine.authority.say(good());
    sleep(Duration::from_secs(15)).await;
    assert_eq!(chat(&client).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_forgotten_by_a_restart() {
    let machine = Machine::new(good());
    Machine::stop(machine.start().await).await;
    machine.authority.say(no());
    machine.settings().build().await.expect_err("refused");
    machine.authority.say(away());
    let client = machine.start().await;
    assert_eq!(chat(&client).await, Some("auth_unverified"), "the last word was a no");
}

#[tokio::test(start_paused = true)]
async fn what_was_verified_counts_for_that_code_and_authority_alone() {
    let machine = Machine::new(good());
    let client = machine.start().await;
    sleep(MINUTE).await;
    Machine::stop(client).await;
    machine.authority.say(away());
    let other = machine.settings().with_authorisation(machine.authorisation("another"));
    let client = other.build().await.expect("a client");
    assert_eq!(chat(&client).await, Some("auth_unverified"));
    Machine::stop(client).await;
    let elsewhere = machine.authorisation(CANARY).with_authority(Scripted::new("theirs", away()));
    let client = machine.settings().with_authorisation(elsewhere).build().await.expect("a client");
    assert_eq!(chat(&client).await, Some("auth_unverified"));
}

#[tokio::test(start_paused = true)]
async fn the_store_has_no_code_and_one_installation() {
    let machine = Machine::new(good());
    let client = machine.start().await;
    let kept = machine.value("authorisation").await;
    assert!(kept.contains("\"grant\":{}") && !kept.contains(CANARY), "it is kept at once: {kept}");
    Machine::stop(client).await;
    let client = machine.start().await;
    let asked = machine.authority.asked();
    assert_eq!(asked[0].installation, asked[1].installation);
    assert_eq!(machine.value("installation").await, asked[0].installation);
    let shown = format!("{client:?} {:?} {:?}", status(&client), machine.authorisation(CANARY));
    assert!(!shown.contains(CANARY));
}

#[tokio::test(start_paused = true)]
async fn a_signature_comes_first_and_then_the_authority() {
    let key = PrivateKey::random().expect("random bytes");
    let mut claims = Claims::new("code_1", "Ada", MONDAY);
    (claims.plan, claims.expires) = (Some("silver".to_owned()), Some(MONDAY + 7200));
    let code = sign(&claims, &key).expect("a code");
    let mut machine = Machine::new(Verdict::Good(Grant {
        plan: Some("gold".to_owned()),
        expires_at: Some(MONDAY + 9999),
        ..Grant::default()
    }));
    let both =
        |key: &PrivateKey| machine.authorisation(code.expose()).with_public_key(key.public_key());
    let client = machine.settings().with_authorisation(both(&key)).build().await.expect("good");
    let known = status(&client);
    assert_eq!((known.holder.as_deref(), known.plan.as_deref()), (Some("Ada"), Some("gold")));
    assert_eq!(known.expires_at, Some(MONDAY + 7200), "the earlier one");

    let other = PrivateKey::random().expect("random bytes");
    let asked = machine.authority.asked().len();
    let refused = machine.settings().with_authorisation(both(&other)).build().await;
    assert_eq!(refused.expect_err("another key").kind(), ErrorKind::AuthInvalid);
    assert_eq!(machine.authority.asked().len(), asked, "nobody is asked");

    machine.authority.say(no());
    machine.store = Arc::default();
    let both = machine.authorisation(code.expose()).with_public_key(key.public_key());
    let refused = machine.settings().with_authorisation(both).build().await;
    assert_eq!(refused.expect_err("revoked").kind(), ErrorKind::AuthInvalid);
}

#[tokio::test(start_paused = true)]
async fn who_verifies_has_to_be_said() {
    let alone = Authorisation::new(AuthCode::new("c").expect("a code"));
    let error = Client::builder().with_authorisation(alone).build().await.expect_err("nobody");
    assert_eq!(error.kind(), ErrorKind::Configuration);
}
