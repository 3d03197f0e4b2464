//! What an answer that comes in pieces is read with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use llm2api_core::ChatStream;
use pyo3::prelude::*;
use tokio_util::sync::CancellationToken;

use crate::cell::Cell;
use crate::fault::Fault;
use crate::flow::Flow;
use crate::pending::Pending;
use crate::piece::Chunk;
use crate::process::OfProcess;

/// Reads an answer that comes in pieces. Dropped, it frees the upstream.
#[pyclass(frozen, module = "llm2api._llm2api")]
pub(crate) struct Reader {
    reading: Arc<OfProcess<Reading>>,
    /// The id of the call, which errors name too.
    #[pyo3(get)]
    request_id: String,
    /// The parameters of the request that nobody honoured.
    #[pyo3(get)]
    ignored_parameters: Vec<String>,
}

/// What is read, and what ends that.
struct Reading {
    flow: Arc<Flow>,
    /// Ends with the client too.
    stop: CancellationToken,
    closed: AtomicBool,
    /// The client lives as long as its answers.
    _cell: Arc<OfProcess<Cell>>,
}

impl Reader {
    pub(crate) fn new(
        cell: Arc<OfProcess<Cell>>,
        stream: ChatStream,
        usage: bool,
        request_id: String,
    ) -> Self {
        let ignored_parameters = stream.ignored_parameters().to_vec();
        let (process, flow) = (cell.process, Arc::new(Flow::default()));
        let followed = flow.clone();
        let stop = cell.follow(async move { followed.follow(stream, usage).await });
        let reading = Reading { flow, stop, closed: AtomicBool::new(false), _cell: cell };
        let reading = Arc::new(OfProcess::new(process, reading));
        Self { reading, request_id, ignored_parameters }
    }
}

#[pymethods]
impl Reader {
    /// Returns the chunks that are there: none at the end, and None where they are to be waited for.
    fn take(&self, py: Python<'_>) -> PyResult<Option<Vec<Chunk>>> {
        let taken = self.here(py)?.take(&self.request_id);
        taken.map_err(|fault| fault.into_error(py))
    }

    /// Waits for the next chunks, one or more; none at the end.
    fn read(&self, py: Python<'_>) -> PyResult<Pending> {
        let (reading, id) = (self.here(py)?.clone(), self.request_id.clone());
        Ok(Pending::new(async move { reading.read(&id).await }))
    }

    /// Ends the answer and frees the upstream.
    fn close(&self) {
        if self.reading.process.is_this() {
            self.reading.closed.store(true, Ordering::Relaxed);
            self.reading.stop.cancel();
        }
    }
}

impl Reader {
    /// Returns what is read, in the process that reads it.
    fn here(&self, py: Python<'_>) -> PyResult<&Arc<OfProcess<Reading>>> {
        let is_here = self.reading.process.is_this();
        is_here.then_some(&self.reading).ok_or_else(|| Fault::Foreign.into_error(py))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.close();
    }
}

impl Reading {
    fn take(&self, id: &str) -> Result<Option<Vec<Chunk>>, Fault> {
        match self.stop.is_cancelled() {
            true => self.stopped().map(Some),
            false => Ok(self.flow.take().map_err(of(id))?.map(chunks)),
        }
    }

    async fn read(&self, id: &str) -> Result<Vec<Chunk>, Fault> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => self.stopped(),
            batch = self.flow.batch() => batch.map(chunks).map_err(of(id)),
        }
    }

    /// Nothing comes any more: whoever has closed the answer is at its end.
    fn stopped(&self) -> Result<Vec<Chunk>, Fault> {
        let closed = self.closed.load(Ordering::Relaxed);
        closed.then(Vec::new).ok_or(Fault::Closed)
    }
}

fn chunks(batch: Vec<llm2api_core::Chunk>) -> Vec<Chunk> {
    batch.into_iter().map(Chunk).collect()
}

fn of(id: &str) -> impl FnOnce(llm2api_core::Error) -> Fault {
    let id = id.to_owned();
    |error| Fault::Engine(error, Some(id))
}
