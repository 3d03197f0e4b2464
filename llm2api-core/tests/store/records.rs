//! The part of the suite that is about records and the log of who changed them.

use llm2api_core::store::{
    AuditEntry, Listing, MOST_AUDIT_ENTRIES, RecordChange, Records, Store, Swapped, Version,
};
use tokio::task::JoinSet;

use crate::suite::Home;

const KEYS: &str = "client_key";
/// How often two stores write at the same time.
const ROUNDS: u64 = 30;

/// What an act in a log that is full says.
pub(crate) const FULL: AuditEntry =
    AuditEntry { at: 1, actor: String::new(), act: String::new(), subject: String::new() };

pub(crate) fn act(at: u64, act: &str) -> AuditEntry {
    AuditEntry { at, actor: "cli".into(), act: act.into(), subject: "subject – ü\n".into() }
}

/// A change whose act is called like the new text.
pub(crate) fn change(id: &str, expected: Option<&str>, text: &str) -> RecordChange {
    RecordChange {
        collection: KEYS,
        id: id.into(),
        expected: expected.map(Into::into),
        text: text.into(),
        audit: act(7, text),
    }
}

pub(crate) async fn set(
    store: &dyn Store,
    id: &str,
    expected: Option<&str>,
    text: &str,
) -> Swapped {
    of(store).change_record(&change(id, expected, text)).await.expect("an answer")
}

fn of(store: &dyn Store) -> &dyn Records {
    store.records().expect("it keeps them")
}

async fn text(store: &dyn Store, id: &str) -> Option<String> {
    of(store).record(KEYS, id).await.expect("an answer")
}

pub(crate) async fn news(store: &dyn Store, known: Option<Version>) -> Option<Listing> {
    of(store).records(KEYS, known).await.expect("an answer")
}

async fn acts(store: &dyn Store, limit: usize) -> Vec<String> {
    let log = of(store).audit_log(limit).await.expect("a log");
    log.into_iter().map(|entry| entry.act).collect()
}

fn listed(records: &[(&str, &str)]) -> Vec<(String, String)> {
    records.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect()
}

pub(crate) async fn a_record_changes_only_from_what_is_expected(home: &impl Home) {
    let store = home.open().await;
    let other = |text: &str| Swapped::Other(text.to_owned());
    assert_eq!(text(&*store, "a").await, None);
    assert_eq!(set(&*store, "a", Some("old"), "new").await, Swapped::Missing);
    assert_eq!(set(&*store, "a", Some(""), "new").await, Swapped::Missing, "none is not empty");
    assert_eq!(set(&*store, "a", None, "1").await, Swapped::Done);
    assert_eq!(set(&*store, "a", None, "2").await, other("1"), "it is there");
    assert_eq!(set(&*store, "a", Some("01"), "2").await, other("1"), "texts are no numbers");
    assert_eq!(set(&*store, "a", Some("1"), "").await, Swapped::Done);
    assert_eq!(set(&*store, "a", None, "2").await, other(""), "the empty one is there");
    assert_eq!(set(&*store, "a", Some(""), "2").await, Swapped::Done);
    assert_eq!(set(&*store, "a", Some("2"), "2").await, Swapped::Done, "the same again");
    assert_eq!(set(&*store, "A", Some("2"), "3").await, Swapped::Missing, "another id");
    assert_eq!(text(&*store, "a").await.as_deref(), Some("2"));
    assert_eq!(acts(&*store, 10).await, ["2", "2", "", "1"], "what was refused is no act");
}

