//! The engine behind a client.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use llm2api_core::accounts::{NewAccount, Target};
use llm2api_core::credential::CredentialId;
use llm2api_core::{Call, ChatRequest, Client};
use llm2api_server::Config;
use llm2api_server::config::{ClientFile, ClientSources};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::answer::{Answer, ChatCompletion};
use crate::cell::{CLEAN_UP, Cell};
use crate::fault::Fault;
use crate::pending::Pending;
use crate::pool::{Account, Checked, Model};
use crate::process::{OfProcess, Process};
use crate::program::own;
use crate::reader::Reader;

const TIMEOUT: &str = "`timeout` must be a number of seconds, not below 0";

type Shared = Arc<OfProcess<Cell>>;

/// An engine by its settings, which are checked when it is made. It opens at its first use, in each
/// process on its own.
#[pyclass(frozen, module = "llm2api._llm2api")]
pub(crate) struct Engine {
    config: Arc<Config>,
    /// Locked only with the interpreter's lock held, so that no fork finds it locked.
    cell: Mutex<Option<Shared>>,
    closed: AtomicBool,
}

#[pymethods]
impl Engine {
    /// Checks settings: `keywords` by the names of the settings table, the `environment`, and a
    /// `file` by its path or a `table` of what it would hold, as JSON. `program` starts Python anew
    /// to read documents.
    #[new]
    fn new(
        py: Python<'_>,
        keywords: BTreeMap<String, String>,
        environment: HashMap<OsString, OsString>,
        file: Option<PathBuf>,
        table: Option<String>,
        program: Vec<OsString>,
    ) -> PyResult<Self> {
        let text = |text: OsString| text.to_string_lossy().into_owned();
        let mut sources = ClientSources::default();
        sources.keywords = keywords;
        sources.environment =
            environment.into_iter().map(|(name, value)| (text(name), text(value))).collect();
        sources.file = match (file, table) {
            (Some(path), _) => ClientFile::Path(path),
            (None, Some(table)) => ClientFile::Table(table),
            (None, None) => ClientFile::Default,
        };
        sources.reader = own(program);
        let config =
            Arc::new(sources.config().map_err(|error| Fault::Settings(error).into_error(py))?);
        Ok(Self { config, cell: Mutex::default(), closed: AtomicBool::new(false) })
    }

    /// What the settings promise and do not hold, one sentence each.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.config.warnings.clone()
    }

    /// Opens the engine, unless it is open.
    fn open(&self, py: Python<'_>) -> PyResult<Pending> {
        self.ask(py, async |_, _| Ok(()))
    }

    /// Sends a chat request: its JSON, how many seconds it may take, and how many times it may be
    /// sent, each as the settings say where absent.
    #[pyo3(signature = (body, timeout=None, attempts=None))]
    fn chat(
        &self,
        py: Python<'_>,
        body: Vec<u8>,
        timeout: Option<f64>,
        attempts: Option<u32>,
    ) -> PyResult<Pending> {
        let timeout = timeout.map(Duration::try_from_secs_f64).transpose();
        let timeout = timeout.map_err(|_| PyValueError::new_err(TIMEOUT))?;
        let call = Call::random();
        let id = call.id().to_owned();
        let call = timeout.into_iter().fold(call, Call::with_timeout);
        let call = attempts.into_iter().fold(call, Call::with_sends);
        self.ask(py, async move |cell, client| {
            chat(cell, client, &body, call).await.map_err(|error| Fault::Engine(error, Some(id)))
        })
    }

    /// Lists the models of all upstreams, and the aliases.
    fn models(&self, py: Python<'_>) -> PyResult<Pending> {
        self.ask(py, async |_, client| {
            Ok(client.models().await?.into_iter().map(Model).collect::<Vec<_>>())
        })
    }

    /// Lists the accounts, oldest first.
    fn pool(&self, py: Python<'_>) -> PyResult<Pending> {
        self.ask(py, async |_, client| {
            Ok(client.accounts().list().into_iter().map(Account).collect::<Vec<_>>())
        })
    }

    /// Adds an account, after asking the upstream about it.
    #[pyo3(signature = (cookie, upstream=None, label=None))]
    fn add(
        &self,
        py: Python<'_>,
        cookie: String,
        upstream: Option<String>,
        label: Option<String>,
    ) -> PyResult<Pending> {
        let mut account = NewAccount::new(cookie);
        (account.upstream, account.label) = (upstream, label);
        self.ask(py, async move |_, client| {
            Ok(Account(client.accounts().add(account).await?.account))
        })
    }

    /// Forgets an account.
    fn remove(&self, py: Python<'_>, id: String) -> PyResult<Pending> {
        self.ask(py, async move |_, client| {
            let id = find(&client, &id)?;
            Ok(client.accounts().remove(&id).await?)
        })
    }

    /// Asks the upstream whether an account works, or whether all do.
    #[pyo3(signature = (id=None))]
    fn check(&self, py: Python<'_>, id: Option<String>) -> PyResult<Pending> {
        self.ask(py, async move |_, client| {
            let checked = match id {
                Some(id) => vec![client.accounts().check(&find(&client, &id)?).await?],
                None => client.accounts().check_all().await,
            };
            Ok(checked.into_iter().map(Checked).collect::<Vec<_>>())
        })
    }

    /// Ends all calls, cleans up, and takes no others.
    fn close(&self, py: Python<'_>) -> PyResult<Pending> {
        self.closed.store(true, Ordering::Relaxed);
        let cell = self.lock().take().filter(|cell| cell.process.is_this());
        let _begun = Process::current(py)?;
        Ok(Pending::new(async move {
            if let Some(cell) = cell {
                cell.close(CLEAN_UP).await;
            }
            Ok(())
        }))
    }
}

impl Engine {
    /// Asks the client something, opened first.
    fn ask<T, F>(
        &self,
        py: Python<'_>,
        question: impl FnOnce(Shared, Client) -> F + Send + 'static,
    ) -> PyResult<Pending>
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send,
    {
        let cell = self.cell(py)?;
        Ok(Pending::new(async move {
            let asking = async { question(cell.clone(), cell.client().await?).await };
            cell.unless_closed(asking).await
        }))
    }

    /// Returns what this process has of the engine.
    fn cell(&self, py: Python<'_>) -> PyResult<Shared> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Fault::Closed.into_error(py));
        }
        let process = Process::current(py)?;
        let mut cell = self.lock();
        match &*cell {
            Some(cell) if cell.process.is_this() => Ok(cell.clone()),
            _ => Ok(cell.insert(Cell::new(process, self.config.clone())).clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Shared>> {
        self.cell.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn chat(
    shared: Shared,
    client: Client,
    body: &[u8],
    call: Call,
) -> llm2api_core::Result<Answer> {
    let mut request = ChatRequest::from_json(body)?;
    if shared.config.search_every_chat && shared.config.search.is_some() {
        request = request.with_web_search();
    }
    let (in_pieces, usage, id) = (request.streams(), request.wants_usage(), call.id().to_owned());
    request.call = call;
    let answer = client.chat(request).await?;
    if in_pieces {
        return Ok(Answer::Pieces(Reader::new(shared, answer, usage, id)));
    }
    let ignored = answer.ignored_parameters().to_vec();
    let completion = ChatCompletion::new(answer.collect().await?, ignored, id);
    Ok(Answer::Whole(Box::new(completion)))
}

/// Finds an account by its id.
fn find(client: &Client, id: &str) -> llm2api_core::Result<CredentialId> {
    client.accounts().find(&Target::Id(CredentialId::from_text(id)))
}
