use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use llm2api_core::Client;
use llm2api_core::quota::{Allowance, Exceeded};
use llm2api_core::store::{Keyring, SqliteStore};

async fn start(path: &Path, keyring: &Keyring) -> Client {
    let store = Arc::new(SqliteStore::open(path).expect("a store"));
    Client::builder().with_store(store, keyring.clone()).build().await.expect("a client")
}

#[tokio::test]
async fn a_restart_gives_no_tokens_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, keyring) = (folder.path().join("llm2api.db"), Keyring::random());
    let limit = Allowance { tokens_per_day: Some(100), ..Allowance::default() };
    for used in [0, 40, 80] {
        let client = start(&path, &keyring).await;
        let quotas = client.quotas();
        assert_eq!(quotas.tokens_today("key_1").await, used);
        let (mut ticket, _) = quotas.admit("key_1", &limit, 5).await.expect("some are left");
        ticket.settle(40);
        drop(ticket);
        client.shutdown(Duration::from_secs(20)).await;
    }
    let client = start(&path, &keyring).await;
    let refusal = client.quotas().admit("key_1", &limit, 5).await.expect_err("none are left");
    assert_eq!(refusal.which, Exceeded::Tokens);
    client.quotas().admit("key_2", &limit, 5).await.expect("another has all of them");
}
