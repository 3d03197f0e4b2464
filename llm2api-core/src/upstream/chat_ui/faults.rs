//! How the answer of a turn fails.

use crate::error::{Error, ErrorKind};

/// More was said than is held.
pub(super) fn too_long() -> Error {
    let message = "the answer is longer than the one line that its final text must fit in";
    Error::new(ErrorKind::UpstreamProtocol, "chat", message)
}

/// Nothing was said.
pub(super) fn empty() -> Error {
    Error::new(ErrorKind::UpstreamProtocol, "chat", "the answer is empty")
}

/// Something else was said than what was given already.
pub(super) fn diverged() -> Error {
    let message = "the upstream began its answer anew; what was sent cannot be taken back";
    incomplete("upstream_diverged", message)
}

/// The answer ended before it was whole.
pub(super) fn incomplete(code: &'static str, message: &str) -> Error {
    Error::new(ErrorKind::UpstreamIncomplete, "chat", message).with_code(code)
}

/// What came is not what chat-ui sends.
pub(super) fn not_updates() -> Error {
    let message = "the upstream answered with something else than updates: check its URL";
    Error::new(ErrorKind::UpstreamProtocol, "chat", message)
}
