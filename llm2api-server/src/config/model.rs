//! The settings as the program uses them.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use llm2api_core::Limits;
use secrecy::SecretString;

/// Everything that the server needs to know, typed and checked.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Prefix of the client paths, with a leading slash; empty for none.
    pub api_path: String,
    /// Keys that clients may send; without any, the chat endpoints are open.
    pub api_keys: Vec<SecretString>,
    /// The operator's key.
    pub admin_key: Option<SecretString>,
    /// The upstreams, at least one.
    pub upstreams: Vec<Upstream>,
    /// Models under other names.
    pub aliases: Vec<Alias>,
    /// Waits and sizes towards the upstreams.
    pub limits: Limits,
    /// Waits and sizes towards clients.
    pub clients: ClientLimits,
    /// Running requests may finish for so long after a signal.
    pub shutdown_grace: Duration,
    /// What log lines look like.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_filter: String,
    /// What the operator should know at start, one line each.
    pub warnings: Vec<String>,
}

/// One upstream.
#[derive(Clone)]
#[non_exhaustive]
pub struct Upstream {
    /// `chat-ui`, `openai`, `open-webui` or `demo`.
    pub kind: String,
    /// Its name in model ids and logs.
    pub name: String,
    /// Its base URL.
    pub url: Option<String>,
    /// Its credentials; without any, one anonymous credential is used.
    pub credentials: Vec<SecretString>,
    /// Calls at the same time with one credential.
    pub max_concurrency: u32,
    /// Whether it takes models that nobody lists.
    pub any_model: bool,
}

/// A model under another name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alias {
    /// The name that requests use.
    pub name: String,
    /// `upstream/model`, in order of preference.
    pub serve: Vec<String>,
}

/// Waits and sizes towards clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientLimits {
    /// First byte of a request to the end of its head.
    pub head_timeout: Duration,
    /// Between two pieces of a request body.
    pub body_timeout: Duration,
    /// A kept connection between two requests.
    pub idle_timeout: Duration,
    /// A client that does not read is cut off after this.
    pub write_stall_timeout: Duration,
    /// Connections at the same time.
    pub connections: usize,
    /// Bytes of a request body.
    pub body_limit: usize,
    /// Bytes of a request head.
    pub head_limit: usize,
    /// Messages of a request.
    pub messages_limit: usize,
}

/// What log lines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// Pretty on a terminal and JSON elsewhere.
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("api_path", &self.api_path)
            .field("api_keys", &stars(&self.api_keys))
            .field("admin_key", &self.admin_key.as_ref().map(|_| "***"))
            .field("upstreams", &self.upstreams)
            .field("aliases", &self.aliases)
            .field("limits", &self.limits)
            .field("clients", &self.clients)
            .field("shutdown_grace", &self.shutdown_grace)
            .field("log_format", &self.log_format)
            .field("log_filter", &self.log_filter)
            .field("warnings", &self.warnings)
            .finish()
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("url", &self.url)
            .field("credentials", &stars(&self.credentials))
            .field("max_concurrency", &self.max_concurrency)
            .field("any_model", &self.any_model)
            .finish()
    }
}

fn stars(secrets: &[SecretString]) -> Vec<&'static str> {
    secrets.iter().map(|_| "***").collect()
}
