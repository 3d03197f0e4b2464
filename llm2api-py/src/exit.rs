//! The end of a process.

use std::sync::PoisonError;

use futures::future::join_all;
use pyo3::prelude::*;
use tokio::time::timeout;

use crate::cell::CLEAN_UP;
use crate::pending::Pending;
use crate::process::Process;

/// Closes what nobody has closed, and waits for what upstreams are still to be told.
#[pyfunction]
pub(crate) fn close_all(py: Python<'_>) -> PyResult<()> {
    let Some(process) = Process::begun(py) else { return Ok(()) };
    let cells = std::mem::take(&mut *process.cells.lock().unwrap_or_else(PoisonError::into_inner));
    let open: Vec<_> = cells.into_iter().filter_map(|cell| cell.upgrade()).collect();
    process.leaving.close();
    let end = async move {
        let closing = join_all(open.iter().map(|cell| cell.close(CLEAN_UP)));
        let all = futures::future::join(closing, process.leaving.wait());
        // Each has its own deadline; this one is for a runtime that does not get to it.
        let _late = timeout(CLEAN_UP * 2, all).await;
        Ok(())
    };
    let ended = Pending::new(end).wait(py).map(drop);
    process.courier.stop(py);
    ended
}
