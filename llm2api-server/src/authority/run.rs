//! From settings to an authority that runs until it is told to stop.

use llm2api_core::auth::{Authority, PrivateKey};
use tokio::task::JoinSet;
use tracing::info;

use super::banner;
use super::office::Office;
use super::table::app;
use crate::accept::Server;
use crate::config::Config;
use crate::door::Door;
use crate::run::{RunError, settle_admin_key};
use crate::signal::{Hangups, Signals};
use crate::stop::Stop;
use crate::store;

/// Serves until SIGTERM or SIGINT, then ends in order; a second signal cuts what still runs.
///
/// # Errors
/// If the store cannot be opened, there is no operator's key, or the address cannot be listened on.
pub(crate) async fn run(config: Config, key: Option<PrivateKey>) -> Result<(), RunError> {
    // Before the banner: who has read it may send a signal at once.
    let (signals, hangups) = (Signals::listen(), Hangups::listen());
    let stop = Stop::new();
    let mut watch = JoinSet::new();
    watch.spawn(note(hangups));
    signals.obeyed(&stop, serve(config, key, stop.clone())).await
}

async fn serve(mut config: Config, key: Option<PrivateKey>, stop: Stop) -> Result<(), RunError> {
    let key_file = settle_admin_key(&mut config)?;
    let store = store::open_records(&config).await.map_err(RunError::Store)?;
    let authority = Authority::new(store, key);
    // A store that keeps no codes is told of now, and not to the first who asks.
    authority.list().await.map_err(RunError::Store)?;
    let listen = |source| RunError::Listen { address: config.listen, source };
    let server = Server::bind(config.listen).map_err(listen)?;
    let address = server.local_addr().map_err(listen)?;
    banner::print(address, key_file.as_deref());
    let signs = authority.can_sign();
    info!(%address, signs, version = env!("CARGO_PKG_VERSION"), "the authority listens");
    let door = Door::new(&config, stop.clone());
    let live = door.live.clone();
    server.serve(app(Office::new(door, authority)), stop, live).await;
    info!("stopped");
    Ok(())
}

/// SIGHUP would end the process if nobody listened.
async fn note(mut hangups: Hangups) {
    loop {
        hangups.received().await;
        info!("SIGHUP: an authority reads its settings at start only");
    }
}
