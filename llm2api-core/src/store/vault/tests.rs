use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use tempfile::TempDir;

use super::*;
use crate::credential::Credential;
use crate::error::{Error, ErrorKind};
use crate::store::{Changes, MemoryStore, OutboxEntry, Sealed};

/// A store that lets others run at each call, and that fails after some calls: what a process that
/// was killed there has done.
#[derive(Debug)]
struct Mortal {
    inner: Arc<MemoryStore>,
    left: AtomicI64,
}

impl Mortal {
    fn new(inner: &Arc<MemoryStore>, calls: i64) -> Arc<Self> {
        Arc::new(Self { inner: inner.clone(), left: AtomicI64::new(calls) })
    }

    async fn live(&self) -> Result<&MemoryStore> {
        tokio::task::yield_now().await;
        if self.left.fetch_sub(1, Ordering::Relaxed) > 0 {
            return Ok(&self.inner);
        }
        Err(Error::new(ErrorKind::Store, "test", "killed"))
    }
}

#[async_trait]
impl Store for Mortal {
    async fn rows(&self) -> Result<(Vec<Row>, Version)> {
        self.live().await?.rows().await
    }
    async fn changes(&self, since: Version) -> Result<Changes> {
        self.live().await?.changes(since).await
    }
    async fn insert(&self, row: &Row) -> Result<Inserted> {
        self.live().await?.insert(row).await
    }
    async fn replace(&self, row: &Row) -> Result<Inserted> {
        self.live().await?.replace(row).await
    }
    async fn set_account(&self, id: &CredentialId, account: &str) -> Result<Inserted> {
        self.live().await?.set_account(id, account).await
    }
    async fn set_profile(&self, id: &CredentialId, old: &str, new: &str) -> Result<Swapped> {
        self.live().await?.set_profile(id, old, new).await
    }
    async fn set_health(&self, health: &[(CredentialId, String)]) -> Result<()> {
        self.live().await?.set_health(health).await
    }
    async fn remove(&self, id: &CredentialId) -> Result<bool> {
        self.live().await?.remove(id).await
    }
    async fn reseal(&self, id: &CredentialId, old: &Sealed, new: &Sealed) -> Result<bool> {
        self.live().await?.reseal(id, old, new).await
    }
    async fn value(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.live().await?.value(name).await
    }
    async fn set_value(&self, name: &str, expected: Option<&[u8]>, value: &[u8]) -> Result<bool> {
        self.live().await?.set_value(name, expected, value).await
    }
    async fn add(&self, batch: &str, counts: &[Count], points: &[Point]) -> Result<()> {
        self.live().await?.add(batch, counts, points).await
    }
    async fn points(&self, ask: &PointsAsk) -> Result<Vec<Point>> {
        self.live().await?.points(ask).await
    }
    async fn forget(&self, series: &str) -> Result<()> {
        self.live().await?.forget(series).await
    }
    async fn counts(&self, prefix: &str) -> Result<Vec<Count>> {
        self.live().await?.counts(prefix).await
    }
    async fn put_outbox(&self, entry: &OutboxEntry) -> Result<()> {
        self.live().await?.put_outbox(entry).await
    }
    async fn remove_outbox(&self, ids: &[String]) -> Result<()> {
        self.live().await?.remove_outbox(ids).await
    }
    async fn outbox(&self) -> Result<Vec<OutboxEntry>> {
        self.live().await?.outbox().await
    }
    /// As a store that a new process opens.
    async fn take_outbox(&self) -> Result<Vec<OutboxEntry>> {
        self.live().await?.outbox().await
    }
}

fn record(secret: &str) -> Record {
    let credential = Credential::parse("up", secret).expect("a credential");
    Record::new(credential, Profile::default(), SavedHealth::default())
}

fn key_file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("master.key");
    (folder, path)
}

async fn open(store: &Arc<MemoryStore>, path: &PathBuf) -> Vault {
    let keyring = Keyring::file(path).expect("a keyring");
    Vault::open(store.clone(), keyring).await.expect("a vault")
}

async fn loaded(vault: &Vault) -> Vec<Record> {
    vault.load().await.expect("loaded").0
}

