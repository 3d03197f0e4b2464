//! What takes the files of requests in.

use std::sync::Arc;

use crate::adapt::files::{Extract, Fetch, FileKit, FileRules, NoFetch, RemoteImages};
use crate::error::Result;
#[cfg(not(feature = "http"))]
use crate::error::{Error, ErrorKind};
#[cfg(feature = "http")]
use crate::http::PublicFetcher;

/// Puts it together; what fetches is made only where something may be fetched.
///
/// # Errors
/// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) where nothing can fetch: the
/// system's certificates cannot be read, or the feature `http` is off.
pub(super) fn file_kit(rules: FileRules, extract: Arc<dyn Extract>) -> Result<FileKit> {
    let fetch: Arc<dyn Fetch> = match rules.remote_images {
        RemoteImages::Off => Arc::new(NoFetch),
        RemoteImages::Public => fetcher()?,
    };
    Ok(FileKit::new(rules, fetch, extract))
}

#[cfg(feature = "http")]
fn fetcher() -> Result<Arc<dyn Fetch>> {
    Ok(Arc::new(PublicFetcher::new()?))
}

#[cfg(not(feature = "http"))]
fn fetcher() -> Result<Arc<dyn Fetch>> {
    let message = "images cannot be fetched: switch on the feature `http` of llm2api-core";
    Err(Error::new(ErrorKind::Configuration, "build client", message))
}
