//! From settings to a server that runs until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use futures::future::OptionFuture;
use llm2api_core::auth::{AuthCode, Authorisation};
use llm2api_core::{Client, ClientBuilder, ErrorKind, UpstreamConfig};
use secrecy::ExposeSecret;
use thiserror::Error;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::accept::Server;
use crate::admin::{self, KeyError};
use crate::config::{AuthConfig, Config, Openness};
use crate::reload::{Reading, Reloader};
use crate::signal::{Hangups, Signals};
use crate::state::State;
use crate::stop::Stop;
use crate::telemetry::{Export, Tracer};
use crate::{app, banner, documents, store};

/// Requests that were cut leave clean-up behind, so this is apart from the grace and never nothing.
const CLEAN_UP: Duration = Duration::from_secs(5);

/// Why the server did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`, the value of {setting}: {source}")]
    Listen {
        /// The setting that names it.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The engine refuses its settings.
    #[error("cannot set up the engine: {0}")]
    Engine(llm2api_core::Error),
    /// The installation may not serve.
    #[error("`AUTH_CODE`: {}", sentence(.0))]
    Unauthorised(llm2api_core::Error),
    /// Nobody can say now whether the installation may serve.
    #[error("`AUTH_CODE`: {}", sentence(.0))]
    Unverified(llm2api_core::Error),
    /// Others can reach the server, and there is no key.
    #[error(
        "`LISTEN` is `{0}`, which others can reach, and there is no key: set API_KEY, or make one \
         with `llm2api-server key create`, or set ALLOW_OPEN=true to let everybody chat until \
         there is one"
    )]
    Open(SocketAddr),
    /// The authority's store cannot be used.
    #[error("cannot open the authority's store: {0}")]
    Store(#[source] llm2api_core::Error),
    /// There is no way to the collector of traces.
    #[error("cannot send traces, see OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Traces(Box<dyn std::error::Error + Send + Sync>),
    /// There is no operator's key, and none can be made.
    #[error(transparent)]
    AdminKey(#[from] KeyError),
}

impl From<llm2api_core::Error> for RunError {
    fn from(error: llm2api_core::Error) -> Self {
        match error.kind() {
            ErrorKind::AuthInvalid => Self::Unauthorised(error),
            ErrorKind::AuthUnverified => Self::Unverified(error),
            _ => Self::Engine(error),
        }
    }
}

/// Returns what an error says, without the operation that it came from.
fn sentence(error: &llm2api_core::Error) -> String {
    let text = error.to_string();
    let rest = text.strip_prefix(error.operation()).and_then(|rest| rest.strip_prefix(": "));
    rest.unwrap_or(&text).to_owned()
}

/// Serves until SIGTERM or SIGINT, then ends in order.
///
/// A second signal cuts what still runs. SIGHUP is answered by a log line: settings that were handed
/// in have no file to be read again.
///
/// # Errors
/// If the engine refuses its settings, the authorisation code is not good, or the address cannot be
/// listened on.
pub async fn run(config: Config) -> Result<(), RunError> {
    run_from(config, None).await
}

/// Does what [`run`] does; with a reading, SIGHUP reads it again.
pub(crate) async fn run_from(config: Config, reading: Option<Reading>) -> Result<(), RunError> {
    // Before the banner: who has read it may send a signal at once.
    let (signals, hangups) = (Signals::listen(), Hangups::listen());
    let stop = Stop::new();
    let mut reloads = JoinSet::new();
    let serving = serve_state(config, stop.clone(), |state| {
        if let Some(reading) = &reading {
            state.show_settings(reading.settings.clone());
        }
        reloads.spawn(Reloader::new(reading, state).follow(hangups));
    });
    signals.obeyed(&stop, serving).await
}

/// Serves until `stop` says otherwise; what [`run`] does, without the signals.
///
/// # Errors
/// If the engine refuses its settings, the authorisation code is not good, or the address cannot be
/// listened on.
pub async fn serve(config: Config, stop: Stop) -> Result<(), RunError> {
    serve_state(config, stop, |_| ()).await
}

/// Serves, and hands the state out before the first request comes.
async fn serve_state(
    mut config: Config,
    stop: Stop,
    hand_out: impl FnOnce(State),
) -> Result<(), RunError> {
    for warning in &config.warnings {
        warn!("{warning}");
    }
    let key_file = settle_admin_key(&mut config)?;
    // Boxed: it is large, and lives for the start alone.
    let client = Box::pin(client(&config)).await?;
    if needs_client_key(&config) && !client.keys().is_closed() {
        return Err(RunError::Open(config.listen));
    }
    let (server, address) = listen("LISTEN", config.listen)?;
    let watched = config.metrics.listen.map(|wanted| listen("METRICS_LISTEN", wanted));
    let watched = watched.transpose()?;
    let (tracer, export) = Tracer::open(config.traces.as_ref()).map_err(RunError::Traces)?;
    banner::print(&config, address, key_file.as_deref(), client.keys().is_closed());
    info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");

    let state = State::new(client.clone(), &config, stop.clone()).with_tracer(tracer);
    let live = state.live();
    hand_out(state.clone());
    let watching = watch(watched, state.clone(), stop.clone());
    tokio::join!(server.serve(app(state), stop, live), watching);
    clean_up(&client, export).await;
    info!("stopped");
    Ok(())
}

/// Begins to listen on the address that a setting names.
pub(crate) fn listen(
    setting: &'static str,
    address: SocketAddr,
) -> Result<(Server, SocketAddr), RunError> {
    let failed = |source| RunError::Listen { setting, address, source };
    let server = Server::bind(address).map_err(failed)?;
    let bound = server.local_addr().map_err(failed)?;
    Ok((server, bound))
}

/// Serves those who only watch, on an address of their own, where there is one.
async fn watch(listening: Option<(Server, SocketAddr)>, state: State, stop: Stop) {
    if let Some((server, address)) = listening {
        info!(%address, "figures are told here without a key");
        let live = state.live();
        server.serve(app::watch(state), stop, live).await;
    }
}

/// Does what requests have left to be done at upstreams, and meanwhile tells the collector of them.
async fn clean_up(client: &Client, export: Option<Export>) {
    let told = OptionFuture::from(export.map(|export| export.finish(CLEAN_UP)));
    tokio::join!(client.shutdown(CLEAN_UP), told);
}

/// Says whether the server may serve only if its store has a client key: others can reach it.
pub(crate) fn needs_client_key(config: &Config) -> bool {
    config.openness == Openness::Nobody && config.api_keys.is_empty()
}

/// Finds or makes the operator's key where the settings have none; returns the file that holds it.
pub(crate) fn settle_admin_key(config: &mut Config) -> Result<Option<PathBuf>, KeyError> {
    if config.admin_key.is_some() {
        return Ok(None);
    }
    let (key, path) = admin::settle(&config.data_dir)?;
    config.admin_key = Some(key);
    Ok(Some(path))
}

/// Builds the engine that `config` describes, over its store: what [`serve`] works with, for a program
/// that asks it without HTTP. Its warnings are left to the caller.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use llm2api_server::Failure;
/// use llm2api_server::config::{ClientFile, ClientSources};
///
/// let mut sources = ClientSources::default();
/// sources.file = ClientFile::Table("{}".into());
/// let client = llm2api_server::client(&sources.config()?).await?;
/// assert!(client.ask("demo", "Hello").await?.contains("Hello"));
/// let failure = Failure::from(client.ask("gpt-4o", "Hello").await.unwrap_err());
/// assert_eq!((failure.status(), failure.code()), (404, "model_not_found"));
/// # Ok(()) }
/// ```
///
/// # Errors
/// What [`ClientBuilder::build`] refuses, such as a bad URL or an authorisation code that is not
/// good, and a store that cannot be opened.
pub async fn client(config: &Config) -> llm2api_core::Result<Client> {
    let (store, keyring) = store::open(config).await?;
    builder(config)?.with_store(store, keyring).build().await
}

/// Builds the engine that `config` describes without touching its store, and without asking an
/// authority: what `config check` does.
///
/// # Errors
/// As [`client`], apart from the store and the authority.
pub(crate) async fn rehearse(config: &Config) -> llm2api_core::Result<Client> {
    if let Some(wanted) = &config.authorisation {
        authorisation(wanted)?.check_offline()?;
    }
    engine(config)?.build().await
}

/// Puts everything together that `config` says; the store is one in memory.
///
/// # Errors
/// [`ErrorKind::AuthInvalid`] for an authorisation code that is none, and
/// [`ErrorKind::Configuration`] for a SearXNG's address that cannot be used.
pub(crate) fn builder(config: &Config) -> llm2api_core::Result<ClientBuilder> {
    let builder = engine(config)?;
    match &config.authorisation {
        Some(wanted) => Ok(builder.with_authorisation(authorisation(wanted)?)),
        None => Ok(builder),
    }
}

fn authorisation(wanted: &AuthConfig) -> llm2api_core::Result<Authorisation> {
    let code = AuthCode::new(wanted.code.expose_secret())?;
    let mut authorisation = Authorisation::new(code).with_grace(wanted.grace);
    if let Some(url) = &wanted.url {
        authorisation = authorisation.with_url(url.clone());
    }
    if let Some(key) = &wanted.public_key {
        authorisation = authorisation.with_public_key(key.clone());
    }
    Ok(authorisation)
}

/// Puts everything together but the authorisation.
fn engine(config: &Config) -> llm2api_core::Result<ClientBuilder> {
    let builder = upstreams(config);
    Ok(match &config.search {
        Some(search) => builder.with_web_search(search.engine()?),
        None => builder,
    })
}

/// Puts everything together that `config` says of the upstreams.
fn upstreams(config: &Config) -> ClientBuilder {
    let mut builder = Client::builder()
        .with_limits(config.limits.clone())
        .with_pool_rules(config.pool.clone())
        .with_strict_parameters(config.strict_parameters)
        .with_remote_images(config.remote_images)
        .with_conversations(config.conversations);
    if let Some(program) = &config.document_reader {
        builder = builder.with_extractor(documents::extractor(program));
    }
    if let Some(interval) = config.check_interval {
        builder = builder.with_check_interval(interval);
    }
    for upstream in &config.upstreams {
        let mut wanted = UpstreamConfig::new(&upstream.kind, upstream.name.clone())
            .with_max_concurrency(upstream.max_concurrency)
            .with_any_model(upstream.any_model)
            .with_trace_context(upstream.trace);
        if let Some(calls) = upstream.requests_per_minute {
            wanted = wanted.with_requests_per_minute(calls);
        }
        if let Some(url) = &upstream.url {
            wanted = wanted.with_url(url.clone());
        }
        for credential in &upstream.credentials {
            wanted = wanted.with_credential(credential.expose_secret());
        }
        builder = builder.with_upstream(wanted);
    }
    for alias in &config.aliases {
        builder = builder.with_alias(alias.name.clone(), alias.serve.clone());
    }
    builder
}