#[tokio::test]
async fn what_is_added_comes_back_as_it_was() {
    let vault = Vault::open(Arc::new(MemoryStore::default()), Keyring::random()).await;
    let vault = vault.expect("a vault");
    let mut added = record("hf-chat=abc; token=def");
    added.profile.account_id = Some("7".into());
    added.health.strikes = 3;
    assert_eq!(vault.add(&added).await.expect("added"), Inserted::New);
    let [read] = loaded(&vault).await.try_into().expect("one record");
    assert_eq!(read.credential.id(), added.credential.id());
    assert_eq!(read.credential.material(), added.credential.material());
    assert_eq!((read.profile, read.health), (added.profile.clone(), added.health));
    let mut other = record("hf-chat=new");
    other.profile.account_id = Some("7".into());
    let known = Inserted::Duplicate(added.credential.id().clone());
    assert_eq!(vault.add(&other).await.expect("asked"), known, "the same account");
}

#[tokio::test]
async fn fingerprints_know_no_order_and_survive_rotation() {
    let (_folder, path) = key_file();
    let store = Arc::new(MemoryStore::default());
    let vault = open(&store, &path).await;
    let print = |vault: &Vault, upstream: &str, text: &str| {
        vault.fingerprint(upstream, record(text).credential.material())
    };
    let first = print(&vault, "up", "a=1; b=2");
    assert_eq!(first, print(&vault, "up", "b=2;a=1"));
    assert_ne!(first, print(&vault, "up", "a=2; b=1"));
    assert_ne!(first, print(&vault, "other", "a=1; b=2"));
    assert_eq!((first.full().len(), first.to_string().len()), (64, 8));
    for _ in 0..3 {
        vault.rotate().await.expect("rotated");
    }
    assert_eq!(first, print(&open(&store, &path).await, "up", "a=1; b=2"));
}

#[tokio::test]
async fn g26_swapped_secrets_do_not_open_and_harm_nothing_else() {
    let store = Arc::new(MemoryStore::default());
    let vault = Vault::open(store.clone(), Keyring::random()).await.expect("a vault");
    for secret in ["one", "two", "three"] {
        vault.add(&record(secret)).await.expect("added");
    }
    let (rows, _) = store.rows().await.expect("rows");
    for (at, other) in [(0, 1), (1, 0)] {
        let (row, other) = (&rows[at], &rows[other]);
        assert!(store.reseal(&row.id, &row.sealed, &other.sealed).await.expect("swapped"));
    }
    let [left] = loaded(&vault).await.try_into().expect("one record");
    assert_eq!(*left.credential.id(), rows[2].id);
    assert_eq!(vault.sealed(), [rows[0].id.clone(), rows[1].id.clone()]);
    assert_eq!(store.rows().await.expect("rows").0.len(), 3, "nothing is deleted");
    vault.rotate().await.expect("rows that do not open stop no rotation");
    let mut mended = record("new");
    mended.credential =
        Credential::with_id(rows[0].id.clone(), "up", mended.credential.material().clone());
    assert_eq!(vault.replace(&mended).await.expect("replaced"), Inserted::New);
    assert_eq!(vault.sealed(), [rows[1].id.clone()]);
    assert_eq!(loaded(&vault).await.len(), 2);
}

#[tokio::test]
async fn a_keyring_without_the_stores_key_is_refused() {
    let store = Arc::new(MemoryStore::default());
    Vault::open(store.clone(), Keyring::random()).await.expect("a vault");
    let error = Vault::open(store, Keyring::random()).await.expect_err("another key");
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("`MASTER_KEY`"), "{error}");
}

#[tokio::test]
async fn keys_are_dropped_one_rotation_late() {
    let (_folder, path) = key_file();
    let store = Arc::new(MemoryStore::default());
    let vault = open(&store, &path).await;
    vault.add(&record("one")).await.expect("added");
    let mut keys = vec![Keyring::file(&path).expect("read").first()];
    for _ in 0..4 {
        let rotated = vault.rotate().await.expect("rotated");
        assert_eq!(rotated.resealed, 1);
        keys.insert(0, rotated.key);
        keys.truncate(2);
        assert_eq!(Keyring::file(&path).expect("read").ids(), keys);
    }
}

