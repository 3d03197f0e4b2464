//! From settings to an authority that runs until it is told to stop.

use llm2api_core::auth::{Authority, CodeKind, IssuedCode, PrivateKey};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::banner;
use super::office::Office;
use super::table::app;
use crate::config::{Config, StoreConfig};
use crate::door::Door;
use crate::run::{RunError, listen, settle_admin_key};
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
    let codes = authority.list().await.map_err(RunError::Store)?;
    warnings(&config.store, authority.can_sign(), &codes).iter().for_each(|text| warn!("{text}"));
    let (server, address) = listen("LISTEN", config.listen)?;
    banner::print(address, key_file.as_deref());
    let signs = authority.can_sign();
    info!(%address, signs, version = env!("CARGO_PKG_VERSION"), "the authority listens");
    let door = Door::new(&config, stop.clone());
    let live = door.live.clone();
    server.serve(app(Office::new(door, authority)), stop, live).await;
    info!("stopped");
    Ok(())
}

/// Says what will be missed later.
fn warnings(store: &StoreConfig, can_sign: bool, codes: &[IssuedCode]) -> Vec<&'static str> {
    let forgets = matches!(store, StoreConfig::Memory).then_some(
        "STORE_URL is memory: the codes are gone with this process, and every installation that \
         has one is refused then; name a file or a Redis",
    );
    let has_signed = codes.iter().any(|code| code.kind == CodeKind::Signed);
    let keyless = (has_signed && !can_sign).then_some(
        "the store has signed codes and there is no key to verify them with, so that nobody is \
         told what they are worth: start the authority with --private-key-file",
    );
    forgets.into_iter().chain(keyless).collect()
}

/// SIGHUP would end the process if nobody listened.
async fn note(mut hangups: Hangups) {
    loop {
        hangups.received().await;
        info!("SIGHUP: an authority reads its settings at start only");
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use llm2api_core::auth::NewCode;
    use llm2api_core::store::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_start_warns_of_what_will_be_missed() {
        let key = PrivateKey::random().expect("random");
        let authority = Authority::new(Arc::new(MemoryStore::default()), Some(key));
        authority.issue(NewCode::new("Ada"), false, "cli").await.expect("a code");
        let opaque = authority.list().await.expect("a list");
        authority.issue(NewCode::new("Bob"), true, "cli").await.expect("a code");
        let both = authority.list().await.expect("a list");
        let file = StoreConfig::Sqlite(PathBuf::from("llm2api.db"));
        for (store, can_sign, codes, words) in [
            (&file, true, &both, &[][..]),
            (&file, false, &opaque, &[]),
            (&file, false, &both, &["--private-key-file"]),
            (&StoreConfig::Memory, true, &both, &["gone with this process"]),
            (&StoreConfig::Memory, false, &both, &["STORE_URL", "--private-key-file"]),
        ] {
            let said = warnings(store, can_sign, codes);
            assert_eq!(said.len(), words.len(), "{said:?}");
            assert!(said.iter().zip(words).all(|(text, word)| text.contains(word)), "{said:?}");
        }
    }
}
