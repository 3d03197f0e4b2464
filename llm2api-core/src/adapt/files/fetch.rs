//! What fetches images.

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use super::refusal;
use crate::error::Result;

/// Fetches images from addresses that clients name, and therefore trusts none of them.
///
/// # Example
/// ```
/// use async_trait::async_trait;
/// use bytes::Bytes;
/// use llm2api_core::Result;
/// use llm2api_core::adapt::files::Fetch;
///
/// #[derive(Debug)]
/// struct SamePicture;
///
/// #[async_trait]
/// impl Fetch for SamePicture {
///     async fn image(&self, _url: &str, _limit: usize) -> Result<Bytes> {
///         Ok(Bytes::from_static(b"\x89PNG\r\n\x1a\n"))
///     }
/// }
/// ```
#[async_trait]
pub trait Fetch: Debug + Send + Sync + 'static {
    /// Returns the image at `url`, which is http or https; at most `limit` bytes of it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) in words that say nothing of
    /// what is behind an address that is not public;
    /// [`ErrorKind::RequestTooLarge`](crate::ErrorKind::RequestTooLarge).
    async fn image(&self, url: &str, limit: usize) -> Result<Bytes>;
}

/// Fetches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFetch;

#[async_trait]
impl Fetch for NoFetch {
    async fn image(&self, _url: &str, _limit: usize) -> Result<Bytes> {
        Err(refusal::no_addresses())
    }
}
