//! What the simulator received and does, for tests to look at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::{Serialize, Serializer};
use serde_json::Value;
use tokio::sync::watch;

use crate::lock::lock;
use crate::tree::Conversation;

/// What a simulator received so far and what is under way.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Snapshot {
    /// Requests in the order in which they were read, without `/__sim/…`.
    pub requests: Vec<Received>,
    /// Generations under way.
    pub running: Vec<Running>,
    /// Conversations that are left.
    pub conversations: Vec<Conversation>,
    /// Answers whose client left before their end.
    pub aborted_streams: u64,
    /// Calls of stop-generating.
    pub stop_calls: Vec<StopCall>,
    /// Ids of deleted conversations.
    pub deleted: Vec<String>,
    /// Generations started in all.
    pub generations: u64,
    /// Connections accepted in all.
    pub connections: u64,
    /// Connections that are open.
    pub open_connections: u64,
    /// Most generations that one credential (cookie or key) had under way at once.
    pub max_concurrent_per_credential: BTreeMap<String, u64>,
}

/// A request as it was received.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Received {
    /// Method.
    pub method: String,
    /// Path with query, undecoded.
    pub path: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Body; as JSON it is text, with replacement characters where it is no UTF-8.
    #[serde(serialize_with = "lossy")]
    pub body: Vec<u8>,
}

/// A generation under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Running {
    /// Id of the generation.
    pub generation: String,
    /// Conversation, on chat-ui.
    pub conversation: Option<String>,
    /// Cookie or key that started it; empty without one.
    pub credential: String,
    /// Model.
    pub model: String,
}

/// A call of stop-generating.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StopCall {
    /// Conversation.
    pub conversation: String,
    /// `generationId` of the body.
    pub generation: Option<String>,
    /// `seenContentLength` of the body.
    pub seen_content_length: Option<u64>,
    /// Whether it met a generation under way.
    pub running: bool,
}

impl Snapshot {
    /// Who sent messages and asked for completions, in order: cookies and keys as they came.
    pub fn senders(&self) -> Vec<&str> {
        self.requests.iter().filter(|request| request.is_send()).map(Received::sender).collect()
    }
}

impl Received {
    /// The key or the cookies that it came with; empty without.
    pub fn sender(&self) -> &str {
        self.header("authorization").or_else(|| self.header("cookie")).unwrap_or_default()
    }

    /// Whether it sent a message or asked for a completion.
    pub fn is_send(&self) -> bool {
        let id = self.path.strip_prefix("/conversation/");
        let send = id.is_some_and(|id| !id.contains('/'));
        self.method == "POST" && (send || self.path.ends_with("/chat/completions"))
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

fn lossy<S: Serializer>(body: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&String::from_utf8_lossy(body))
}

/// The log under construction; every change wakes those who wait.
#[derive(Debug)]
pub(crate) struct Log {
    snapshot: Mutex<Snapshot>,
    changed: watch::Sender<u64>,
}

/// Keeps a generation on the list of those under way.
#[derive(Debug)]
pub(crate) struct RunningGuard {
    log: Arc<Log>,
    generation: String,
}

/// Keeps a connection counted as open.
#[derive(Debug)]
pub(crate) struct ConnectionGuard(Arc<Log>);

impl Log {
    /// An empty log.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { snapshot: Mutex::default(), changed: watch::Sender::new(0) })
    }

    /// Changes the log and wakes those who wait.
    pub(crate) fn note(&self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut lock(&self.snapshot));
        self.wake();
    }

    /// Wakes those who wait, for changes outside this log.
    pub(crate) fn wake(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// A copy of the log, still without conversations.
    pub(crate) fn copy(&self) -> Snapshot {
        lock(&self.snapshot).clone()
    }

    /// Follows the changes.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Forgets everything but what is under way.
    pub(crate) fn clear(&self) {
        self.note(|log| {
            let (running, open) = (std::mem::take(&mut log.running), log.open_connections);
            *log = Snapshot { running, open_connections: open, ..Snapshot::default() };
        });
    }

    /// Counts an answer whose client left.
    pub(crate) fn aborted(&self) {
        self.note(|log| log.aborted_streams += 1);
    }

    /// Counts a connection until the guard is dropped.
    pub(crate) fn connected(self: &Arc<Self>) -> ConnectionGuard {
        self.note(|log| {
            log.connections += 1;
            log.open_connections += 1;
        });
        ConnectionGuard(Arc::clone(self))
    }

    /// Lists a generation as under way until the guard is dropped.
    pub(crate) fn begin(self: &Arc<Self>, running: Running) -> RunningGuard {
        let guard = RunningGuard { log: Arc::clone(self), generation: running.generation.clone() };
        self.note(|log| {
            let credential = running.credential.clone();
            log.generations += 1;
            log.running.push(running);
            let same = log.running.iter().filter(|other| other.credential == credential).count();
            let most = log.max_concurrent_per_credential.entry(credential).or_default();
            *most = (*most).max(same as u64);
        });
        guard
    }
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        self.log.note(|log| log.running.retain(|other| other.generation != self.generation));
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.note(|log| log.open_connections = log.open_connections.saturating_sub(1));
    }
}