pub(crate) async fn a_collection_is_told_only_where_it_has_changed(home: &impl Home) {
    let store = home.open().await;
    let empty = Listing::new(Vec::new(), Version(0));
    assert_eq!(news(&*store, None).await, Some(empty.clone()));
    assert_eq!(news(&*store, Some(Version(9))).await, Some(empty), "that was another history");
    assert_eq!(news(&*store, Some(Version(0))).await, None);
    set(&*store, "b", None, "1").await;
    let first = news(&*store, Some(Version(0))).await.expect("news");
    assert_eq!(first.records, listed(&[("b", "1")]));
    assert_eq!(news(&*store, None).await.as_ref(), Some(&first));
    assert_eq!(news(&*store, Some(first.version)).await, None);

    set(&*store, "b", None, "refused").await;
    of(&*store).audit(&act(1, "seen")).await.expect("noted");
    let elsewhere = RecordChange { collection: "auth_code", ..change("b", None, "elsewhere") };
    assert_eq!(of(&*store).change_record(&elsewhere).await.expect("an answer"), Swapped::Done);
    assert_eq!(news(&*store, Some(first.version)).await, None, "nothing of this has changed");

    for (id, expected, text) in [("ü", None, "4"), ("a", None, "3"), ("b", Some("1"), "2")] {
        assert_eq!(set(&*store, id, expected, text).await, Swapped::Done);
    }
    let second = news(&*store, Some(first.version)).await.expect("news");
    assert_eq!(second.records, listed(&[("a", "3"), ("b", "2"), ("ü", "4")]), "sorted by id");
    assert!(second.version > first.version, "{second:?}");
    let other = of(&*store).records("auth_code", None).await.expect("an answer");
    assert_eq!(other.expect("news").records, listed(&[("b", "elsewhere")]));
    let missing = of(&*store).record("auth_code", "a").await.expect("an answer");
    assert_eq!(missing, None, "it is in another collection");
}

pub(crate) async fn records_come_back_as_they_were(home: &impl Home) {
    let store = home.open().await;
    let long = "é𝄞".repeat(50_000);
    let texts = [
        "",
        " ",
        "1",
        "1e5",
        "-0",
        "nil",
        "false",
        "'; DROP TABLE record; --",
        r#"{"label":"\u0000 \"quoted\" \\"}"#,
        "line\r\nline\ttab\u{1}\u{7f}",
        "\u{feff}mark",
        "e\u{301} is not \u{e9}",
        "مرحبا 你好 👩‍👩‍👧‍👦 \u{10ffff}",
        "%s %d {} $1 :1 ?1 ARGV[1]",
        &long,
    ];
    for id in texts {
        assert_eq!(set(&*store, id, None, id).await, Swapped::Done, "{id:.40}");
        assert_eq!(text(&*store, id).await.as_deref(), Some(id), "{id:.40}");
        assert_eq!(set(&*store, id, Some(id), id).await, Swapped::Done, "{id:.40}");
    }
    let mut expected = listed(&texts.map(|text| (text, text)));
    expected.sort_unstable();
    assert_eq!(news(&*store, None).await.expect("all").records, expected);
}

pub(crate) async fn a_store_beside_sees_each_change_at_once(home: &impl Home) {
    let (one, other) = (home.open().await, home.beside().await);
    let mut known = Version(0);
    for (number, texts) in ["0", "1", "2", "3", "4"].windows(2).enumerate() {
        let (writer, reader) = if number % 2 == 0 { (&one, &other) } else { (&other, &one) };
        assert_eq!(news(&**reader, Some(known)).await, None);
        let expected = (number > 0).then_some(texts[0]);
        assert_eq!(set(&**writer, "a", expected, texts[1]).await, Swapped::Done);
        let listing = news(&**reader, Some(known)).await.expect("news");
        assert_eq!(listing.records, listed(&[("a", texts[1])]));
        assert_eq!(text(&**reader, "a").await.as_deref(), Some(texts[1]));
        assert_eq!(news(&**writer, None).await.as_ref(), Some(&listing));
        known = listing.version;
    }
    assert_eq!(acts(&*one, 10).await, ["4", "3", "2", "1"]);
    assert_eq!(acts(&*other, 10).await, ["4", "3", "2", "1"]);
}

pub(crate) async fn of_two_stores_that_change_a_record_at_once_one_does(home: &impl Home) {
    let stores = [home.open().await, home.beside().await];
    let mut now: Option<String> = None;
    for round in 0..ROUNDS {
        let texts = [0, 1].map(|writer| format!("{round} by {writer}"));
        let mut tasks = JoinSet::new();
        for (store, text) in stores.iter().cloned().zip(texts) {
            let expected = now.clone();
            tasks.spawn(async move {
                let answer = set(&*store, "a", expected.as_deref(), &text).await;
                (text, answer)
            });
        }
        let answers = tasks.join_all().await;
        let (won, lost): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|(_, answer)| *answer == Swapped::Done);
        let ([(winner, _)], [(_, loser)]) = (&won[..], &lost[..]) else { panic!("{won:?}") };
        assert_eq!(*loser, Swapped::Other(winner.clone()), "it is told what is there");
        now = Some(winner.clone());
    }
    let log = acts(&*stores[0], usize::MAX).await;
    assert_eq!(log.len() as u64, ROUNDS, "an act for each change, and none for what was refused");
    assert_eq!(log.first(), now.as_ref());
}

