use std::future::ready;
use std::sync::Arc;

use async_trait::async_trait;
use llm2api_core::store::{MemoryStore, Records, Store};

use crate::records::FULL;
use crate::suite::{Home, run, suite};

struct Memory(Arc<MemoryStore>);

#[async_trait]
impl Home for Memory {
    async fn open(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    /// There is no other process: another part of this one.
    async fn beside(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    async fn fill_log(&self, times: usize) {
        for _ in 0..times {
            self.0.audit(&FULL).await.expect("noted");
        }
    }
}

suite!(ready(Memory(Arc::default())));
run!(ready(Memory(Arc::default())), what_nothing_happens_to_any_more_is_dropped);
