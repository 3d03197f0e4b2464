//! A store in Redis or Valkey, which several servers share.

mod branches;
mod counters;
mod failure;
mod holdings;
mod link;
mod outbox;
mod places;
mod records;
mod rows;
mod scripts;
mod share;
mod usage;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::{Client, IntoConnectionInfo, ScriptInvocation};
use async_trait::async_trait;

use self::holdings::LEASE;
use self::link::Link;
use self::places::{RedisPlaces, millis};
use self::rows::{inserted, read_rows};
use self::scripts::Scripts;
use self::usage::RedisUsage;
use super::{
    Branches, Changes, Count, Inserted, OutboxEntry, Places, Point, PointsAsk, Records, Row,
    Sealed, Span, Store, Swapped, Usage, Version,
};
use crate::credential::CredentialId;
use crate::error::{Error, ErrorKind, Result};

/// Those that are gone and still remembered: a server that missed more removals than this while it
/// was away keeps what it should have dropped until it starts again.
const REMEMBERED: u32 = 100_000;
/// How long it is remembered that a batch of counters was added.
const BATCHES_LIVE: Duration = Duration::from_secs(3600);
/// How long connecting, or an answer, may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keeps everything in one Redis 5 or newer, or Valkey, which several servers share.
///
/// Every write is one script, so that it is made whole or not at all. What was confirmed is as safe
/// as that server makes it: with `appendonly yes` it survives the server's crash, and with
/// `appendfsync always` a power cut too. All keys begin with `llm2api:`; installations that share
/// a server take databases of their own (`redis://host/1`). A cluster is not supported.
///
/// # Example
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use std::sync::Arc;
/// use llm2api_core::Client;
/// use llm2api_core::store::{Keyring, RedisStore};
///
/// let store = RedisStore::connect("redis://127.0.0.1/0").await?;
/// let keys = Keyring::parse(&std::env::var("MASTER_KEY").unwrap_or_default())?;
/// let client = Client::builder().with_store(Arc::new(store), keys).build().await?;
/// # drop(client);
/// # Ok(()) }
/// ```
pub struct RedisStore {
    link: Arc<Link>,
    scripts: Arc<Scripts>,
    places: Arc<RedisPlaces>,
    usage: Arc<RedisUsage>,
    told: Mutex<Told>,
}

/// Up to where the caller was told last, and over which connection: what happened between two
/// connections may have been lost, and whoever asks from another point has not heard it all.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Told {
    generation: u64,
    version: u64,
}

impl RedisStore {
    /// Connects to `redis://[user:password@]host[:port][/database]`, or `rediss://…` for TLS with
    /// the system's certificates.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for a URL that is none, and where the server refuses the user
    /// or the password; [`ErrorKind::Store`] where it cannot be reached.
    pub async fn connect(url: &str) -> Result<Self> {
        let client = client(url)?;
        let scripts = Arc::new(Scripts::new());
        let link = Arc::new(Link::new(client.clone(), PATIENCE));
        // Calls must not wait behind a long list.
        let places = Arc::new(RedisPlaces::new(client.clone(), scripts.clone()));
        let usage = Arc::new(RedisUsage::new(client, scripts.clone()));
        link.live().await?;
        Ok(Self { link, scripts, places, usage, told: Mutex::default() })
    }

    async fn history(&self, since: Version) -> Result<Changes> {
        let live = self.link.live().await?;
        let heard = Told { generation: live.generation(), version: since.0 };
        let everything = *self.told() != heard;
        let mut script = self.scripts.changes.arg(since.0);
        script.arg(u8::from(everything));
        let (version, reset, ids, gone): (u64, bool, Vec<String>, Vec<String>) =
            self.link.run(&live, &script).await?;
        let rows = read_rows(&self.link, &live, ids).await?;
        *self.told() = Told { generation: live.generation(), version };
        let removed = gone.into_iter().map(CredentialId::from_text).collect();
        Ok(Changes { rows, removed, version: Version(version), reset })
    }

    async fn insert_row(&self, row: &Row, was_here: bool) -> Result<Inserted> {
        let Row { id, upstream, fingerprint, sealed, profile, health, account } = row;
        let mut script = self.scripts.insert.arg(id.as_str());
        script.arg(upstream).arg(fingerprint).arg(&sealed.key.0).arg(&sealed.bytes);
        script.arg(profile).arg(health).arg(u8::from(was_here)).arg(account.as_slice());
        self.insert_with(&script).await
    }

