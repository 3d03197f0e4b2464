//! The running simulator.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::http;
use crate::lock::lock;
use crate::log::Snapshot;
use crate::options::{Options, Session};
use crate::script::Script;
use crate::state::State;
use crate::tally::Tally;
use crate::trouble::{Incident, Mark};

/// How long [`Simulator::wait_for`] waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running scripted upstream; dropping it ends it and closes its connections.
///
/// # Panics
/// Dropping it panics when one of its tasks panicked, so that the test fails.
#[derive(Debug)]
pub struct Simulator {
    state: Arc<State>,
}

impl Simulator {
    /// Starts a simulator on the current runtime.
    ///
    /// # Errors
    /// The error of the socket, or `InvalidInput` for an address that is not loopback.
    pub async fn start(options: Options) -> io::Result<Self> {
        if !options.listen.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "loopback addresses only"));
        }
        let listener = TcpListener::bind(options.listen).await?;
        let state = State::new(listener.local_addr()?, options);
        state.tasks.spawn(http::accept(listener, Arc::downgrade(&state)));
        Ok(Self { state })
    }

    /// Base address of the chat-ui and Open WebUI faces: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.state.address)
    }

    /// Base address of the OpenAI face: `http://127.0.0.1:PORT/v1`.
    pub fn openai_url(&self) -> String {
        format!("{}/v1", self.url())
    }

    /// Base address of the SearXNG face: `http://127.0.0.1:PORT/searxng`.
    pub fn searxng_url(&self) -> String {
        format!("{}/searxng", self.url())
    }

    /// Queues a script for the next chat send on any face; first in, first out.
    pub fn script(&self, script: Script) {
        lock(&self.state.memory).scripts.push_back(script);
    }

    /// Scripts the next request whose path starts with `path_prefix`.
    pub fn script_path(&self, path_prefix: &str, script: Script) {
        lock(&self.state.memory).path_scripts.push((path_prefix.to_owned(), script));
    }

    /// Scripts the next request with just this path.
    pub fn script_exact_path(&self, path: &str, script: Script) {
        lock(&self.state.memory).exact_scripts.push((path.to_owned(), script));
    }

    /// What it received so far.
    pub fn log(&self) -> Snapshot {
        self.state.snapshot()
    }

    /// Changes the options from now on; the address stays.
    pub fn reconfigure(&self, change: impl FnOnce(&mut Options)) {
        self.state.change_options(change);
    }

    /// Logs more sessions in.
    pub fn add_sessions(&self, sessions: impl IntoIterator<Item = Session>) {
        self.reconfigure(|options| options.sessions.extend(sessions));
    }

    /// Lets a session or key, named by its value, die, be banned, or (none) live again.
    pub fn mark(&self, value: &str, mark: impl Into<Option<Mark>>) {
        let mark = mark.into();
        self.reconfigure(|options| match mark {
            Some(mark) => drop(options.marks.insert(value.to_owned(), mark)),
            None => drop(options.marks.remove(value)),
        });
    }

    /// Begins an incident of the whole upstream, or (none) ends it.
    pub fn incident(&self, incident: impl Into<Option<Incident>>) {
        self.reconfigure(|options| options.incident = incident.into());
    }

    /// What each session or key did, by its value.
    pub fn tallies(&self) -> BTreeMap<String, Tally> {
        self.state.tallies.copy()
    }

    /// What this session or key did.
    pub fn tally(&self, value: &str) -> Tally {
        self.tallies().get(value).copied().unwrap_or_default()
    }

    /// Counts from nothing again; what is under way stays counted.
    pub fn reset_tallies(&self) {
        self.state.tallies.clear();
    }

    /// Goes back to the beginning: options, memory and log, but for what is under way.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// Waits until `what` is true of the log, and returns the log.
    ///
    /// # Panics
    /// When it is not true after ten seconds; the message shows the log.
    pub async fn wait_for(&self, what: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let mut changes = self.state.log.follow();
        let wait = async {
            loop {
                changes.mark_unchanged();
                let snapshot = self.log();
                if what(&snapshot) {
                    return snapshot;
                }
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let found = timeout(PATIENCE, wait).await;
        found.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain; log: {:#?}", self.log()))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let panicked = self.state.tasks.panicked();
        self.state.tasks.abort();
        assert!(!panicked || std::thread::panicking(), "a task of the simulator panicked");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::Simulator;
    use crate::{Options, Script, Step};

    async fn ask(simulator: &Simulator, stream: bool) -> TcpStream {
        let message = json!({"role": "user", "content": "hello"});
        let body = json!({"model": "mock-flat", "stream": stream, "messages": [message]});
        let body = body.to_string();
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n";
        let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        let address = simulator.url().replace("http://", "");
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        socket
    }

    #[tokio::test]
    async fn a_script_answers_and_the_log_tells() {
        let simulator = Simulator::start(Options::default()).await.unwrap();
        simulator.script(Script::answer("scripted"));
        let mut answer = String::new();
        ask(&simulator, false).await.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains(r#""content":"scripted""#), "{answer}");
        let log = simulator.wait_for(|log| log.open_connections == 0).await;
        assert_eq!((log.generations, log.connections, log.aborted_streams), (1, 1, 0));
        assert_eq!(log.requests[0].json()["model"], "mock-flat");
    }

    #[tokio::test]
    async fn a_client_that_leaves_a_silent_stream_is_noticed() {
        let simulator = Simulator::start(Options::default()).await.unwrap();
        simulator.script(Script::steps([Step::Hang]));
        let socket = ask(&simulator, true).await;
        simulator.wait_for(|log| log.running.len() == 1).await;
        drop(socket);
        let log = simulator.wait_for(|log| log.aborted_streams == 1).await;
        assert_eq!(log.requests.len(), 1);
        simulator.wait_for(|log| log.running.is_empty()).await;
    }

    #[tokio::test]
    async fn dropping_closes_the_port() {
        let simulator = Simulator::start(Options::default()).await.unwrap();
        let address = simulator.url().replace("http://", "");
        drop(simulator);
        tokio::task::yield_now().await;
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn other_addresses_than_loopback_are_refused() {
        let options = Options { listen: "0.0.0.0:0".parse().unwrap(), ..Options::default() };
        assert!(Simulator::start(options).await.is_err());
    }
}
