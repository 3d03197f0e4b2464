//! The suite: each test is given somewhere that a store can be opened, twice if need be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use futures::future::join_all;
use llm2api_core::CredentialId;
use llm2api_core::store::{Count, Inserted, KeyId, OutboxEntry, Row, Sealed, Store, Swapped};
use tokio::task::JoinSet;

pub(crate) use crate::branches::{
    a_conversation_takes_the_place_of_its_clean_up, a_hold_runs_out_unless_it_is_renewed,
    a_hold_stays_when_its_branch_becomes_another_conversations,
    a_thread_leads_to_who_has_answered_it, one_at_a_time_is_at_work_in_a_conversation,
    what_is_old_or_too_much_is_collected,
};
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) use crate::points::points_are_there_after_opening_again;
pub(crate) use crate::points::{
    a_batch_that_is_sent_twice_counts_once, a_full_figure_stays_full,
    a_series_that_is_forgotten_has_no_points, of_points_those_that_are_asked_for_are_read,
    points_add_up_by_series_and_span, points_of_any_name_come_back_as_they_were,
    points_that_are_too_old_are_dropped, what_many_add_at_once_is_all_there,
    what_nothing_happens_to_any_more_is_dropped,
};
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) use crate::records::records_are_there_after_opening_again;
pub(crate) use crate::records::{
    a_collection_is_told_only_where_it_has_changed, a_full_log_forgets_the_oldest,
    a_record_changes_only_from_what_is_expected, a_store_beside_sees_each_change_at_once,
    no_change_is_lost_of_many_at_once, of_two_stores_that_change_a_record_at_once_one_does,
    records_come_back_as_they_were, the_log_tells_the_newest_first,
};

/// Where a store keeps what it keeps.
#[async_trait]
pub(crate) trait Home: Send + Sync {
    /// Opens the store; the one that was opened before is dropped by then.
    async fn open(&self) -> Arc<dyn Store>;

    /// Opens it once more, as another process does, beside the one that is open.
    async fn beside(&self) -> Arc<dyn Store>;

    /// Writes so many times the [act](crate::records::FULL) of a full log, in a faster way than one
    /// by one.
    async fn fill_log(&self, times: usize);
}

/// Has each test of the suite run with a new home.
macro_rules! run {
    ($home:expr, $($name:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let home = $home.await;
            $crate::suite::$name(&home).await;
        })*
    };
}
pub(crate) use run;

/// Runs the whole suite.
macro_rules! suite {
    ($home:expr) => {
        $crate::suite::run!(
            $home,
            rows_come_back_as_they_were,
            a_secret_or_an_account_is_kept_once,
            replacing_changes_the_secret_and_the_account,
            an_account_may_be_told_later,
            profiles_and_health_change_alone,
            what_is_removed_is_gone_and_may_come_back,
            a_secret_is_sealed_again_only_if_it_is_the_same,
            values_change_only_from_what_is_expected,
            counters_add_up_by_series_and_field,
            a_batch_that_is_sent_twice_counts_once,
            points_add_up_by_series_and_span,
            of_points_those_that_are_asked_for_are_read,
            points_of_any_name_come_back_as_they_were,
            points_that_are_too_old_are_dropped,
            a_series_that_is_forgotten_has_no_points,
            a_full_figure_stays_full,
            what_many_add_at_once_is_all_there,
            of_many_at_once_one_is_new,
            a_thousand_rows_are_kept,
            the_outbox_keeps_what_is_put_until_it_is_removed,
            a_conversation_takes_the_place_of_its_clean_up,
            one_at_a_time_is_at_work_in_a_conversation,
            a_hold_stays_when_its_branch_becomes_another_conversations,
            a_hold_runs_out_unless_it_is_renewed,
            what_is_old_or_too_much_is_collected,
            a_thread_leads_to_who_has_answered_it,
            a_record_changes_only_from_what_is_expected,
            a_collection_is_told_only_where_it_has_changed,
            records_come_back_as_they_were,
            a_store_beside_sees_each_change_at_once,
            of_two_stores_that_change_a_record_at_once_one_does,
            no_change_is_lost_of_many_at_once,
            the_log_tells_the_newest_first,
            a_full_log_forgets_the_oldest,
        );
    };
}
pub(crate) use suite;