    async fn insert_with(&self, script: &ScriptInvocation<'_>) -> Result<Inserted> {
        self.link.run_now(script).await.map(|owner: Option<String>| inserted(owner.as_deref()))
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        // Nothing panics while it holds the lock.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the URL, which is never repeated: it may hold a password.
fn client(url: &str) -> Result<Client> {
    let wrong = || {
        let text = "`STORE_URL` is no address of a Redis: write `redis://HOST:PORT/DATABASE`";
        Error::new(ErrorKind::Configuration, "open store", text)
    };
    let info = url.into_connection_info().map_err(|_| wrong())?;
    let tcp = link::tcp_settings();
    let client = Client::open(info.set_tcp_settings(tcp)).map_err(|_| wrong())?;
    if url.starts_with("rediss:") {
        // The client of this crate takes the process's provider; one that is there stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Ok(client)
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("places", &self.places).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn rows(&self) -> Result<(Vec<Row>, Version)> {
        *self.told() = Told::default();
        let all = self.history(Version::default()).await?;
        Ok((all.rows, all.version))
    }

    async fn changes(&self, since: Version) -> Result<Changes> {
        self.history(since).await
    }

    async fn insert(&self, row: &Row) -> Result<Inserted> {
        self.insert_row(row, false).await
    }

    async fn put_back(&self, row: &Row) -> Result<Inserted> {
        self.insert_row(row, true).await
    }

    async fn replace(&self, row: &Row) -> Result<Inserted> {
        let Row { id, upstream, fingerprint, sealed, account, .. } = row;
        let mut script = self.scripts.replace.arg(id.as_str());
        script.arg(upstream).arg(fingerprint).arg(&sealed.key.0).arg(&sealed.bytes);
        script.arg(account.as_slice());
        self.insert_with(&script).await
    }

    async fn set_account(&self, id: &CredentialId, account: &str) -> Result<Inserted> {
        let mut script = self.scripts.set_account.arg(id.as_str());
        script.arg(account);
        self.insert_with(&script).await
    }

    async fn set_profile(
        &self,
        id: &CredentialId,
        expected: &str,
        profile: &str,
    ) -> Result<Swapped> {
        let mut script = self.scripts.set_profile.arg(id.as_str());
        script.arg(expected).arg(profile);
        Ok(match self.link.run_now::<Option<String>>(&script).await? {
            None => Swapped::Missing,
            Some(now) if now.is_empty() => Swapped::Done,
            Some(now) => Swapped::Other(now),
        })
    }

    async fn set_health(&self, health: &[(CredentialId, String)]) -> Result<()> {
        let mut script = self.scripts.set_health.prepare_invoke();
        for (id, health) in health {
            script.arg(id.as_str()).arg(health);
        }
        self.link.run_now(&script).await
    }

    async fn remove(&self, id: &CredentialId) -> Result<bool> {
        let mut script = self.scripts.remove.arg(id.as_str());
        script.arg(REMEMBERED);
        self.link.run_now(&script).await
    }

    async fn reseal(&self, id: &CredentialId, old: &Sealed, new: &Sealed) -> Result<bool> {
        let mut script = self.scripts.reseal.arg(id.as_str());
        for sealed in [old, new] {
            script.arg(&sealed.key.0).arg(&sealed.bytes);
        }
        self.link.run_now(&script).await
    }

    async fn value(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.link.run_now(&self.scripts.value.arg(name)).await
    }

    async fn set_value(&self, name: &str, expected: Option<&[u8]>, value: &[u8]) -> Result<bool> {
        let mut script = self.scripts.set_value.arg(name);
        script.arg(value).arg(expected.as_slice());
        self.link.run_now(&script).await
    }

    async fn add(&self, batch: &str, counts: &[Count], points: &[Point]) -> Result<()> {
        let mut script = self.scripts.add.arg(batch);
        script.arg(BATCHES_LIVE.as_secs());
        counters::write(&mut script, counts, points);
        self.link.run_now(&script).await
    }

    async fn forget(&self, series: &str) -> Result<()> {
        let mut script = self.scripts.forget.arg(series);
        for span in Span::ALL {
            script.arg(span.as_str());
        }
        self.link.run_now(&script).await
    }

    async fn counts(&self, prefix: &str) -> Result<Vec<Count>> {
        counters::counts(&self.link, prefix).await
    }

    async fn points(&self, ask: &PointsAsk) -> Result<Vec<Point>> {
        counters::points(&self.link, ask).await
    }

    async fn put_outbox(&self, entry: &OutboxEntry) -> Result<()> {
        let mut script = self.scripts.put_outbox.arg(self.places.server());
        script.arg(millis(LEASE)).arg(&entry.id).arg(outbox::encode(&entry.sealed));
        self.link.run_now(&script).await
    }

    async fn remove_outbox(&self, ids: &[String]) -> Result<()> {
        let mut script = self.scripts.remove_outbox.arg(self.places.server());
        script.arg(ids);
        self.link.run_now(&script).await
    }

    async fn outbox(&self) -> Result<Vec<OutboxEntry>> {
        let script = self.scripts.outbox.prepare_invoke();
        self.link.run_now(&script).await.map(outbox::entries)
    }

    async fn take_outbox(&self) -> Result<Vec<OutboxEntry>> {
        let mut script = self.scripts.take_outbox.arg(self.places.server());
        script.arg(millis(LEASE)).arg(millis(LEASE));
        self.link.run_now(&script).await.map(outbox::entries)
    }

    fn places(&self) -> Option<Arc<dyn Places>> {
        Some(self.places.clone())
    }

    fn usage(&self) -> Option<Arc<dyn Usage>> {
        Some(self.usage.clone())
    }

    fn branches(&self) -> Option<&dyn Branches> {
        Some(self)
    }

    fn records(&self) -> Option<&dyn Records> {
        Some(self)
    }
}
