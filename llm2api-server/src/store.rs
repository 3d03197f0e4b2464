//! From settings to the store that they name.

use std::path::Path;
use std::sync::Arc;

use llm2api_core::keys::ClientKeys;
use llm2api_core::store::{Keyring, MemoryStore, RedisStore, SqliteStore, Store, Vault};
use llm2api_core::{Error, ErrorKind, Result};
use secrecy::{ExposeSecret, SecretString};

use crate::config::{Config, StoreConfig};

const KEY_FILE: &str = "master.key";

/// Opens the store, and reads or makes the keys that seal it.
///
/// # Errors
/// [`ErrorKind::Configuration`](llm2api_core::ErrorKind::Configuration) for a file that another
/// server has, or that is no store, and for keys that do not fit;
/// [`ErrorKind::Store`](llm2api_core::ErrorKind::Store) where the store cannot be reached.
pub(crate) async fn open(config: &Config) -> Result<(Arc<dyn Store>, Keyring)> {
    let store: Arc<dyn Store> = match &config.store {
        StoreConfig::Memory => Arc::new(MemoryStore::default()),
        StoreConfig::Sqlite(path) => Arc::new(SqliteStore::open(path)?),
        StoreConfig::Redis(url) => Arc::new(redis(url).await?),
    };
    Ok((store, keyring(config)?))
}

/// Opens the store for its records alone: nothing is unsealed, and a server may have it open too.
///
/// # Errors
/// As [`open`], but for the other server and the keys.
pub(crate) async fn open_records(config: &Config) -> Result<Arc<dyn Store>> {
    Ok(match &config.store {
        StoreConfig::Memory => Arc::new(MemoryStore::default()),
        StoreConfig::Sqlite(path) => Arc::new(SqliteStore::open_shared(path)?),
        StoreConfig::Redis(url) => Arc::new(redis(url).await?),
    })
}

/// Looks whether the store, where it is there, has a client key; one that cannot be opened has none.
pub(crate) async fn has_client_keys(config: &Config) -> bool {
    let store: Arc<dyn Store> = match &config.store {
        StoreConfig::Memory => return false,
        StoreConfig::Sqlite(path) => match SqliteStore::open_beside(path) {
            Ok(store) => Arc::new(store),
            Err(_) => return false,
        },
        StoreConfig::Redis(url) => match redis(url).await {
            Ok(store) => Arc::new(store),
            Err(_) => return false,
        },
    };
    ClientKeys::open(store).await.is_ok_and(|keys| keys.is_closed())
}

/// Seals every secret of the store anew: under a new key where the keys are in our own file, else
/// under the first key of `MASTER_KEY`. A server that runs meanwhile is not disturbed. Returns how
/// many there were.
///
/// # Errors
/// As [`open`].
pub(crate) async fn rotate_key(config: &Config) -> Result<u64> {
    let store: Arc<dyn Store> = match &config.store {
        StoreConfig::Memory => return Ok(0),
        StoreConfig::Sqlite(path) => Arc::new(SqliteStore::open_beside(path)?),
        StoreConfig::Redis(url) => Arc::new(redis(url).await?),
    };
    let vault = Vault::open(store, keyring(config)?).await?;
    Ok(vault.rotate().await?.resealed)
}

/// Opens the store beside a running server, or without one. Nothing is made where no file is.
///
/// # Errors
/// As [`open_records`], and [`ErrorKind::Configuration`](llm2api_core::ErrorKind::Configuration)
/// for a file that is not there, and for a store in memory, which nobody but its server can reach.
pub(crate) async fn open_beside(config: &Config) -> Result<Arc<dyn Store>> {
    match missing(config) {
        Some(path) => {
            let message = format!(
                "there is no store at {}: set DATA_DIR or STORE_URL as for the server, or work \
                 in its directory",
                path.display()
            );
            Err(Error::new(ErrorKind::Configuration, "open store", message))
        }
        None => open_or_make(config).await,
    }
}

/// Opens the store beside a running server, or makes it.
///
/// # Errors
/// As [`open_beside`], but for a file that is not there.
pub(crate) async fn open_or_make(config: &Config) -> Result<Arc<dyn Store>> {
    match &config.store {
        StoreConfig::Memory => {
            let message = "the store is in the memory of the server (STORE_URL=memory:): use the \
                           server's paths, such as POST /key/create";
            Err(Error::new(ErrorKind::Configuration, "open store", message))
        }
        StoreConfig::Sqlite(_) | StoreConfig::Redis(_) => open_records(config).await,
    }
}

/// Returns where the store's file would be, if it is not there.
pub(crate) fn missing(config: &Config) -> Option<&Path> {
    match &config.store {
        StoreConfig::Sqlite(path) => Some(path.as_path()).filter(|path| !path.is_file()),
        StoreConfig::Memory | StoreConfig::Redis(_) => None,
    }
}

async fn redis(url: &SecretString) -> Result<RedisStore> {
    RedisStore::connect(url.expose_secret()).await
}

fn keyring(config: &Config) -> Result<Keyring> {
    match (&config.master_key, &config.store) {
        (Some(keys), _) => Keyring::parse(keys.expose_secret()),
        (None, StoreConfig::Memory) => Ok(Keyring::random()),
        (None, _) => Keyring::file(Path::new(&config.data_dir).join(KEY_FILE)),
    }
}
