use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;

use futures::future::join_all;
use tempfile::TempDir;

use super::*;
use crate::error::ErrorKind;
use crate::store::{AuditEntry, KeyId, MOST_BATCHES, RecordChange, Span};

fn path() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("made/llm2api.db");
    (folder, path)
}

fn row(number: usize) -> Row {
    Row {
        id: CredentialId::from_text(format!("cred_{number}")),
        upstream: "up".into(),
        fingerprint: format!("{number:064x}"),
        account: None,
        sealed: Sealed { key: KeyId("00000000".into()), bytes: vec![7; 512] },
        profile: "{}".into(),
        health: "{}".into(),
    }
}

async fn set_pages(store: &SqliteStore, most: Option<u32>) {
    let work = move |connection: &rusqlite::Connection| {
        let have = || connection.pragma_query_value(None, "page_count", |row| row.get::<_, u32>(0));
        let most = most.map_or_else(|| Ok(1 << 20), |more| Ok(have()? + more));
        most.and_then(|most| {
            connection.pragma_update_and_check(None, "max_page_count", most, |_| Ok(()))
        })
    };
    store.thread.read(work).await.expect("set");
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_recovers() {
    let (_folder, path) = path();
    let store = SqliteStore::open(&path).expect("a store");
    store.insert(&row(0)).await.expect("inserted");
    set_pages(&store, Some(2)).await;
    let mut kept = 1;
    let error = loop {
        match store.insert(&row(kept)).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.message().contains("disk is full"), "{error}");
    assert_eq!(store.rows().await.expect("still read").0.len(), kept);
    set_pages(&store, None).await;
    assert_eq!(store.insert(&row(kept)).await.expect("recovered"), Inserted::New);
    drop(store);
    assert_eq!(
        SqliteStore::open(&path).expect("a store").rows().await.expect("rows").0.len(),
        kept + 1
    );
}

#[tokio::test]
async fn a_batch_that_does_not_fit_leaves_neither_counters_nor_points() {
    let (_folder, path) = path();
    let store = SqliteStore::open(&path).expect("a store");
    let name = |number: u64| format!("model:{number}-{}", "x".repeat(100));
    let batch = |batch: u64| (20 * batch..20 * (batch + 1)).map(name);
    let add = async |number: u64| {
        let counts: Vec<_> = batch(number).map(|name| Count::new(name, "requests", 1)).collect();
        let points: Vec<_> = batch(number).map(|name| point(&name, number)).collect();
        store.add(&number.to_string(), &counts, &points).await
    };
    add(0).await.expect("there is room");
    set_pages(&store, Some(5)).await;
    let mut kept = 1;
    while add(kept).await.is_ok() {
        kept += 1;
    }
    let series = (0..=kept).flat_map(batch).collect();
    let ask = PointsAsk::new(series, Span::Minute, 0, u64::MAX);
    let count = async || {
        let counts = store.counts("").await.expect("counts").len() as u64;
        (counts, store.points(&ask).await.expect("points").len() as u64)
    };
    assert_eq!(count().await, (20 * kept, 20 * kept), "all of a batch or nothing");
    set_pages(&store, None).await;
    add(kept).await.expect("it is not taken for one that was added");
    assert_eq!(count().await, (20 * (kept + 1), 20 * (kept + 1)));
}

fn point(series: &str, at: u64) -> Point {
    let figures = vec![("requests".to_owned(), 1)];
    Point { series: series.to_owned(), span: Span::Minute, at, figures }
}

#[tokio::test]
async fn batches_are_remembered_until_many_have_come_after_them() {
    let (_folder, path) = path();
    let store = SqliteStore::open(&path).expect("a store");
    let first = [Count::new("total", "requests", 1)];
    let others = async |range: std::ops::Range<usize>| {
        let names: Vec<_> = range.map(|number| number.to_string()).collect();
        join_all(names.iter().map(|name| store.add(name, &[], &[]))).await;
    };
    store.add("first", &first, &[]).await.expect("added");
    others(1..MOST_BATCHES).await;
    store.add("first", &first, &[]).await.expect("known");
    assert_eq!(store.counts("total").await.expect("counts"), first);
    others(MOST_BATCHES..MOST_BATCHES + 1).await;
    store.add("first", &first, &[]).await.expect("added");
    assert_eq!(store.counts("total").await.expect("counts")[0].value, 2, "it is forgotten");
}

#[tokio::test]
async fn one_that_fails_takes_no_other_with_it() {
    let (_folder, path) = path();
    let store = SqliteStore::open(&path).expect("a store");
    let broken = store.thread.write(|connection| {
        connection.execute("INSERT INTO value VALUES ('half', x'00')", [])?;
        connection.execute("INSERT INTO value VALUES (NULL, 'text')", [])
    });
    let (row_1, row_2) = (row(1), row(2));
    let (first, broken, second) = tokio::join!(store.insert(&row_1), broken, store.insert(&row_2));
    assert_eq!((first.expect("kept"), second.expect("kept")), (Inserted::New, Inserted::New));
    assert_eq!(broken.expect_err("refused").kind(), ErrorKind::Store);
    assert_eq!(store.value("half").await.expect("read"), None, "all or nothing");
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_alone() {
    let (folder, path) = path();
    drop(SqliteStore::open(&path).expect("a store"));
    let store = fs::read(&path).expect("read");
    let cut = [&store[..4096], &[0x5a; 4096]].concat();
    for bytes in [b"no database".repeat(100), cut, store[..5000].to_vec()] {
        let path = folder.path().join("other.db");
        fs::write(&path, &bytes).expect("written");
        let error = SqliteStore::open(&path).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
        assert!(error.to_string().contains("move it away"), "{error}");
        assert_eq!(fs::read(&path).expect("read"), bytes, "left as it was");
    }
}

#[tokio::test]
async fn databases_of_others_and_of_newer_versions_are_refused() {
    let (folder, path) = path();
    let other = folder.path().join("other.db");
    let connection = rusqlite::Connection::open(&other).expect("a database");
    connection.execute_batch("CREATE TABLE theirs (x)").expect("made");
    let error = SqliteStore::open(&other).expect_err("refused");
    assert!(error.to_string().contains("another program"), "{error}");
    let shared = SqliteStore::open_shared(&other).expect_err("refused");
    assert_eq!(shared.to_string(), error.to_string());

    drop(SqliteStore::open(&path).expect("a store"));
    let connection = rusqlite::Connection::open(&path).expect("a database");
    connection.pragma_update(None, "user_version", 99).expect("set");
    let error = SqliteStore::open(&path).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("update this server"), "{error}");
    let shared = SqliteStore::open_shared(&path).expect_err("refused");
    assert_eq!(shared.to_string(), error.to_string());
}

#[tokio::test]
async fn a_file_of_an_earlier_version_keeps_what_it_has_and_gets_what_it_lacks() {
    let (_folder, path) = path();
    let store = SqliteStore::open(&path).expect("a store");
    store.insert(&row(1)).await.expect("inserted");
    drop(store);
    let connection = rusqlite::Connection::open(&path).expect("a database");
    let before = "DROP TABLE record; DROP TABLE record_version; DROP TABLE audit;
                  DROP TABLE figure; DROP TABLE point; DROP TABLE batch;
                  PRAGMA user_version = 3";
    connection.execute_batch(before).expect("as version 3 was");
    drop(connection);
    let store = SqliteStore::open(&path).expect("a store");
    assert_eq!(store.rows().await.expect("rows").0, [row(1)]);
    let audit = AuditEntry { at: 1, actor: "cli".into(), act: "a".into(), subject: "b".into() };
    let (id, text) = ("key_1".to_owned(), "{}".to_owned());
    let change = RecordChange { collection: "client_key", id, expected: None, text, audit };
    assert_eq!(store.change_record(&change).await.expect("an answer"), Swapped::Done);
}

#[tokio::test]
async fn a_file_without_points_keeps_its_counters_and_gets_points() {
    let (_folder, path) = path();
    let store = SqliteStore::open(&path).expect("a store");
    let count = [Count::new("total", "requests", 7)];
    store.add("first", &count, &[]).await.expect("added");
    drop(store);
    let connection = rusqlite::Connection::open(&path).expect("a database");
    let before = "DROP TABLE figure; DROP TABLE point; DROP TABLE batch; PRAGMA user_version = 4";
    connection.execute_batch(before).expect("as version 4 was");
    drop(connection);
    let store = SqliteStore::open(&path).expect("a store");
    assert_eq!(store.counts("").await.expect("counts"), count);
    let point = point("total", 1);
    store.add("second", &[], std::slice::from_ref(&point)).await.expect("added");
    let ask = PointsAsk::new(vec!["total".to_owned()], Span::Minute, 0, 9);
    assert_eq!(store.points(&ask).await.expect("points"), [point]);
}

#[tokio::test]
async fn a_second_server_is_refused_and_a_rotation_is_not() {
    let (_folder, path) = path();
    assert!(SqliteStore::open_beside(&path).is_err(), "there is nothing to rotate yet");
    let first = SqliteStore::open(&path).expect("a store");
    let error = SqliteStore::open(&path).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("another server"), "{error}");
    let beside = SqliteStore::open_beside(&path).expect("beside");
    for number in 0..20 {
        let (row_1, row_2) = (row(number), row(number + 100));
        let (here, there) = tokio::join!(first.insert(&row_1), beside.insert(&row_2));
        here.and(there).expect("both write");
    }
    assert_eq!(first.rows().await.expect("rows").0.len(), 40);
}

#[cfg(unix)]
#[tokio::test]
async fn all_files_are_the_owners_only() {
    let (_folder, path) = path();
    let shared = SqliteStore::open_shared(&path).expect("a store");
    shared.insert(&row(0)).await.expect("inserted");
    let store = SqliteStore::open(&path).expect("a store");
    store.insert(&row(1)).await.expect("inserted");
    for file in fs::read_dir(path.parent().expect("a folder")).expect("listed") {
        let file = file.expect("a file");
        let mode = file.metadata().expect("known").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }
}
