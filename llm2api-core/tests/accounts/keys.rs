//! Client keys over a store that keeps no records.

use std::sync::Arc;

use llm2api_core::ErrorKind;
use llm2api_core::keys::{ClientKeys, NewKey};

use crate::slow_store::SlowStore;

#[tokio::test]
async fn a_store_that_keeps_no_records_takes_no_keys_and_closes_nothing() {
    let keys = ClientKeys::open(Arc::new(SlowStore::default())).await.expect("nothing to read");
    let error = keys.create(NewKey::new(), "test").await.expect_err("nowhere to keep it");
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let error = keys.revoke("000000000000", "test").await.expect_err("there is none");
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(!keys.is_closed() && keys.list().is_empty());
    assert!(keys.find(b"sk-l2a-000000000000-0").is_none());
}