pub(crate) async fn no_change_is_lost_of_many_at_once(home: &impl Home) {
    let stores = [home.open().await, home.beside().await];
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let store = stores[number % 2].clone();
        tasks.spawn(async move { count_up(&*store, 1).await });
    }
    tasks.join_all().await;
    assert_eq!(text(&*stores[0], "count").await.as_deref(), Some("40"));
    assert_eq!(acts(&*stores[1], 100).await.len(), 40);
}

/// Adds to a record as whoever changes one has to: it looks, and tries again where another was
/// faster.
pub(crate) async fn count_up(store: &dyn Store, times: u32) {
    for _ in 0..times {
        let mut now = text(store, "count").await;
        loop {
            let count: u32 = now.as_deref().map_or(0, |text| text.parse().expect("a number"));
            match set(store, "count", now.as_deref(), &(count + 1).to_string()).await {
                Swapped::Other(text) => now = Some(text),
                answer => break assert_eq!(answer, Swapped::Done),
            }
        }
    }
}

pub(crate) async fn the_log_tells_the_newest_first(home: &impl Home) {
    let store = home.open().await;
    assert_eq!(of(&*store).audit_log(10).await.expect("a log"), []);
    let signed_in = AuditEntry {
        at: 1_767_225_600_123,
        actor: "127.0.0.1 [\"ü\"]".into(),
        act: "admin.sign_in".into(),
        subject: String::new(),
    };
    of(&*store).audit(&signed_in).await.expect("noted");
    set(&*store, "a", None, "key.create").await;
    let early = act(0, "the clock went back");
    of(&*store).audit(&early).await.expect("noted");
    of(&*store).audit(&early).await.expect("noted");
    let all = [early.clone(), early, act(7, "key.create"), signed_in];
    for limit in [4, 5, 1000, usize::MAX] {
        assert_eq!(of(&*store).audit_log(limit).await.expect("a log"), all);
    }
    for limit in 0..4 {
        assert_eq!(of(&*store).audit_log(limit).await.expect("a log"), all[..limit]);
    }
}

pub(crate) async fn a_full_log_forgets_the_oldest(home: &impl Home) {
    let store = home.open().await;
    of(&*store).audit(&act(0, "the oldest")).await.expect("noted");
    home.fill_log(MOST_AUDIT_ENTRIES - 1).await;
    let log = acts(&*store, usize::MAX).await;
    assert_eq!((log.len(), log.last().map_or("", |act| act)), (MOST_AUDIT_ENTRIES, "the oldest"));
    of(&*store).audit(&act(2, "an act")).await.expect("noted");
    set(&*store, "a", None, "a change").await;
    let log = of(&*store).audit_log(usize::MAX).await.expect("a log");
    assert_eq!(log.len(), MOST_AUDIT_ENTRIES);
    assert_eq!(log[..3], [act(7, "a change"), act(2, "an act"), FULL]);
    assert!(log[2..].iter().all(|entry| *entry == FULL), "the oldest is gone, and another one");
}

/// For stores that outlive the process.
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) async fn records_are_there_after_opening_again(home: &impl Home) {
    let store = home.open().await;
    set(&*store, "a", None, "1").await;
    set(&*store, "b", None, "2").await;
    let listing = news(&*store, None).await.expect("all");
    drop(store);
    let store = home.open().await;
    assert_eq!(news(&*store, Some(listing.version)).await, None, "nobody changed it");
    assert_eq!(news(&*store, None).await.as_ref(), Some(&listing));
    assert_eq!(acts(&*store, 10).await, ["2", "1"]);
    assert_eq!(set(&*store, "a", Some("1"), "3").await, Swapped::Done);
    let later = news(&*store, Some(listing.version)).await.expect("news");
    assert!(later.version > listing.version, "the history goes on");
}
