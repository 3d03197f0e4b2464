//! The settings as the program uses them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use llm2api_core::adapt::files::RemoteImages;
use llm2api_core::auth::PublicKey;
use llm2api_core::pool::PoolRules;
use llm2api_core::{ConversationMode, Limits};
use secrecy::SecretString;

use super::hosts::AllowedHosts;
use super::metrics::MetricsConfig;
use super::program::Program;
use super::search::SearchConfig;
use super::traces::TraceConfig;

/// Who may chat without a key, as long as there has never been one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Openness {
    /// Everybody on this machine: nobody else can reach the server.
    Machine,
    /// Everybody who can reach it: the operator has said so.
    Everybody,
    /// Nobody. The server starts only where there is a key.
    Nobody,
}

/// Everything that the server needs to know, typed and checked.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Prefix of the client paths, with a leading slash; empty for none.
    pub api_path: String,
    /// Keys that clients may send, besides those in the store.
    pub api_keys: Vec<SecretString>,
    /// Who may chat where there is neither one of these nor one in the store.
    pub openness: Openness,
    /// The operator's key: `ADMIN_KEY`, else the first of `API_KEY`; without either, nobody is let
    /// in until [`serve`](crate::serve) has found or made one in `data_dir`.
    pub admin_key: Option<SecretString>,
    /// The names that operators may call the server by.
    pub allowed_hosts: AllowedHosts,
    /// Where generated keys are kept, and the store where nothing else is said.
    pub data_dir: PathBuf,
    /// Where accounts are kept.
    pub store: StoreConfig,
    /// What seals secrets in the store: keys of 32 bytes in base64, separated by commas. The first
    /// seals, all open.
    pub master_key: Option<SecretString>,
    /// Between two checks of all credentials; never where absent.
    pub check_interval: Option<Duration>,
    /// What the installation is authorised by; it needs nothing where absent.
    pub authorisation: Option<AuthConfig>,
    /// The figures that the pool goes by.
    pub pool: PoolRules,
    /// What becomes of a chat-ui conversation after its turn.
    pub conversations: ConversationMode,
    /// The upstreams, at least one.
    pub upstreams: Vec<Upstream>,
    /// Models under other names.
    pub aliases: Vec<Alias>,
    /// Waits and sizes towards the upstreams.
    pub limits: Limits,
    /// Waits and sizes towards clients.
    pub clients: ClientLimits,
    /// Whether a request is refused of which an upstream would ignore something.
    pub strict_parameters: bool,
    /// Whether images are fetched from the addresses that requests name.
    pub remote_images: RemoteImages,
    /// The program that reads PDF and DOCX files: this one. Such files are refused where absent.
    pub document_reader: Option<Program>,
    /// How the web is searched; not at all where absent.
    pub search: Option<SearchConfig>,
    /// Whether it is searched for every chat, and not only for those that ask for it.
    pub search_every_chat: bool,
    /// Who may read the figures at `/metrics`.
    pub metrics: MetricsConfig,
    /// Running requests may finish for so long after a signal.
    pub shutdown_grace: Duration,
    /// What log lines look like.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_filter: String,
    /// Where traces go; nowhere where absent.
    pub traces: Option<TraceConfig>,
    /// What the operator should know at start, one line each.
    pub warnings: Vec<String>,
}

/// What the installation is authorised by: a code, and a URL or a key, or both.
#[derive(Clone)]
#[non_exhaustive]
pub struct AuthConfig {
    /// The code.
    pub code: SecretString,
    /// Where the authority is asked.
    pub url: Option<String>,
    /// The key that the code is signed with.
    pub public_key: Option<PublicKey>,
    /// How long the last good answer counts while the authority cannot be reached.
    pub grace: Duration,
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
    /// Calls with one credential in any minute, 0 for no limit; the pool's figure where absent.
    pub requests_per_minute: Option<u32>,
    /// Whether it takes models that nobody lists.
    pub any_model: bool,
    /// Whether it is told the trace that a request belongs to.
    pub trace: bool,
}

/// Where accounts are kept.
#[derive(Clone)]
#[non_exhaustive]
pub enum StoreConfig {
    /// Nowhere: they are forgotten with the process.
    Memory,
    /// In the SQLite file at this path.
    Sqlite(PathBuf),
    /// In the Redis at this URL, which may hold a password.
    Redis(SecretString),
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
    /// Bytes of all request bodies that are held at the same time.
    pub bodies_limit: usize,
    /// Bytes of a request head.
    pub head_limit: usize,
    /// Levels of a request body: those of its innermost values count too.
    pub json_depth: usize,
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
            .field("openness", &self.openness)
            .field("admin_key", &self.admin_key.as_ref().map(|_| "***"))
            .field("allowed_hosts", &self.allowed_hosts)
            .field("data_dir", &self.data_dir)
            .field("store", &self.store)
            .field("master_key", &self.master_key.as_ref().map(|_| "***"))
            .field("check_interval", &self.check_interval)
            .field("authorisation", &self.authorisation)
            .field("pool", &self.pool)
            .field("conversations", &self.conversations)
            .field("upstreams", &self.upstreams)
            .field("aliases", &self.aliases)
            .field("limits", &self.limits)
            .field("clients", &self.clients)
            .field("strict_parameters", &self.strict_parameters)
            .field("remote_images", &self.remote_images)
            .field("document_reader", &self.document_reader)
            .field("search", &self.search)
            .field("search_every_chat", &self.search_every_chat)
            .field("metrics", &self.metrics)
            .field("shutdown_grace", &self.shutdown_grace)
            .field("log_format", &self.log_format)
            .field("log_filter", &self.log_filter)
            .field("traces", &self.traces)
            .field("warnings", &self.warnings)
            .finish()
    }
}

impl fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthConfig")
            .field("code", &"***")
            .field("url", &self.url)
            .field("public_key", &self.public_key)
            .field("grace", &self.grace)
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
            .field("requests_per_minute", &self.requests_per_minute)
            .field("any_model", &self.any_model)
            .field("trace", &self.trace)
            .finish()
    }
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("Memory"),
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Redis(_) => f.debug_tuple("Redis").field(&"***").finish(),
        }
    }
}

fn stars(secrets: &[SecretString]) -> Vec<&'static str> {
    secrets.iter().map(|_| "***").collect()
}
