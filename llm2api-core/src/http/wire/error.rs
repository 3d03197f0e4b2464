//! Why an exchange failed.

use std::error::Error as StdError;
use std::io;

use thiserror::Error;

/// Why an exchange failed. The texts name no address and quote nothing that a server sent.
#[derive(Debug, Error)]
pub(in crate::http) enum WireError {
    /// What was to be sent has no form, or the address is none.
    #[error("the request has no form in HTTP")]
    Unsendable,
    /// Nobody is there, or nobody to talk TLS with.
    #[error("the connection cannot be made")]
    Connect(#[source] Box<dyn StdError + Send + Sync>),
    /// The proxy that the environment names is of a kind that is not spoken.
    #[error("only proxies whose URL begins with http:// can be used")]
    Proxy,
    /// Making the connection took too long.
    #[error("the connection was not made in time")]
    ConnectTimeout,
    /// The other side had closed before anything of the request was sent.
    #[error("the connection was closed before the request")]
    Untouched,
    /// The other side closed, or the network failed, on the way.
    #[error("the connection was closed before the answer was whole")]
    Broken(#[source] Option<io::Error>),
    /// What came is no HTTP/1.
    #[error("what came is no HTTP/1: {0}")]
    Malformed(&'static str),
}
