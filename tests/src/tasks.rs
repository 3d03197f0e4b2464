//! The simulator's own tasks: aborted when it is dropped, watched for panics.

use std::sync::Mutex;

use tokio::task::{JoinError, JoinSet};

use crate::lock::lock;

/// Every task of one simulator.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    running: Mutex<JoinSet<()>>,
    panicked: Mutex<bool>,
}

impl Tasks {
    /// Starts `work`; it ends with the simulator at the latest.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.reap();
        lock(&self.running).spawn(work);
    }

    /// Aborts everything.
    pub(crate) fn abort(&self) {
        self.reap();
        lock(&self.running).abort_all();
    }

    /// Whether a task panicked so far.
    pub(crate) fn panicked(&self) -> bool {
        self.reap();
        *lock(&self.panicked)
    }

    fn reap(&self) {
        let mut running = lock(&self.running);
        while let Some(ended) = running.try_join_next() {
            if ended.is_err_and(|error: JoinError| error.is_panic()) {
                *lock(&self.panicked) = true;
            }
        }
    }
}
