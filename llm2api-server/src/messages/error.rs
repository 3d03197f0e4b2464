//! Errors in the envelope of Messages.

use serde::Serialize;

use crate::openai::error::Failure;

#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    tag: &'static str,
    error: Body<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
}

/// Appends the envelope, on one line, to `out`.
pub(crate) fn write_error(failure: &Failure, request_id: &str, out: &mut Vec<u8>) {
    let kind = kind(failure.status());
    let error = Body { kind, message: failure.message() };
    serde_json::to_writer(out, &Envelope { tag: "error", error, request_id })
        .expect("a Vec takes every byte, and the envelope has string keys only");
}

/// The type that belongs to a status; which failure has which status says the table of `openai`.
fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        _ => "api_error",
    }
}
