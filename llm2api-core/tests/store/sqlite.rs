use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use llm2api_core::store::{SqliteStore, Store};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::suite::{Home, insert, row, run, suite};

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
run!(ready(File::new()), everything_is_there_after_opening_again);

/// Prints what one machine can do: `cargo test … -- --ignored --nocapture figures`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a test"]
async fn figures() {
    let home = File::new();
    let store = home.open().await;
    for at_once in [1_u32, 10, 100] {
        let begun = Instant::now();
        for round in 0..1000 / at_once {
            let rows: Vec<_> = (0..at_once)
                .map(|number| format!("cred_{at_once}_{round}_{number}"))
                .map(|id| row(&id, &id, None))
                .collect();
            join_all(rows.iter().map(|row| insert(&*store, row))).await;
        }
        let rate = 1000.0 / begun.elapsed().as_secs_f64();
        println!("{at_once} at once: {rate:.0} inserts a second");
    }
}
