//! The error replies, as measured.

use serde_json::json;
use uuid::Uuid;

use crate::http::{Reply, Request};

/// An error raised by a handler: `{"message": …}`.
pub(super) fn message(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({"message": text}))
}

/// What becomes of anything unexpected, mistakes of the client included.
pub(super) fn unexpected() -> Reply {
    let id = Uuid::new_v4().to_string();
    Reply::json(500, &json!({"message": "An error occurred", "errorId": id}))
}

/// A conversation that is unknown or belongs to another session.
pub(super) fn no_conversation() -> Reply {
    message(404, "Conversation not found")
}

/// An error of the request hook: JSON or bare text, by what the client speaks.
pub(super) fn hook(request: &Request, status: u16, text: &str) -> Reply {
    let json = "application/json";
    if request.header_has("accept", json) || request.header_has("content-type", json) {
        Reply::json(status, &json!({"error": text})).chunked()
    } else {
        Reply::new(status, "text/plain", text).chunked()
    }
}