#[tokio::test]
async fn keys_of_a_setting_are_taken_in_their_order() {
    let store = Arc::new(MemoryStore::default());
    let keys: Vec<_> = (1..=2).map(|byte| [byte; 32]).collect();
    let text = |bytes: &[u8; 32]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let (old, new) = (text(&keys[0]), text(&keys[1]));
    let vault = |text: &str| Vault::open(store.clone(), Keyring::parse(text).expect("keys"));
    let first = vault(&old).await.expect("a vault");
    first.add(&record("one")).await.expect("added");
    let both = vault(&format!("{new},{old}")).await.expect("a vault");
    assert_eq!(both.rotate().await.expect("rotated").resealed, 1);
    assert_eq!(both.rotate().await.expect("again").resealed, 0);
    assert_eq!(loaded(&vault(&new).await.expect("the old key is not needed")).await.len(), 1);
    let error = first.add(&record("two")).await.expect_err("it lacks the new key");
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn a_rotation_killed_anywhere_leaves_everything_openable() {
    for calls in 0..40 {
        let (_folder, path) = key_file();
        let store = Arc::new(MemoryStore::default());
        let vault = open(&store, &path).await;
        for secret in ["one", "two", "three"] {
            vault.add(&record(secret)).await.expect("added");
        }
        let mortal = Mortal::new(&store, calls);
        let keyring = Keyring::file(&path).expect("a keyring");
        let killed = match Vault::open(mortal, keyring).await {
            Ok(vault) => vault.rotate().await.is_err(),
            Err(_) => true,
        };
        let after = open(&store, &path).await;
        assert_eq!(loaded(&after).await.len(), 3, "killed after {calls} calls");
        assert_eq!(loaded(&vault).await.len(), 3, "a running server goes on");
        vault.add(&record("four")).await.expect("added by a running server");
        let rotated = after.rotate().await.expect("started again");
        assert_eq!(loaded(&open(&store, &path).await).await.len(), 4);
        let (rows, _) = store.rows().await.expect("rows");
        assert!(rows.iter().all(|row| row.sealed.key == rotated.key), "after {calls} calls");
        if !killed {
            assert!(calls > 10, "it was killed at least ten times");
            return;
        }
    }
    panic!("a rotation takes less than forty calls");
}

#[tokio::test]
async fn what_others_add_during_rotations_is_kept() {
    let (_folder, path) = key_file();
    let store = Arc::new(MemoryStore::default());
    open(&store, &path).await;
    let server = |name: &'static str| {
        let (store, path) = (Mortal::new(&store, i64::MAX), path.clone());
        async move {
            let keyring = Keyring::file(path).expect("a keyring");
            let vault = Vault::open(store, keyring).await.expect("a vault");
            for number in 0..50 {
                let added = vault.add(&record(&format!("{name}{number}"))).await;
                assert_eq!(added.expect("added"), Inserted::New);
            }
        }
    };
    let rotating = |times: usize| {
        let (store, path) = (Mortal::new(&store, i64::MAX), path.clone());
        async move {
            let keyring = Keyring::file(path).expect("a keyring");
            let vault = Vault::open(store, keyring).await.expect("a vault");
            for _ in 0..times {
                vault.rotate().await.expect("rotated");
            }
        }
    };
    tokio::join!(server("a"), rotating(5), server("b"), rotating(3));
    assert_eq!(loaded(&open(&store, &path).await).await.len(), 100);
}

#[tokio::test]
async fn what_a_store_has_lost_is_added_again() {
    let (_folder, path) = key_file();
    let store = Arc::new(MemoryStore::default());
    let vault = open(&store, &path).await;
    let kept = record("one");
    vault.add(&kept).await.expect("added");
    let print = vault.fingerprint("up", kept.credential.material());
    store.lose();
    assert_eq!(vault.add(&kept).await.expect("added again"), Inserted::New);
    let after = open(&store, &path).await;
    assert_eq!(loaded(&after).await[0].credential.id(), kept.credential.id());
    assert_eq!(after.fingerprint("up", kept.credential.material()), print);
}

#[tokio::test]
async fn g26_nothing_prints_a_secret() {
    let (_folder, path) = key_file();
    let store = Arc::new(MemoryStore::default());
    let vault = open(&store, &path).await;
    let record = record("hf-chat=canary-secret");
    vault.add(&record).await.expect("added");
    let (rows, _) = store.rows().await.expect("rows");
    let changes = vault.changes(Version::default()).await.expect("changes");
    let rotated = vault.rotate().await.expect("rotated");
    let print = vault.fingerprint("up", record.credential.material());
    let shown =
        format!("{vault:?} {store:?} {rows:?} {record:?} {changes:?} {rotated:?} {print:?}");
    let key = std::fs::read_to_string(&path).expect("the key file");
    for canary in ["canary", &key[..16]] {
        assert!(!shown.contains(canary), "{shown}");
    }
    let stored = rows.iter().flat_map(|row| row.sealed.bytes.clone()).collect::<Vec<_>>();
    assert!(!String::from_utf8_lossy(&stored).contains("canary"));
}
