//! Bytes that nobody can guess.

use crate::error::{Error, ErrorKind, Result};

/// Fills `bytes` with what nobody can guess, for `operation`.
///
/// # Errors
/// [`ErrorKind::Internal`] where the operating system gives none.
pub(crate) fn fill(bytes: &mut [u8], operation: &'static str) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| {
        let message = "the operating system gives no random bytes";
        Error::new(ErrorKind::Internal, operation, message).with_source(error)
    })
}
