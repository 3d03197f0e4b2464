//! Models and accounts.

use std::time::{SystemTime, UNIX_EPOCH};

use llm2api_core::Model as ModelBody;
use llm2api_core::accounts::{AccountStatus, Checked as Check};
use llm2api_core::chat::Extra;
use pyo3::prelude::*;
use serde_json::Value;

use crate::object::{Shape, object, shapes, to_python, write};

shapes!(ModelBody);

object! {
    /// A model that can be asked.
    readable Model(ModelBody) {
        /// The name that a request uses.
        #[getter]
        fn id(&self) -> &str {
            &self.0.id
        }

        /// `model`.
        #[getter]
        fn object(&self) -> &str {
            &self.0.object
        }

        /// When the model was made, in seconds since 1970; 0 where nobody says.
        #[getter]
        fn created(&self) -> u64 {
            self.0.created
        }

        /// Who offers the model: the upstream's name.
        #[getter]
        fn owned_by(&self) -> &str {
            &self.0.owned_by
        }

        /// Who serves the model, and what it can do.
        #[getter]
        fn llm2api<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            let details = serde_json::to_value(&self.0.details).unwrap_or(Value::Null);
            to_python(py, &details)
        }
    }
}

impl Shape for AccountStatus {
    fn extra(&self) -> Option<&Extra> {
        None
    }

    fn write(&self, out: &mut Vec<u8>) {
        write(self, out);
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }
}

object! {
    /// An account: everything but its secret. Times are seconds since 1970.
    Account(AccountStatus) {
        /// The id.
        #[getter]
        fn id(&self) -> &str {
            self.0.id.as_str()
        }

        /// The name for people.
        #[getter]
        fn label(&self) -> &str {
            &self.0.label
        }

        /// The upstream's name.
        #[getter]
        fn upstream(&self) -> &str {
            &self.0.upstream
        }

        /// The first 8 hex digits of a keyed hash of the secret.
        #[getter]
        fn fingerprint(&self) -> &str {
            &self.0.fingerprint
        }

        /// The account's name at the upstream, where it told one.
        #[getter]
        fn account(&self) -> Option<&str> {
            self.0.account.as_deref()
        }

        /// False where the upstream has no login, so that validity cannot be proven.
        #[getter]
        fn proven(&self) -> bool {
            self.0.proven
        }

        /// `active`, `cooling`, `half_open`, `invalid` or `disabled`.
        #[getter]
        fn state(&self) -> &'static str {
            self.0.state.as_str()
        }

        /// Why it is out.
        #[getter]
        fn reason(&self) -> Option<&str> {
            self.0.reason.as_deref()
        }

        /// When it may be used again.
        #[getter]
        fn until(&self) -> Option<u64> {
            self.0.until.map(seconds)
        }

        /// Calls under way.
        #[getter]
        fn in_flight(&self) -> u32 {
            self.0.in_flight
        }

        /// Calls that it may carry at the same time.
        #[getter]
        fn max_concurrency(&self) -> u32 {
            self.0.max_concurrency
        }

        /// Its share of the calls, relative to the others.
        #[getter]
        fn weight(&self) -> u32 {
            self.0.weight
        }

        /// Calls that it was used for.
        #[getter]
        fn requests(&self) -> u64 {
            self.0.requests
        }

        /// Those of them that failed, or that the upstream refused.
        #[getter]
        fn failures(&self) -> u64 {
            self.0.failures
        }

        /// How it failed last.
        #[getter]
        fn last_error(&self) -> Option<&str> {
            self.0.last_error.as_deref()
        }

        /// When it was last used.
        #[getter]
        fn last_used(&self) -> Option<u64> {
            self.0.last_used.map(seconds)
        }

        /// When it was last checked.
        #[getter]
        fn last_checked(&self) -> Option<u64> {
            self.0.last_checked.map(seconds)
        }

        /// When it was added.
        #[getter]
        fn created(&self) -> u64 {
            seconds(self.0.created)
        }
    }
}

/// A check and its account.
#[pyclass(frozen, module = "llm2api")]
#[derive(Debug)]
pub(crate) struct Checked(pub(crate) Check);

#[pymethods]
impl Checked {
    /// The account after the check.
    #[getter]
    fn account(&self) -> Account {
        Account(self.0.account.clone())
    }

    /// `valid`, `invalid`, or `unknown` where the upstream could not be asked.
    #[getter]
    fn verdict(&self) -> &'static str {
        self.0.verdict.as_str()
    }

    /// What the upstream said, unless the account is valid.
    #[getter]
    fn message(&self) -> Option<&str> {
        self.0.verdict.message()
    }

    fn __repr__(&self) -> String {
        format!("Checked(account={:?}, verdict={:?})", self.account().id(), self.verdict())
    }
}

/// The seconds since 1970; 0 for a clock before that.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
