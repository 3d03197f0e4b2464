use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use llm2api_core::store::{SqliteStore, Store};
use tempfile::TempDir;

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
}

suite!(ready(File::new()));
run!(
    ready(File::new()),
    everything_is_there_after_opening_again,
    what_an_earlier_process_left_is_taken_once,
);
