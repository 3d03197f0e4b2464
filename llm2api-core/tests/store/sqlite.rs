use std::env;
use std::future::ready;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier};
use std::thread;

use async_trait::async_trait;
use futures::executor::block_on;
use llm2api_core::store::{Count, Records, SqliteStore, Store, Swapped};
use tempfile::TempDir;

use crate::points::{NOW, minute, minutes};
use crate::records::{FULL, count_up, set};
use crate::suite::{Home, entry, run, suite};

/// Tells a process that a test starts which file it is about.
const FILE: &str = "LLM2API_TEST_FILE";

/// How many files two processes make.
const FILES: usize = 50;

struct File(TempDir);

impl File {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn shared(&self) -> SqliteStore {
        SqliteStore::open_shared(self.path()).expect("a store")
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("llm2api.db")
    }
}

#[async_trait]
impl Home for File {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(self.path()).expect("a store"))
    }

    async fn beside(&self) -> Arc<dyn Store> {
        Arc::new(self.shared())
    }

    async fn fill_log(&self, times: usize) {
        let fill = format!(
            "WITH RECURSIVE times (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM times
             LIMIT {times}) INSERT INTO audit (at, actor, act, subject) SELECT {}, '', '', ''
             FROM times",
            FULL.at
        );
        let connection = rusqlite::Connection::open(self.path()).expect("a database");
        connection.execute_batch(&fill).expect("filled");
    }
}

/// Starts a test of this file in a process beside this one, and tells it which file it is about.
fn beside(test: &str, file: &Path) -> Child {
    let mut program = Command::new(env::current_exe().expect("a program"));
    program.args(["--exact", &format!("sqlite::{test}")]).env(FILE, file);
    program.stdout(Stdio::null()).spawn().expect("started")
}

suite!(ready(File::new()));
run!(
    ready(File::new()),
    everything_is_there_after_opening_again,
    what_an_earlier_process_left_is_taken_once,
    records_are_there_after_opening_again,
    points_are_there_after_opening_again,
    what_nothing_happens_to_any_more_is_dropped,
);

#[tokio::test]
async fn a_file_that_was_made_for_records_is_a_servers_as_well() {
    let file = File::new();
    let tool = file.shared();
    assert_eq!(set(&tool, "a", None, "1").await, Swapped::Done);
    let server = SqliteStore::open(file.path()).expect("a store");
    let error = SqliteStore::open(file.path()).expect_err("one server a file");
    assert!(error.to_string().contains("another server"), "{error}");
    server.put_outbox(&entry("b", "first")).await.expect("kept");
    assert_eq!(file.shared().take_outbox().await.expect("an answer"), [], "the server is at it");
    assert_eq!(set(&server, "a", Some("1"), "2").await, Swapped::Done);
    drop(server);
    assert_eq!(set(&tool, "a", Some("2"), "3").await, Swapped::Done, "it goes on alone");
    assert_eq!(file.shared().take_outbox().await.expect("an answer"), [], "the next one's");
    let server = SqliteStore::open(file.path()).expect("a store");
    assert_eq!(server.record("client_key", "a").await.expect("read").as_deref(), Some("3"));
    assert_eq!(server.take_outbox().await.expect("an answer"), [entry("b", "first")]);
}

#[test]
fn many_may_make_a_file_at_once() {
    for _ in 0..10 {
        let file = File::new();
        let threads = 8;
        let begin = Barrier::new(threads);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    begin.wait();
                    block_on(count_up(&file.shared(), 1));
                });
            }
        });
        let count = block_on(file.shared().record("client_key", "count"));
        assert_eq!(count.expect("read"), Some(threads.to_string()));
    }
}

