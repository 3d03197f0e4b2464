use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all};
use proptest::prelude::*;
use tokio::sync::watch;

use super::book::{Book, Kept};
use super::handle::COLLECTION;
use super::record::KeyRecord;
use super::*;
use crate::clock::unix_seconds;
use crate::credential::Secret;
use crate::error::{ErrorKind, Result};
use crate::quota::Allowance;
use crate::store::{MemoryStore, Records};

mod lost;
mod others;

const ME: &str = "cli";

async fn keys() -> (Arc<MemoryStore>, ClientKeys) {
    let store = Arc::new(MemoryStore::default());
    let keys = ClientKeys::open(store.clone()).await.expect("memory works");
    (store, keys)
}

async fn created(keys: &ClientKeys) -> IssuedKey {
    keys.create(NewKey::new().with_label("Ann"), ME).await.expect("a key")
}

fn state(keys: &ClientKeys, key: &Secret) -> Option<KeyState> {
    keys.find(key.expose().as_bytes()).map(|found| found.state)
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> (&'static str, Option<String>) {
    let error = result.expect_err("a refusal");
    (error.code(), error.param().map(str::to_owned))
}

async fn records(store: &MemoryStore) -> Vec<(String, String)> {
    let listing = store.records(COLLECTION, None).await.expect("memory works");
    listing.expect("a listing").records
}

#[tokio::test]
async fn a_whole_key_is_no_id_and_is_kept_nowhere() {
    let (store, keys) = keys().await;
    let issued = created(&keys).await;
    let before = records(&store).await;
    let whole = issued.key.expose();
    for id in [whole.to_owned(), format!(" {whole}"), whole[..30].to_owned()] {
        let errors = [
            keys.revoke(&id, ME).await.map(drop),
            keys.rotate(&id, Duration::ZERO, ME).await.map(drop),
            keys.update(&id, KeyChange::default(), ME).await.map(drop),
        ];
        for error in errors.map(|done| done.expect_err("no id")) {
            assert_eq!((error.code(), error.param()), ("invalid_value", Some("id")));
            let text = format!("{error} {error:?}");
            assert!(text.contains("this is the key itself: give its id"), "{text}");
            assert!(!text.contains(&whole[20..30]), "{text}");
        }
    }
    assert_eq!(records(&store).await, before);
    assert_eq!(store.audit_log(10).await.expect("memory works").len(), 1);
    assert_eq!(state(&keys, &issued.key), Some(KeyState::Active));
}

#[tokio::test]
async fn a_key_lives_from_its_making_to_its_end() {
    let (store, keys) = keys().await;
    assert!(!keys.is_closed());
    let issued = created(&keys).await;
    let id = &*issued.entry.id;
    assert_eq!(
        (issued.entry.state, issued.entry.label.as_deref()),
        (KeyState::Active, Some("Ann"))
    );
    assert_eq!(keys.list(), vec![issued.entry.clone()]);
    assert_eq!(state(&keys, &issued.key), Some(KeyState::Active));
    assert!(issued.key.expose().starts_with(&format!("sk-l2a-{id}-")));
    assert!(!format!("{issued:?} {keys:?}").contains(issued.key.expose()));

    let again = ClientKeys::open(store.clone()).await.expect("memory works");
    assert_eq!(state(&again, &issued.key), Some(KeyState::Active), "it is kept");
    let revoked = keys.revoke(id, ME).await.expect("it is there");
    assert_eq!(revoked.state, KeyState::Revoked);
    assert_eq!(keys.revoke(id, ME).await.expect("a second time"), revoked);
    assert_eq!(state(&keys, &issued.key), Some(KeyState::Revoked));
    assert!(keys.is_closed(), "revoking the last key opens nothing");
    assert_eq!(code(keys.rotate(id, Duration::ZERO, ME).await).0, "key_revoked");
    assert_eq!(code(keys.update(id, KeyChange::default(), ME).await).0, "key_revoked");

    let log = store.audit_log(9).await.expect("memory works");
    let log: Vec<_> = log.iter().map(|entry| (&*entry.act, &*entry.actor)).collect();
    assert_eq!(log, [("key.revoke", ME), ("key.create", ME)], "what changed nothing is no act");
}

#[tokio::test]
async fn the_store_has_hashes_and_no_secrets() {
    let (store, keys) = keys().await;
    let issued = created(&keys).await;
    let rotated = keys.rotate(&issued.entry.id, Duration::ZERO, ME).await.expect("it is there");
    let kept = format!("{:?} {store:?}", records(&store).await);
    for key in [issued.key, rotated.key] {
        let secret = key.expose().rsplit_once('-').expect("an id before it").1;
        assert!(!kept.contains(secret), "{kept}");
    }
    let (id, text) = records(&store).await.remove(0);
    let mut record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    record["hash"] = "HASH".into();
    record["previous"] = "PREVIOUS".into();
    for date in ["created_ms", "rotated_at"] {
        record[date] = 0.into();
    }
    assert_eq!(id, issued.entry.id);
    insta::assert_snapshot!(record);
}

#[tokio::test]
async fn a_rotated_key_stops_at_once_or_after_its_grace() {
    let (_, keys) = keys().await;
    let first = created(&keys).await;
    let id = &*first.entry.id;
    let grace = Duration::from_secs(600);
    let second = keys.rotate(id, grace, ME).await.expect("it is there");
    assert_eq!(second.entry.id, first.entry.id);
    assert_eq!(state(&keys, &first.key), Some(KeyState::Active));
    assert_eq!(state(&keys, &second.key), Some(KeyState::Active));
    let at = |key: &Secret, wait| {
        let found = keys.book().find(key.expose().as_bytes(), unix_seconds() + wait);
        found.map(|found| found.state)
    };
    assert_eq!(at(&first.key, 601), Some(KeyState::Expired));
    assert_eq!(at(&second.key, 601), Some(KeyState::Active));

    let third = keys.rotate(id, Duration::ZERO, ME).await.expect("it is there");
    assert_eq!(state(&keys, &first.key), None, "only the last one is remembered");
    assert_eq!(state(&keys, &second.key), Some(KeyState::Expired));
    assert_eq!(state(&keys, &third.key), Some(KeyState::Active));
    keys.revoke(id, ME).await.expect("it is there");
    assert_eq!(state(&keys, &second.key), Some(KeyState::Revoked));
}

#[tokio::test]
async fn a_key_has_an_end_that_can_be_moved() {
    let (_, keys) = keys().await;
    let new = NewKey::new().with_life(Duration::from_secs(60));
    let issued = keys.create(new, ME).await.expect("a key");
    let (id, end) = (&*issued.entry.id, issued.entry.expires_at.expect("an end"));
    let at = |now| keys.book().find(issued.key.expose().as_bytes(), now).map(|found| found.state);
    assert_eq!((at(end - 1), at(end)), (Some(KeyState::Active), Some(KeyState::Expired)));
    let change = KeyChange { expires_at: Change::Set(end + 9), ..KeyChange::default() };
    keys.update(id, change, ME).await.expect("a later end");
    assert_eq!((at(end + 8), at(end + 9)), (Some(KeyState::Active), Some(KeyState::Expired)));
    let change = KeyChange { expires_at: Change::Clear, ..KeyChange::default() };
    keys.update(id, change, ME).await.expect("no end");
    assert_eq!(at(u64::MAX), Some(KeyState::Active));
}

#[tokio::test]
async fn whatever_is_not_the_key_finds_nothing() {
    let (_, keys) = keys().await;
    let issued = created(&keys).await;
    let key = issued.key.expose();
    let (start, end) = key.split_at(key.len() - 1);
    let other = if end == "0" { "1" } else { "0" };
    let near = [start.to_owned(), format!("{start}{other}"), format!("{key}0"), key.to_uppercase()];
    let unknown = key.replacen(&issued.entry.id, "000000000000", 1);
    for sent in near.iter().map(String::as_str).chain([&*unknown, "", "sk-client", "sk-l2a-"]) {
        assert!(keys.find(sent.as_bytes()).is_none(), "{sent}");
    }
    assert!(keys.find(&[0; 32]).is_none() && keys.find(b"\xff\xfe").is_none());
}

#[tokio::test]
async fn mistakes_name_their_field() {
    let (_, keys) = keys().await;
    let with = |change: fn(&mut NewKey)| {
        let mut new = NewKey::new();
        change(&mut new);
        new
    };
    let cases = [
        ("label", with(|new| new.label = Some(" ".into()))),
        ("label", with(|new| new.label = Some("a\nb".into()))),
        ("label", with(|new| new.label = Some("x".repeat(101)))),
        ("expires_at", with(|new| new.expires_at = Some(1))),
        ("expires_at", with(|new| new.expires_at = Some(u64::MAX))),
        ("expires_at", with(|new| new.life = Some(Duration::ZERO))),
        ("models", with(|new| new.models = vec![String::new()])),
        ("models", with(|new| new.models = vec!["a*b".into()])),
        ("models", with(|new| new.models = vec!["a".into(); 101])),
        ("requests_per_minute", with(|new| new.allowance.requests_per_minute = Some(0))),
        ("tokens_per_day", with(|new| new.allowance.tokens_per_day = Some(0))),
        ("concurrency", with(|new| new.allowance.concurrency = Some(0))),
    ];
    for (param, new) in cases {
        assert_eq!(code(keys.create(new, ME).await), ("invalid_value", Some(param.into())));
    }
    assert!(!keys.is_closed(), "nothing was made");
    for id in ["000000000000", "", "../x", "kk-l2a-abc"] {
        assert_eq!(code(keys.revoke(id, ME).await).0, "key_not_found", "{id}");
    }
    let id = created(&keys).await.entry.id;
    let change = KeyChange { concurrency: Change::Set(0), ..KeyChange::default() };
    assert_eq!(code(keys.update(&id, change, ME).await).1.as_deref(), Some("concurrency"));
}

#[tokio::test]
async fn a_change_touches_what_it_names() {
    let (_, keys) = keys().await;
    let allowance = Allowance { requests_per_minute: Some(5), ..Allowance::default() };
    let new = NewKey::new().with_label("Ann").with_models(["a", "b/*"]).with_allowance(allowance);
    let issued = keys.create(new, ME).await.expect("a key");
    let mut change = KeyChange { concurrency: Change::Set(2), ..KeyChange::default() };
    let changed = keys.update(&issued.entry.id, change.clone(), ME).await.expect("it is there");
    let allowance = Allowance { concurrency: Some(2), ..allowance };
    assert_eq!(changed, ClientKey { allowance, ..issued.entry.clone() });
    let found = keys.find(issued.key.expose().as_bytes()).expect("it is good");
    assert_eq!(found.allowance, allowance);
    for (model, allowed) in
        [("a", true), ("a2", false), ("b/", true), ("b/c", true), ("B/c", false)]
    {
        assert_eq!(found.allows(model), allowed, "{model}");
    }
    change.models = Change::Set(Vec::new());
    let refused = keys.update(&issued.entry.id, change.clone(), ME).await;
    assert_eq!(code(refused), ("invalid_value", Some("models".into())), "all is said by clearing");
    (change.models, change.label) = (Change::Clear, Change::Clear);
    let changed = keys.update(&issued.entry.id, change, ME).await.expect("it is there");
    assert_eq!((changed.label, changed.models.len()), (None, 0));
    assert!(keys.find(issued.key.expose().as_bytes()).expect("it is good").allows("anything"));
}

#[tokio::test]
async fn many_changes_at_once_all_hold() {
    let (store, keys) = keys().await;
    let issued = created(&keys).await;
    let other = ClientKeys::open(store).await.expect("memory works");
    let id = &*issued.entry.id;
    let one = |keys: ClientKeys, change| async move { keys.update(id, change, ME).await };
    let changes = [
        KeyChange { label: Change::Set("Eve".into()), ..KeyChange::default() },
        KeyChange { concurrency: Change::Set(1), ..KeyChange::default() },
        KeyChange { tokens_per_day: Change::Set(2), ..KeyChange::default() },
        KeyChange { requests_per_minute: Change::Set(3), ..KeyChange::default() },
    ];
    let from = [&keys, &other].into_iter().cycle();
    let all = changes.into_iter().zip(from).map(|(change, keys)| one(keys.clone(), change));
    assert!(join_all(all).await.iter().all(Result::is_ok));
    let last = keys.update(id, KeyChange::default(), ME).await.expect("it is there");
    let figures = (last.allowance.requests_per_minute, last.allowance.tokens_per_day);
    assert_eq!((figures, last.allowance.concurrency), ((Some(3), Some(2)), Some(1)));
    assert_eq!(last.label.as_deref(), Some("Eve"));
}

#[test]
fn a_record_of_a_later_form_lets_nobody_in_and_keeps_the_door_closed() {
    let mut record: serde_json::Value = {
        let text = KeyRecord::new("sk-l2a-abc-secret", 0).write().expect("JSON");
        serde_json::from_str(&text).expect("JSON")
    };
    let found = |record: &serde_json::Value| {
        let mut book = Book::default();
        book.take("abc", Kept::new(record.to_string()));
        assert!(!book.is_empty());
        book.find(b"sk-l2a-abc-secret", 0).map(|found| found.state)
    };
    record["colour"] = "red".into();
    assert_eq!(found(&record), Some(KeyState::Active), "more fields do no harm");
    let kept = KeyRecord::read(&record.to_string()).expect("readable").write().expect("JSON");
    assert!(kept.contains(r#""colour":"red""#), "and are kept: {kept}");
    record["form"] = 2.into();
    assert_eq!(found(&record), None);
    record["form"] = 1.into();
    record["hash"] = "short".into();
    assert_eq!(found(&record), None);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_none_find_anything(
        sent in any::<Vec<u8>>(),
        rest in "[ -~]{0,90}",
    ) {
        let text = KeyRecord::new("sk-l2a-abc-secret", 0).write().expect("JSON");
        let mut book = Book::default();
        book.take("abc", Kept::new(text));
        prop_assert!(book.find(&sent, 0).is_none());
        for sent in [format!("sk-l2a-{rest}"), format!("sk-l2a-abc-{rest}"), rest.clone()] {
            prop_assert!(book.find(sent.as_bytes(), 0).is_none() || sent == "sk-l2a-abc-secret");
        }
    }

    #[test]
    fn no_text_of_a_store_makes_it_panic(text in any::<String>()) {
        let mut book = Book::default();
        book.take("abc", Kept::new(text));
        prop_assert!(book.find(b"sk-l2a-abc-secret", 0).is_none() && !book.is_empty());
    }
}
