//! Brings results to Python's event loops.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};

/// Makes a result of what a call has come to, once Python can be spoken to.
pub(crate) type Outcome = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// A result, and who waits for it. A future that nobody has any more is not kept for it.
pub(crate) struct Parcel {
    pub(crate) event_loop: Py<PyAny>,
    pub(crate) future: Py<PyWeakrefReference>,
    pub(crate) outcome: Outcome,
}

/// A thread of its own, so that no worker of the runtime ever waits for the interpreter's lock. What
/// comes while it waits for that lock is delivered together.
///
/// It is stopped before the interpreter ends: one that waits for the lock then is ended by Python in a
/// way that Rust takes for a fault.
pub(crate) struct Courier {
    inbox: Sender<Option<Parcel>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    stopped: AtomicBool,
}

impl Courier {
    pub(crate) fn start() -> io::Result<Self> {
        let (inbox, parcels) = channel();
        let thread = thread::Builder::new().name("llm2api-courier".to_owned());
        let thread = Mutex::new(Some(thread.spawn(move || work(&parcels))?));
        Ok(Self { inbox, thread, stopped: AtomicBool::new(false) })
    }

    /// Says whether nothing is delivered any more.
    pub(crate) fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Hands a result over.
    pub(crate) fn send(&self, parcel: Parcel) {
        // It has stopped only at the end, when nobody waits any more.
        let _ = self.inbox.send(Some(parcel));
    }

    /// Delivers what is there, and ends.
    pub(crate) fn stop(&self, py: Python<'_>) {
        self.stopped.store(true, Ordering::Relaxed);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = self.inbox.send(None);
        py.detach(|| thread.map(JoinHandle::join));
    }
}

fn work(parcels: &Receiver<Option<Parcel>>) {
    while let Ok(Some(first)) = parcels.recv() {
        if Python::try_attach(|py| deliver_all(py, first, parcels)) != Some(true) {
            return;
        }
    }
}

/// Delivers what is there, and says whether more may come.
fn deliver_all(py: Python<'_>, first: Parcel, parcels: &Receiver<Option<Parcel>>) -> bool {
    first.deliver(py);
    loop {
        match parcels.try_recv() {
            Ok(Some(parcel)) => parcel.deliver(py),
            Ok(None) | Err(TryRecvError::Disconnected) => return false,
            Err(TryRecvError::Empty) => return true,
        }
    }
}

impl Parcel {
    fn deliver(self, py: Python<'_>) {
        let Some(future) = self.future.bind(py).upgrade() else { return };
        let (settle, value) = match (self.outcome)(py) {
            Ok(value) => (wrap_pyfunction!(set_result, py), value),
            Err(error) => (wrap_pyfunction!(set_exception, py), error.into_value(py).into_any()),
        };
        let arguments = settle.map(|settle| (settle, future, value));
        let event_loop = self.event_loop.bind(py);
        // A loop that is closed has nobody who waits.
        let _ = arguments.and_then(|arguments| {
            event_loop.call_method1(intern!(py, "call_soon_threadsafe"), arguments)
        });
    }
}

/// Gives a future its result, unless nobody waits for it any more.
#[pyfunction]
fn set_result(future: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    settle(future, "set_result", value)
}

/// Lets a future fail, unless nobody waits for it any more.
#[pyfunction]
fn set_exception(future: &Bound<'_, PyAny>, error: &Bound<'_, PyAny>) -> PyResult<()> {
    settle(future, "set_exception", error)
}

fn settle(future: &Bound<'_, PyAny>, how: &str, with: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = future.py();
    if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
        future.call_method1(how, (with,))?;
    }
    Ok(())
}
