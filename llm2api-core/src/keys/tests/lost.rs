//! Changes whose answer is lost.

use super::*;
use crate::store::Store;
use crate::store::moody::{Mood, Moody};

const GRACE: Duration = Duration::from_secs(600);

async fn lossy() -> (Moody, ClientKeys) {
    let store = Moody::default();
    let keys = ClientKeys::open(Arc::new(store.clone()) as Arc<dyn Store>).await;
    (store, keys.expect("it works"))
}

async fn acts(store: &Moody) -> Vec<String> {
    let log = store.inner.audit_log(9).await.expect("memory works");
    log.into_iter().map(|entry| entry.act).collect()
}

#[tokio::test]
async fn a_change_that_was_made_is_done_although_its_answer_is_lost() {
    let (store, keys) = lossy().await;
    store.set(Mood::LosesAnswers);
    let first = created(&keys).await;
    let id = &*first.entry.id;
    let second = keys.rotate(id, GRACE, ME).await.expect("it was made");
    for key in [&first.key, &second.key] {
        assert_eq!(state(&keys, key), Some(KeyState::Active), "both hold, here");
    }
    let there = ClientKeys::open(store.inner.clone()).await.expect("memory works");
    for key in [&first.key, &second.key] {
        assert_eq!(state(&there, key), Some(KeyState::Active), "and there");
    }
    let change = KeyChange { label: Change::Set("Eve".into()), ..KeyChange::default() };
    let changed = keys.update(id, change, ME).await.expect("it was made");
    assert_eq!(changed.label.as_deref(), Some("Eve"));
    keys.revoke(id, ME).await.expect("it was made");
    assert_eq!(state(&keys, &second.key), Some(KeyState::Revoked));
    assert_eq!(acts(&store).await, ["key.revoke", "key.update", "key.rotate", "key.create"]);
}

#[tokio::test]
async fn a_change_that_was_not_made_is_an_error_and_the_key_is_as_it_was() {
    let (store, keys) = lossy().await;
    let issued = created(&keys).await;
    let id = &*issued.entry.id;
    store.set(Mood::LosesQuestions);
    let errors = [
        keys.create(NewKey::new(), ME).await.map(drop),
        keys.rotate(id, GRACE, ME).await.map(drop),
        keys.revoke(id, ME).await.map(drop),
    ];
    for error in errors.map(|done| done.expect_err("it was not made")) {
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(error.to_string().contains("the change is lost"), "{error}");
    }
    assert_eq!(keys.list(), [issued.entry]);
    assert_eq!(state(&keys, &issued.key), Some(KeyState::Active));
    assert_eq!(acts(&store).await, ["key.create"]);
}

#[tokio::test]
async fn a_change_of_which_nobody_can_tell_is_an_error() {
    let (store, keys) = lossy().await;
    let issued = created(&keys).await;
    store.set(Mood::GoesAway);
    let error = keys.revoke(&issued.entry.id, ME).await.expect_err("nobody can tell");
    assert!(error.to_string().contains("the answer is lost"), "{error}");
    store.set(Mood::Works);
    keys.follow_once(&store).await.expect("it is back");
    assert_eq!(state(&keys, &issued.key), Some(KeyState::Revoked), "it was made all the same");
}
