//! From faults to exceptions.

use llm2api_core::{Error, ErrorKind};
use llm2api_server::Failure;
use llm2api_server::config::ConfigError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

const CLOSED: &str = "the client is closed: make another";
const FOREIGN: &str = "this answer is another process's: ask again in this one";

/// Why an operation has come to nothing.
pub(crate) enum Fault {
    /// The engine says so, of a call that has this id.
    Engine(Error, Option<String>),
    /// The settings are wrong.
    Settings(ConfigError),
    /// The client was closed.
    Closed,
    /// The answer is that of the process that this one was forked off from.
    Foreign,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Engine(error, None)
    }
}

impl Fault {
    /// Makes the exception: the class follows from the kind of error and the status that HTTP would
    /// tell, so that one table decides for both.
    pub(crate) fn into_error(self, py: Python<'_>) -> PyErr {
        self.raised(py).unwrap_or_else(|error| error)
    }

    fn raised(self, py: Python<'_>) -> PyResult<PyErr> {
        let fields = PyDict::new(py);
        let (make, message) = match self {
            Self::Closed => ("closed", CLOSED.to_owned()),
            Self::Foreign => ("closed", FOREIGN.to_owned()),
            Self::Settings(error) => ("configuration", error.to_string()),
            Self::Engine(error, id) => {
                let (kind, message) = (kind(&error), error.to_string());
                let failure = Failure::from(error);
                let message = match kind {
                    // Only operators see these: what HTTP leaves to the log stands in them.
                    "configuration" => message,
                    _ => failure.message().to_owned(),
                };
                fields.set_item("status_code", failure.status())?;
                fields.set_item("code", failure.code())?;
                fields.set_item("type", failure.kind())?;
                fields.set_item("param", failure.param())?;
                fields.set_item(
                    "retry_after",
                    failure.retry_after().map(|wait| wait.as_secs_f64()),
                )?;
                fields.set_item("request_id", id)?;
                (kind, message)
            }
        };
        let error = maker(py)?.call((make, message), Some(&fields))?;
        Ok(PyErr::from_value(error))
    }
}

fn kind(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::Configuration => "configuration",
        _ if error.is_timeout() => "timeout",
        ErrorKind::Connect | ErrorKind::ConnectionReset => "connection",
        _ => "status",
    }
}

fn maker(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    FUNCTION.import(py, "llm2api._errors", "make")
}