/// Makes a row; `secret` and `account` are what must be unique.
pub(crate) fn row(id: &str, secret: &str, account: Option<&str>) -> Row {
    Row {
        id: CredentialId::from_text(id),
        upstream: "up".into(),
        fingerprint: secret.into(),
        account: account.map(Into::into),
        sealed: sealed("00000001", secret),
        profile: format!(r#"{{"label":"{id} – ü"}}"#),
        health: r#"{"strikes":1}"#.into(),
    }
}

pub(crate) fn sealed(key: &str, text: &str) -> Sealed {
    Sealed { key: KeyId(key.into()), bytes: [&[0, 255, b'\n'], text.as_bytes()].concat() }
}

fn duplicate(row: &Row) -> Inserted {
    Inserted::Duplicate(row.id.clone())
}

/// All rows, sorted by id.
pub(crate) async fn rows(store: &dyn Store) -> Vec<Row> {
    let mut rows = store.rows().await.expect("rows").0;
    rows.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
    rows
}

pub(crate) async fn insert(store: &dyn Store, row: &Row) -> Inserted {
    store.insert(row).await.expect("an answer")
}

pub(crate) async fn rows_come_back_as_they_were(home: &impl Home) {
    let store = home.open().await;
    assert!(rows(&*store).await.is_empty());
    let kept = [row("cred_1", "one", None), row("cred_2", "two", Some("7"))];
    for row in &kept {
        assert_eq!(insert(&*store, row).await, Inserted::New);
    }
    assert_eq!(rows(&*store).await, kept);
}

pub(crate) async fn a_secret_or_an_account_is_kept_once(home: &impl Home) {
    let store = home.open().await;
    let first = row("cred_1", "one", Some("7"));
    assert_eq!(insert(&*store, &first).await, Inserted::New);
    assert_eq!(insert(&*store, &first).await, duplicate(&first), "the same id");
    assert_eq!(insert(&*store, &row("cred_2", "one", None)).await, duplicate(&first));
    assert_eq!(insert(&*store, &row("cred_2", "two", Some("7"))).await, duplicate(&first));
    let elsewhere = Row { upstream: "other".into(), ..row("cred_2", "one", Some("7")) };
    assert_eq!(insert(&*store, &elsewhere).await, Inserted::New, "another upstream");
    assert_eq!(insert(&*store, &row("cred_3", "three", None)).await, Inserted::New);
    assert_eq!(insert(&*store, &row("cred_4", "four", None)).await, Inserted::New, "no account");
    assert_eq!(rows(&*store).await.len(), 4);
}

pub(crate) async fn an_account_may_be_told_later(home: &impl Home) {
    let store = home.open().await;
    let (first, other) = (row("cred_1", "one", None), row("cred_2", "two", Some("8")));
    let tell = async |id: &str, account: &str| {
        store.set_account(&CredentialId::from_text(id), account).await.expect("an answer")
    };
    assert_eq!(tell("cred_1", "7").await, Inserted::Missing);
    insert(&*store, &first).await;
    insert(&*store, &other).await;
    assert_eq!(tell("cred_1", "8").await, duplicate(&other));
    assert_eq!(tell("cred_1", "7").await, Inserted::New);
    assert_eq!(tell("cred_1", "7").await, Inserted::New, "it is no duplicate of itself");
    let first = Row { account: Some("7".into()), ..first };
    assert_eq!(rows(&*store).await, [first.clone(), other]);
    assert_eq!(insert(&*store, &row("cred_3", "three", Some("7"))).await, duplicate(&first));
    assert_eq!(tell("cred_1", "9").await, Inserted::New);
    assert_eq!(insert(&*store, &row("cred_3", "three", Some("7"))).await, Inserted::New);
}

pub(crate) async fn replacing_changes_the_secret_and_the_account(home: &impl Home) {
    let store = home.open().await;
    let replace = async |row: &Row| store.replace(row).await.expect("an answer");
    let (first, other) = (row("cred_1", "one", Some("7")), row("cred_2", "two", Some("8")));
    assert_eq!(replace(&first).await, Inserted::Missing);
    insert(&*store, &first).await;
    insert(&*store, &other).await;
    assert_eq!(replace(&row("cred_1", "two", None)).await, duplicate(&other));
    assert_eq!(replace(&row("cred_1", "new", Some("8"))).await, duplicate(&other));
    let (profile, health) = ("{}".to_owned(), "{}".to_owned());
    let new = Row { profile, health, ..row("cred_1", "new", Some("9")) };
    assert_eq!(replace(&new).await, Inserted::New);
    assert_eq!(replace(&new).await, Inserted::New, "it is no duplicate of itself");
    let Row { profile, health, .. } = first.clone();
    let expected = Row { profile, health, ..new };
    assert_eq!(rows(&*store).await, [expected, other]);
    let again = row("cred_3", "one", Some("7"));
    assert_eq!(insert(&*store, &again).await, Inserted::New, "the old secret is free");
    let no_account = row("cred_1", "new", None);
    assert_eq!(replace(&no_account).await, Inserted::New);
    assert_eq!(insert(&*store, &row("cred_4", "four", Some("9"))).await, Inserted::New);
}

pub(crate) async fn profiles_and_health_change_alone(home: &impl Home) {
    let store = home.open().await;
    let (first, second) = (row("cred_1", "one", None), row("cred_2", "two", None));
    insert(&*store, &first).await;
    insert(&*store, &second).await;
    let missing = CredentialId::from_text("cred_3");
    let set = async |id: &CredentialId, expected: &str, profile: &str| {
        store.set_profile(id, expected, profile).await.expect("an answer")
    };
    assert_eq!(set(&first.id, &first.profile, "profile").await, Swapped::Done);
    let other = Swapped::Other("profile".to_owned());
    assert_eq!(set(&first.id, &first.profile, "late").await, other, "another was faster");
    assert_eq!(set(&missing, "", "profile").await, Swapped::Missing);
    let health = [(first.id.clone(), "1"), (missing, "3"), (second.id.clone(), "2")];
    let health = health.map(|(id, health)| (id, health.to_owned()));
    store.set_health(&health).await.expect("set");
    store.set_health(&[]).await.expect("nothing to do");
    let first = Row { profile: "profile".into(), health: "1".into(), ..first };
    assert_eq!(rows(&*store).await, [first, Row { health: "2".into(), ..second }]);
}

pub(crate) async fn what_is_removed_is_gone_and_may_come_back(home: &impl Home) {
    let store = home.open().await;
    let first = row("cred_1", "one", Some("7"));
    insert(&*store, &first).await;
    assert!(store.remove(&first.id).await.expect("an answer"));
    assert!(!store.remove(&first.id).await.expect("an answer"));
    assert!(rows(&*store).await.is_empty());
    assert_eq!(insert(&*store, &row("cred_2", "one", None)).await, Inserted::New);
    assert_eq!(insert(&*store, &row("cred_1", "two", Some("7"))).await, Inserted::New);
}

pub(crate) async fn a_secret_is_sealed_again_only_if_it_is_the_same(home: &impl Home) {
    let store = home.open().await;
    let first = row("cred_1", "one", Some("7"));
    insert(&*store, &first).await;
    let new = sealed("00000002", "new");
    let reseal = async |old: &Sealed, new: &Sealed| {
        store.reseal(&first.id, old, new).await.expect("an answer")
    };
    assert!(!reseal(&sealed("00000002", "one"), &new).await, "another key");
    assert!(!reseal(&sealed("00000001", "two"), &new).await, "other bytes");
    assert!(reseal(&first.sealed, &new).await);
    assert!(!reseal(&first.sealed, &new).await, "it is another by now");
    assert_eq!(rows(&*store).await, [Row { sealed: new.clone(), ..first }]);
    let missing = CredentialId::from_text("cred_3");
    assert!(!store.reseal(&missing, &new, &new).await.expect("an answer"));
}

pub(crate) async fn values_change_only_from_what_is_expected(home: &impl Home) {
    let store = home.open().await;
    let set = async |expected: Option<&[u8]>, value: &[u8]| {
        store.set_value("name", expected, value).await.expect("an answer")
    };
    assert_eq!(store.value("name").await.expect("an answer"), None);
    assert!(!set(Some(b"old"), b"new").await, "there is none yet");
    assert!(!set(Some(b""), b"new").await, "none is not the empty one");
    assert!(set(None, b"\0\xff").await);
    assert!(!set(None, b"new").await, "there is one already");
    assert!(!set(Some(b"old"), b"new").await);
    assert!(set(Some(b"\0\xff"), b"").await);
    assert!(!set(None, b"new").await, "the empty one is one");
    assert_eq!(store.value("name").await.expect("an answer"), Some(Vec::new()));
    assert!(set(Some(b""), b"new").await);
    assert_eq!(store.value("name").await.expect("an answer"), Some(b"new".to_vec()));
}

pub(crate) async fn counters_add_up_by_series_and_field(home: &impl Home) {
    let store = home.open().await;
    let batches = AtomicU32::new(0);
    let add = async |counts: &[Count]| {
        let batch = format!("batch-{}", batches.fetch_add(1, Ordering::Relaxed));
        store.add(&batch, counts, &[]).await.expect("added");
    };
    add(&[]).await;
    add(&[Count::new("model:a", "requests", 1), Count::new("model:a", "tokens", 10)]).await;
    add(&[Count::new("model:a", "requests", 2), Count::new("model:b*", "requests", 5)]).await;
    add(&[Count::new("modem", "requests", 1), Count::new("credential:é", "requests", 1)]).await;
    let counts = async |prefix: &str| {
        let mut counts = store.counts(prefix).await.expect("counts");
        counts.sort();
        counts
    };
    let expected = [
        Count::new("model:a", "requests", 3),
        Count::new("model:a", "tokens", 10),
        Count::new("model:b*", "requests", 5),
    ];
    assert_eq!(counts("model:").await, expected);
    assert_eq!(counts("model:b*").await, expected[2..]);
    assert_eq!(counts("*").await, []);
    assert_eq!(counts("").await.len(), 5);
    store.forget("model:a").await.expect("forgotten");
    store.forget("nothing").await.expect("nothing to forget");
    assert_eq!(counts("model:").await, expected[2..]);
    add(&[Count::new("big", "requests", u64::MAX), Count::new("big", "requests", 9)]).await;
    assert!(counts("big").await[0].value >= u64::MAX >> 1, "it is full, and not negative");
}

pub(crate) async fn of_many_at_once_one_is_new(home: &impl Home) {
    let store = home.open().await;
    let mut tasks = JoinSet::new();
    for number in 0..32 {
        let store = store.clone();
        tasks.spawn(async move {
            insert(&*store, &row(&format!("cred_{number}"), "same", Some("7"))).await
        });
    }
    let answers = tasks.join_all().await;
    let new = answers.iter().filter(|answer| **answer == Inserted::New).count();
    assert_eq!(new, 1);
    let [kept] = rows(&*store).await.try_into().expect("one row");
    let others = answers.iter().filter(|answer| **answer != Inserted::New);
    assert!(others.into_iter().all(|answer| *answer == duplicate(&kept)));
}

pub(crate) async fn a_thousand_rows_are_kept(home: &impl Home) {
    let store = home.open().await;
    let ids: BTreeSet<_> = (0..1000).map(|number| format!("cred_{number:04}")).collect();
    let kept: BTreeMap<_, _> = ids.iter().map(|id| (id, row(id, id, Some(id)))).collect();
    let answers = join_all(kept.values().map(|row| insert(&*store, row))).await;
    assert!(answers.iter().all(|answer| *answer == Inserted::New));
    assert_eq!(rows(&*store).await, kept.values().cloned().collect::<Vec<_>>());
    let health = |id: &String| (CredentialId::from_text(id.as_str()), "{}".to_owned());
    store.set_health(&ids.iter().map(health).collect::<Vec<_>>()).await.expect("set");
    assert!(rows(&*store).await.iter().all(|row| row.health == "{}"));
}

pub(crate) fn entry(id: &str, text: &str) -> OutboxEntry {
    OutboxEntry { id: id.into(), sealed: sealed("00000001", text) }
}

pub(crate) async fn outbox(store: &dyn Store) -> Vec<OutboxEntry> {
    let mut entries = store.outbox().await.expect("entries");
    entries.sort_by(|one, other| one.id.cmp(&other.id));
    entries
}

pub(crate) async fn the_outbox_keeps_what_is_put_until_it_is_removed(home: &impl Home) {
    let store = home.open().await;
    for (id, text) in [("a", "first"), ("b", "second"), ("a", "third")] {
        store.put_outbox(&entry(id, text)).await.expect("kept");
    }
    assert_eq!(outbox(&*store).await, [entry("a", "third"), entry("b", "second")]);
    assert_eq!(store.take_outbox().await.expect("an answer"), [], "somebody is at work on it");
    store.remove_outbox(&["a".into(), "unknown".into()]).await.expect("removed");
    assert_eq!(outbox(&*store).await, [entry("b", "second")]);
}

/// For stores that outlive the process.
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) async fn what_an_earlier_process_left_is_taken_once(home: &impl Home) {
    let store = home.open().await;
    store.put_outbox(&entry("a", "first")).await.expect("kept");
    if let Some(places) = store.places() {
        places.leave().await;
    }
    drop(store);
    let store = home.open().await;
    assert_eq!(store.take_outbox().await.expect("an answer"), [entry("a", "first")]);
    assert_eq!(store.take_outbox().await.expect("an answer"), [], "it has been taken");
    store.remove_outbox(&["a".into()]).await.expect("removed");
    assert_eq!(outbox(&*store).await, []);
}

/// For stores that outlive the process.
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) async fn everything_is_there_after_opening_again(home: &impl Home) {
    let store = home.open().await;
    let kept = row("cred_1", "one", Some("7"));
    insert(&*store, &kept).await;
    store.set_value("name", None, b"value").await.expect("set");
    store.add("batch", &[Count::new("model:a", "requests", 3)], &[]).await.expect("added");
    drop(store);
    let store = home.open().await;
    assert_eq!(rows(&*store).await, std::slice::from_ref(&kept));
    assert_eq!(insert(&*store, &row("cred_2", "one", None)).await, duplicate(&kept));
    assert_eq!(store.value("name").await.expect("an answer").as_deref(), Some(&b"value"[..]));
    assert_eq!(store.counts("model:").await.expect("counts")[0].value, 3);
}
