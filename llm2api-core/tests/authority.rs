//! Several at once at one authority.

use std::iter::repeat_n;
use std::sync::Arc;

use llm2api_core::auth::{Authority, NewCode, PrivateKey};
#[cfg(feature = "sqlite")]
use llm2api_core::store::SqliteStore;
use llm2api_core::store::{MemoryStore, Store};
use tokio::task::JoinSet;

const CODES: usize = 40;
const RIVALS: usize = 5;

/// Issues codes from many tasks, and has each of them revoked by several at once.
async fn race(store: Arc<dyn Store>) {
    let authority = Authority::new(store, Some(PrivateKey::random().expect("random")));
    let mut issuers = JoinSet::new();
    for at in 0..CODES {
        let authority = authority.clone();
        issuers.spawn(async move {
            let issued = authority.issue(NewCode::new("Ada"), at % 2 == 0, "cli").await;
            issued.expect("a code").0.claims.id
        });
    }
    let ids = issuers.join_all().await;
    let mut rivals = JoinSet::new();
    for id in ids.iter().flat_map(|id| repeat_n(id, RIVALS)) {
        let (authority, id) = (authority.clone(), id.clone());
        rivals.spawn(async move { authority.revoke(&id, "cli").await.expect("it is there") });
    }
    let revoked = rivals.join_all().await;
    assert_eq!(revoked.iter().filter(|revoked| revoked.is_new).count(), CODES, "each once");
    let listed = authority.list().await.expect("a list");
    assert_eq!(listed.len(), CODES);
    assert!(listed.iter().all(|code| code.revoked.is_some()));
    let log = authority.audit_log(10 * CODES).await.expect("a log");
    assert_eq!(log.len(), 2 * CODES);
    for act in ["code.issue", "code.revoke"] {
        assert_eq!(log.iter().filter(|entry| entry.act == act).count(), CODES, "{act}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_lose_nothing_and_revoke_each_code_once() {
    race(Arc::new(MemoryStore::default())).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_that_is_shared_loses_nothing_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open_shared(folder.path().join("codes.db"));
    race(Arc::new(store.expect("a new file"))).await;
}
