//! An answer on its way: it is read by the runtime, and taken by Python in batches.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use llm2api_core::{ChatItem, ChatStream, Chunk, Error};
use tokio::sync::Notify;

/// So many pieces are read ahead at most, however far whoever takes them lags behind.
const MOST: usize = 64;

/// The pieces of an answer that have come and that nobody has taken.
#[derive(Default)]
pub(crate) struct Flow {
    state: Mutex<State>,
    came: Notify,
    room: Notify,
}

#[derive(Default)]
struct State {
    batch: Vec<Chunk>,
    ended: bool,
    fault: Option<Error>,
}

impl Flow {
    /// Reads an answer to its end, or to its fault; token counts only where `usage` asks for them.
    pub(crate) async fn follow(&self, stream: ChatStream, usage: bool) {
        let mut stream = stream.into_chunks(usage);
        let mut fault = None;
        while let Some(item) = stream.next().await {
            match item {
                Ok(ChatItem::Chunk(chunk)) if usage || !is_usage(&chunk) => self.put(chunk).await,
                Ok(_) => {}
                Err(error) => fault = Some(error),
            }
        }
        self.end(fault);
    }

    /// Waits for pieces, one or more; none at the end.
    pub(crate) async fn batch(&self) -> Result<Vec<Chunk>, Error> {
        loop {
            if let Some(batch) = self.take()? {
                return Ok(batch);
            }
            self.came.notified().await;
        }
    }

    /// Takes the pieces that are there; none at the end, and nothing where they are to be waited for.
    pub(crate) fn take(&self) -> Result<Option<Vec<Chunk>>, Error> {
        let mut state = self.state();
        let batch = std::mem::take(&mut state.batch);
        if batch.is_empty() {
            let (ended, fault) = (state.ended.then(Vec::new), state.fault.take());
            drop(state);
            if ended.is_some() {
                // Whoever else waits learns it too.
                self.came.notify_one();
            }
            return fault.map_or(Ok(ended), Err);
        }
        drop(state);
        self.room.notify_one();
        Ok(Some(batch))
    }

    async fn put(&self, chunk: Chunk) {
        if self.add(chunk) == 1 {
            self.came.notify_one();
        }
        while self.state().batch.len() == MOST {
            self.room.notified().await;
        }
    }

    /// Adds a piece, and says how many are there now.
    fn add(&self, chunk: Chunk) -> usize {
        let batch = &mut self.state().batch;
        batch.push(chunk);
        batch.len()
    }

    /// Says that no other piece comes, and why.
    fn end(&self, fault: Option<Error>) {
        let mut state = self.state();
        (state.ended, state.fault) = (true, fault);
        drop(state);
        self.came.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A chunk of token counts alone is for those who asked for it: upstreams may send one unasked.
fn is_usage(chunk: &Chunk) -> bool {
    chunk.has_usage() && chunk.body().choices.is_empty()
}