/// Each in turn finds a file that the other one is making.
#[test]
fn two_processes_may_make_files_at_once() {
    let make = |folder: &Path| {
        for number in 0..FILES {
            let store = SqliteStore::open_shared(folder.join(number.to_string()));
            block_on(count_up(&store.expect("a store"), 1));
        }
    };
    if let Some(folder) = env::var_os(FILE) {
        return make(Path::new(&folder));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut beside = beside("two_processes_may_make_files_at_once", folder.path());
    while !folder.path().join("0").exists() {
        assert!(beside.try_wait().expect("it was started").is_none(), "it has ended");
        thread::yield_now();
    }
    make(folder.path());
    assert!(beside.wait().expect("it ends").success());
    for number in 0..FILES {
        let store = SqliteStore::open_shared(folder.path().join(number.to_string()));
        let count = block_on(store.expect("a store").record("client_key", "count"));
        assert_eq!(count.expect("read").as_deref(), Some("2"));
    }
}

#[test]
fn two_stores_lose_no_change_of_a_hundred() {
    let file = File::new();
    thread::scope(|scope| {
        for store in [file.shared(), file.shared()] {
            scope.spawn(move || block_on(count_up(&store, 50)));
        }
    });
    let count = block_on(file.shared().record("client_key", "count"));
    assert_eq!(count.expect("read").as_deref(), Some("100"));
    assert_eq!(block_on(file.shared().audit_log(1000)).expect("a log").len(), 100);
}

/// Runs in two processes: the one that tests, and the one beside it that it starts.
#[test]
fn two_processes_lose_nothing_of_each_other() {
    if let Some(path) = env::var_os(FILE) {
        let beside = SqliteStore::open_shared(path).expect("a store");
        return block_on(count_up(&beside, 50));
    }
    let file = File::new();
    let store = file.shared();
    // A second store must not end the locks of the first: they are the process's.
    assert_eq!(block_on(file.shared().record("client_key", "count")).expect("read"), None);
    let mut beside = beside("two_processes_lose_nothing_of_each_other", &file.path());
    block_on(count_up(&store, 50));
    assert!(beside.wait().expect("it ends").success());
    // The one that has left has not taken along what the other one writes to.
    block_on(count_up(&store, 1));
    let count = block_on(file.shared().record("client_key", "count"));
    assert_eq!(count.expect("read").as_deref(), Some("101"));
    assert_eq!(block_on(file.shared().audit_log(1000)).expect("a log").len(), 101);
}

/// Runs in two processes: the one that tests, and the one that adds until it is killed.
#[test]
fn a_kill_leaves_counters_and_points_that_agree() {
    if let Some(path) = env::var_os(FILE) {
        let store = SqliteStore::open_shared(path).expect("a store");
        for number in 0..u64::MAX {
            block_on(add_some(&store, number));
        }
        return;
    }
    let file = File::new();
    for _ in 0..5 {
        let before = block_on(counted(&file.shared()));
        let mut beside = beside("a_kill_leaves_counters_and_points_that_agree", &file.path());
        let watching = file.shared();
        while block_on(counted(&watching)) < before + 10 {
            assert!(beside.try_wait().expect("it was started").is_none(), "it has ended");
            thread::yield_now();
        }
        beside.kill().expect("it runs");
        beside.wait().expect("it ends");
        // Nobody is at work on it any more.
        let after = block_on(counted(&file.shared()));
        let points = block_on(minutes(&file.shared(), &["total", "model:a"]));
        let sum: u64 = points.iter().flat_map(|point| &point.figures).map(|(_, value)| value).sum();
        assert_eq!(sum, 2 * after);
    }
}

/// Adds a batch that changes many places of the file.
async fn add_some(store: &SqliteStore, number: u64) {
    let batch = format!("{}-{number}", std::process::id());
    let points: Vec<_> = (0..50)
        .flat_map(|at| {
            let at = NOW + (number * 13 + at * 7) % 1000;
            ["total", "model:a"].map(|series| minute(series, at, &[("requests", 1)]))
        })
        .collect();
    let counts = [Count::new("total", "requests", 50)];
    store.add(&batch, &counts, &points).await.expect("added");
}

async fn counted(store: &SqliteStore) -> u64 {
    store.counts("total").await.expect("counts").iter().map(|count| count.value).sum()
}
