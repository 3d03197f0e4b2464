//! An operation that has been asked for: waited for, or awaited.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyWeakrefReference;
use pyo3::{IntoPyObjectExt, intern};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::courier::{Outcome, Parcel};
use crate::fault::Fault;
use crate::process::Process;

/// How often whoever waits looks for signals such as Ctrl-C.
const TICK: Duration = Duration::from_millis(100);

type Job = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// An operation of the engine, which begins when somebody waits for it, once.
#[pyclass(frozen, module = "llm2api._llm2api")]
pub(crate) struct Pending {
    job: Mutex<Option<Job>>,
}

impl Pending {
    pub(crate) fn new<T>(work: impl Future<Output = Result<T, Fault>> + Send + 'static) -> Self
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
    {
        let job = async move {
            let result = work.await;
            let outcome: Outcome = Box::new(move |py| match result {
                Ok(value) => value.into_py_any(py),
                Err(fault) => Err(fault.into_error(py)),
            });
            outcome
        };
        Self { job: Mutex::new(Some(Box::pin(job))) }
    }

    fn take(&self) -> PyResult<Job> {
        let job = self.job.lock().unwrap_or_else(PoisonError::into_inner).take();
        job.ok_or_else(|| PyRuntimeError::new_err("this was waited for already"))
    }
}

#[pymethods]
impl Pending {
    /// Waits for the result without the interpreter's lock; a signal's handler may end that.
    pub(crate) fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (job, runtime) = (self.take()?, &Process::current(py)?.runtime);
        // On a thread of the runtime it goes on while a handler is at work here.
        let mut task = AbortOnDropHandle::new(runtime.spawn(job));
        loop {
            let step = py.detach(|| runtime.block_on(async { timeout(TICK, &mut task).await }));
            match step {
                Ok(Ok(outcome)) => return outcome(py),
                Ok(Err(error)) => return Err(PyRuntimeError::new_err(error.to_string())),
                Err(_) => py.check_signals()?,
            }
        }
    }

    /// Begins, and returns what a coroutine waits with. Cancelled, or lost with its event loop, the
    /// operation ends at once.
    fn __await__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (job, process) = (self.take()?, Process::current(py)?);
        if process.courier.has_stopped() {
            return Err(Fault::Closed.into_error(py));
        }
        let event_loop = running_loop(py)?;
        let future = event_loop.call_method0(intern!(py, "create_future"))?;
        let (event_loop, awaited) =
            (event_loop.unbind(), PyWeakrefReference::new(&future)?.unbind());
        let task = process.runtime.spawn(async move {
            let outcome = job.await;
            process.courier.send(Parcel { event_loop, future: awaited, outcome });
        });
        let ended = Ended(AbortOnDropHandle::new(task));
        future.call_method1(intern!(py, "add_done_callback"), (ended,))?;
        future.call_method0(intern!(py, "__await__"))
    }
}

/// Called when a future is done, by its result or because nobody waits for it any more, and gone with
/// one that is lost.
#[pyclass(frozen)]
struct Ended(AbortOnDropHandle<()>);

#[pymethods]
impl Ended {
    fn __call__(&self, _future: &Bound<'_, PyAny>) {
        self.0.abort();
    }
}

fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    FUNCTION.import(py, "asyncio", "get_running_loop")?.call0()
}
