use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use llm2api_core::store::{SqliteStore, Store};
use tempfile::TempDir;

use crate::records::FULL;
use crate::suite::{Home, run, suite};

struct File(TempDir);

impl File {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
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
        Arc::new(SqliteStore::open_beside(self.path()).expect("a store"))
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

suite!(ready(File::new()));
run!(
    ready(File::new()),
    everything_is_there_after_opening_again,
    what_an_earlier_process_left_is_taken_once,
    records_are_there_after_opening_again,
);
