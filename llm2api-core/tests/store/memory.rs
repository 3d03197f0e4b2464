use std::future::ready;
use std::sync::Arc;

use async_trait::async_trait;
use llm2api_core::store::{MemoryStore, Store};

use crate::suite::{Home, suite};

struct Memory(Arc<MemoryStore>);

#[async_trait]
impl Home for Memory {
    async fn open(&self) -> Arc<dyn Store> {
        self.0.clone()
    }
}

suite!(ready(Memory(Arc::default())));
