//! What every process has once: the runtime, and the thread that delivers results.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio_util::task::TaskTracker;

use crate::cell::Cell;
use crate::courier::Courier;

/// More threads would only take turns: parsing is cheap, and Python has one at work.
const MOST_WORKERS: usize = 4;

/// What a process that was forked off must not touch: its threads were left behind.
///
/// Locked only by those who hold the interpreter's lock, as whoever forks does: no fork finds it
/// locked by a thread that the child lacks.
static CURRENT: Mutex<Option<&'static Process>> = Mutex::new(None);

/// The runtime of a process and what it has to do before the process ends.
pub(crate) struct Process {
    id: u32,
    pub(crate) runtime: Runtime,
    pub(crate) courier: Courier,
    /// The clients that are open, to be closed at the end.
    pub(crate) cells: Mutex<Vec<Weak<OfProcess<Cell>>>>,
    /// Clients that nobody has any more, and that still clean up.
    pub(crate) leaving: TaskTracker,
}

impl Process {
    /// Returns what this process has; begins it at the first call.
    ///
    /// It is never dropped: Python gives no time for that, and a child may still see it.
    pub(crate) fn current(_: Python<'_>) -> PyResult<&'static Self> {
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        match *current {
            Some(process) if process.is_this() => Ok(process),
            _ => Ok(current.insert(Box::leak(Box::new(Self::begin()?)))),
        }
    }

    /// Returns what this process has, if it has begun.
    pub(crate) fn begun(_: Python<'_>) -> Option<&'static Self> {
        let current = *CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        current.filter(|process| process.is_this())
    }

    fn begin() -> PyResult<Self> {
        let workers = thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .thread_name("llm2api")
            .enable_all()
            .build()
            .map_err(|error| no_thread(&error))?;
        let courier = Courier::start().map_err(|error| no_thread(&error))?;
        let (cells, leaving) = (Mutex::default(), TaskTracker::new());
        Ok(Self { id: std::process::id(), runtime, courier, cells, leaving })
    }

    /// Says whether this is the process that it was made in.
    pub(crate) fn is_this(&self) -> bool {
        self.id == std::process::id()
    }

    /// Has a client closed at the end of the process.
    pub(crate) fn enrol(&self, cell: &Arc<OfProcess<Cell>>) {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells.retain(|cell| cell.strong_count() > 0);
        cells.push(Arc::downgrade(cell));
    }
}

fn no_thread(error: &std::io::Error) -> PyErr {
    PyRuntimeError::new_err(format!("llm2api cannot start its threads: {error}"))
}

/// Something that lives in one process: in another that was forked off it is left alone, since what
/// it holds, such as connections and locks, is the first one's.
pub(crate) struct OfProcess<T> {
    pub(crate) process: &'static Process,
    value: Option<T>,
}

impl<T> OfProcess<T> {
    pub(crate) fn new(process: &'static Process, value: T) -> Self {
        Self { process, value: Some(value) }
    }
}

impl<T> Deref for OfProcess<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("it is taken when this is dropped")
    }
}

impl<T> Drop for OfProcess<T> {
    fn drop(&mut self) {
        if !self.process.is_this() {
            std::mem::forget(self.value.take());
        }
    }
}
