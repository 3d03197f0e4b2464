//! A service that answers a word at once and the rest when the test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;
use llm2api_core::pool::CredentialStatus;
use llm2api_core::upstream::{Account, Capability, Upstream};
use llm2api_core::{
    ChatItem, ChatRequest, ChatStream, Chunk, ChunkBody, ChunkChoice, Client, ClientBuilder,
    Credential, Error, ErrorKind, FinishReason, Limits, Material, Message, Model, Result,
    UpstreamConfig,
};
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// A service whose answers are its name; keys that begin with `limited` have used up their limit.
#[derive(Clone, Debug)]
pub(crate) struct Gatehouse {
    name: &'static str,
    /// How many answers may end.
    pub(crate) ends: Arc<Semaphore>,
    pub(crate) checks: Arc<AtomicU32>,
    /// In its clones only, not in its answers.
    life: Arc<()>,
}

impl Gatehouse {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            ends: Arc::new(Semaphore::new(0)),
            checks: Arc::default(),
            life: Arc::default(),
        }
    }

    /// One whose answers end at once.
    pub(crate) fn open(name: &'static str) -> Self {
        let house = Self::new(name);
        house.ends.add_permits(1000);
        house
    }

    /// How many hold it, the test among them.
    pub(crate) fn holders(&self) -> usize {
        Arc::strong_count(&self.life)
    }

    pub(crate) fn config(&self, keys: &[&str]) -> UpstreamConfig {
        let config = UpstreamConfig::new("gatehouse", self.name);
        keys.iter().fold(config, |config, key| config.with_credential(*key))
    }
}

#[async_trait]
impl Upstream for Gatehouse {
    fn capability(&self) -> Capability {
        Capability::default()
    }

    async fn chat(&self, _: ChatRequest, credential: &Credential) -> Result<ChatStream> {
        if matches!(credential.material(), Material::Token(key) if key.expose().starts_with("limited"))
        {
            let error = Error::new(ErrorKind::RateLimited, "chat", "too many");
            return Err(error.with_retry_after(Duration::from_secs(600)));
        }
        let ends = self.ends.clone();
        let first = ChunkBody::text("1", "m", self.name);
        let last = async move {
            ends.acquire().await.expect("nobody closes it").forget();
            ChunkBody::new("1", "m", ChunkChoice::from(FinishReason::Stop))
        };
        let bodies = stream::iter([first]).chain(stream::once(last));
        Ok(ChatStream::new(bodies.map(|body| Ok(ChatItem::Chunk(Chunk::from(body))))))
    }

    async fn models(&self, _: Option<&Credential>) -> Result<Vec<Model>> {
        Ok(vec![Model::new("m", "gatehouse")])
    }

    async fn check(&self, _: &Credential) -> Result<Account> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        Ok(Account::default())
    }
}

/// Settings with one gatehouse.
pub(crate) fn with(house: &Gatehouse, keys: &[&str]) -> ClientBuilder {
    Client::builder().with_custom_upstream(house.config(keys), house.clone())
}

/// Short waits, so that a call that finds no place says so soon.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.queue_timeout = Duration::from_secs(5);
    limits
}

/// Begins a call.
pub(crate) async fn begin(client: &Client, model: &str) -> Result<ChatStream> {
    let request = ChatRequest::new(model).with_message(Message::user("hello")).with_stream(true);
    client.chat(request).await
}

/// The only credential of a pool.
pub(crate) fn only(client: &Client) -> CredentialStatus {
    let mut list = client.pool().list();
    assert_eq!(list.len(), 1, "{list:?}");
    list.remove(0)
}

/// Waits, on a paused clock, until something holds.
pub(crate) async fn until(what: impl Fn() -> bool) {
    for _ in 0..1000 {
        if what() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not come to hold");
}
