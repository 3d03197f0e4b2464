//! A code that is good, and a store that is full for a while.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use llm2api_core::Client;
use llm2api_core::auth::{AuthCode, Authorisation, Grant, Question, Verdict, Verify};
use llm2api_core::store::{Keyring, Store};
use tokio::time::sleep;

use crate::frail_store::FrailStore;

/// Takes every code for good.
#[derive(Debug)]
struct Kind;

#[async_trait]
impl Verify for Kind {
    fn name(&self) -> &'static str {
        "kind"
    }

    async fn verify(&self, _: &Question) -> Verdict {
        Verdict::Good(Grant::default())
    }
}

fn authorisation(code: &str) -> Authorisation {
    Authorisation::new(AuthCode::new(code).expect("a code")).with_authority(Kind)
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_kept_is_kept_once_the_store_is_back() {
    let store = Arc::new(FrailStore::new(9));
    let settings = || Client::builder().with_store(store.clone(), Keyring::random());
    let client = settings().with_authorisation(authorisation("first")).build().await;
    let client = client.expect("a client");
    let kept = async || store.value("authorisation").await.expect("it reads").expect("a value");
    let first = kept().await;

    store.keeps_values.store(false, Ordering::Relaxed);
    let second = settings().with_authorisation(authorisation("second"));
    client.reload(second).await.expect("the code is good");
    sleep(Duration::from_secs(60)).await;
    assert_eq!(kept().await, first);
    client.ask("demo", "hello").await.expect("chats go on meanwhile");

    store.keeps_values.store(true, Ordering::Relaxed);
    sleep(Duration::from_secs(11)).await;
    assert_ne!(kept().await, first);
}
