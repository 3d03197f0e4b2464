//! Which dialect a path speaks.

use poem::http::HeaderMap;
use poem::http::header::HeaderName;

use crate::keys::{api_key, bearer};
use crate::messages;
use crate::openai::error::Failure;

/// The header in which clients of Messages look for the id of their request.
const MESSAGES_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// A dialect: where its clients put their key, and how they read errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// OpenAI's.
    OpenAi,
    /// Anthropic's Messages.
    Messages,
}

impl Dialect {
    /// Lists the keys that a client sent, one a header that may hold one.
    pub(crate) fn keys(self, headers: &HeaderMap) -> Vec<&[u8]> {
        let other = if self == Self::Messages { api_key(headers) } else { None };
        bearer(headers).into_iter().chain(other).collect()
    }

    /// Appends the error in this dialect's envelope, on one line, to `out`.
    pub(crate) fn write_error(self, failure: &Failure, request_id: &str, out: &mut Vec<u8>) {
        match self {
            Self::OpenAi => failure.write_json(request_id, out),
            Self::Messages => messages::write_error(failure, request_id, out),
        }
    }

    /// Names the header that carries the request's id besides our own.
    pub(crate) fn request_id_header(self) -> Option<HeaderName> {
        (self == Self::Messages).then_some(MESSAGES_REQUEST_ID)
    }
}
