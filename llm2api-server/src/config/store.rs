//! Where the store is, and the keys that seal it.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretString;

use super::error::ConfigError;
use super::model::StoreConfig;
use super::value;

const FILE: &str = "llm2api.db";
const KEY_BYTES: usize = 32;

/// Reads a checked `STORE_URL`; empty for the file in `data_dir`.
pub(super) fn store(url: &str, data_dir: &Path) -> StoreConfig {
    match url.split_once(':') {
        None => StoreConfig::Sqlite(data_dir.join(FILE)),
        Some(("memory", _)) => StoreConfig::Memory,
        Some(("sqlite", path)) => StoreConfig::Sqlite(PathBuf::from(path)),
        Some(_) => StoreConfig::Redis(SecretString::from(url)),
    }
}

/// Checks a `STORE_URL` without repeating it: it may hold a password.
pub(super) fn check_url(name: &str, text: &str) -> Result<(), ConfigError> {
    let right = match text.split_once(':') {
        Some(("sqlite", path)) if path.starts_with("//") => {
            "has `//` behind `sqlite:`: write the path alone, as in `sqlite:/var/lib/llm2api.db`"
        }
        Some(("sqlite", "")) => "lacks the path behind `sqlite:`",
        Some(("memory", "") | ("sqlite", _)) => return Ok(()),
        Some(("redis" | "rediss", rest)) if is_address(rest) => return Ok(()),
        _ => "must be `memory:`, `sqlite:PATH`, `redis://HOST:PORT` or `rediss://HOST:PORT`",
    };
    Err(ConfigError::bad_secret(name, right))
}

fn is_address(rest: &str) -> bool {
    rest.strip_prefix("//").is_some_and(|address| {
        !address.starts_with('/') && !address.is_empty() && !address.contains(char::is_whitespace)
    })
}

/// Hides everything of a store in a network: user, password and query may all be secret.
pub(super) fn shown(text: &str) -> &str {
    match text.split_once(':') {
        Some(("redis", _)) => "redis://***",
        Some(("rediss", _)) => "rediss://***",
        Some(("memory" | "sqlite", _)) => text,
        _ => "***",
    }
}

/// Checks that each key of a `MASTER_KEY` is 32 bytes in base64.
pub(super) fn check_keys(name: &str, text: &str) -> Result<(), ConfigError> {
    let fits = |key: &str| decode(key).is_some_and(|bytes| bytes.len() == KEY_BYTES);
    if value::list(text).next().is_some() && value::list(text).all(fits) {
        return Ok(());
    }
    let wrong = "must be 32 bytes in base64, several separated by commas: \
                 `openssl rand -base64 32` makes one";
    Err(ConfigError::bad_secret(name, wrong))
}

/// Servers of a fleet share what is in Redis, so a key that one of them makes up opens nothing.
pub(super) fn check_pair(store: &StoreConfig, has_key: bool) -> Result<(), ConfigError> {
    match store {
        StoreConfig::Redis(_) if !has_key => Err(ConfigError::new(
            "`STORE_URL` is a Redis and no `MASTER_KEY` is set: set the same key on all servers, \
             `openssl rand -base64 32` makes one",
        )),
        _ => Ok(()),
    }
}

/// Reads either alphabet, padded or not.
fn decode(key: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new();
    let config = config.with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let [standard, url] =
        [&STANDARD, &URL_SAFE].map(|letters| GeneralPurpose::new(letters, config));
    standard.decode(key).or_else(|_| url.decode(key)).ok()
}
