//! A service with accounts, and somewhere to keep them.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use llm2api_core::accounts::{Added, NewAccount};
use llm2api_core::store::{Keyring, MemoryStore, Store};
use llm2api_core::upstream::{Account, Capability, Upstream};
use llm2api_core::{
    ChatItem, ChatRequest, ChatStream, Chunk, ChunkBody, ChunkChoice, Client, Credential, Error,
    ErrorKind, FinishReason, Material, Message, Model, Result, UpstreamConfig,
};
use tokio::time::sleep;

/// A service whose accounts are the texts of their keys: `dead…` is signed out, `down…` cannot be
/// asked, and everything up to a `-` is the account's name. It has no model `refused`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Club {
    pub(crate) checks: Arc<AtomicU32>,
    /// Milliseconds that a check takes beside the usual ten.
    pub(crate) slow: Arc<AtomicU64>,
    /// Keys that have been signed out since.
    signed_out: Arc<Mutex<Vec<String>>>,
    pub(crate) extended: Arc<AtomicU32>,
}

impl Club {
    pub(crate) fn sign_out(&self, key: &str) {
        self.signed_out.lock().expect("no panic").push(key.to_owned());
    }

    pub(crate) fn sign_in(&self) {
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

    async fn chat(&self, request: ChatRequest, credential: &Credential) -> Result<ChatStream> {
        if request.model == "refused" {
            return Err(fault(ErrorKind::ModelNotFound));
        }
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
        let key = key(credential);
        let gone = self.signed_out.lock().expect("no panic").contains(&key);
        sleep(Duration::from_millis(10 + self.slow.load(Ordering::Relaxed))).await;
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
pub(crate) struct Home {
    pub(crate) club: Club,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keyring: Keyring,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self::with(Arc::new(MemoryStore::default()))
    }

    pub(crate) fn with(store: Arc<dyn Store>) -> Self {
        Self { club: Club::default(), store, keyring: Keyring::random() }
    }

    /// Starts an engine whose settings bring these keys.
    pub(crate) async fn start(&self, keys: &[&str]) -> Client {
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

pub(crate) async fn add(client: &Client, key: &str) -> Result<Added> {
    client.accounts().add(NewAccount::new(key)).await
}

pub(crate) fn ask() -> ChatRequest {
    ChatRequest::new("m").with_message(Message::user("hello"))
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
