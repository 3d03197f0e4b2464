//! From a refusal to an error: what each signal of chat-ui means.

use super::wire::Refusal;
use crate::credential::Credential;
use crate::error::{Error, ErrorKind};
use crate::upstream::quote::quote;

const OPERATION: &str = "chat";
/// The account has as many conversations as it may.
pub(super) const CONVERSATION_LIMIT: &str = "conversation_limit";
/// The conversation has as many messages as it may.
pub(super) const CONVERSATION_FULL: &str = "conversation_full";

/// What a refusal was about, where that decides more than its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A conversation is made.
    Create,
    /// A message is sent.
    Send,
    /// Anything else.
    Other,
}

/// Where an answer leads instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    /// To a sign-in: of the provider, or the server's own page.
    SignIn,
    /// To something else of the server's, such as a page about maintenance.
    Other,
}

/// Explains an answer whose status is not 200.
pub(super) fn refusal(
    step: Step,
    status: u16,
    redirect: Option<Redirect>,
    body: &[u8],
    credential: &Credential,
) -> Error {
    let said = said(body);
    let kind = kind_of(step, status, redirect, &said);
    let text = match kind {
        ErrorKind::CredentialRejected => "the cookie is not signed in: replace it".to_owned(),
        ErrorKind::Configuration => {
            let said = quote(&said, Some(credential));
            format!("the server refused our Origin; check the upstream's URL: {said}")
        }
        _ if redirect.is_some() => {
            format!("the upstream redirects its API, status {status}: check the upstream's URL")
        }
        _ if said.is_empty() => format!("the upstream answered with status {status}"),
        _ if is_page(&said) => format!("the upstream answered with a web page, status {status}"),
        _ => format!("the upstream said: {}", quote(&said, Some(credential))),
    };
    let error = Error::new(kind, OPERATION, text).with_status(status);
    if said.contains("maximum number of conversations") {
        return error.with_code(CONVERSATION_LIMIT);
    }
    if said.contains("This conversation has more than") {
        return error.with_code(CONVERSATION_FULL);
    }
    if kind == ErrorKind::ModelNotFound { error.with_param("model") } else { error }
}

fn kind_of(step: Step, status: u16, redirect: Option<Redirect>, said: &str) -> ErrorKind {
    match status {
        _ if redirect == Some(Redirect::SignIn) => ErrorKind::CredentialRejected,
        401 => ErrorKind::CredentialRejected,
        402 => ErrorKind::QuotaExhausted,
        403 if is_about_origin(said) => ErrorKind::Configuration,
        403 => ErrorKind::CredentialForbidden,
        400 if step == Step::Create => ErrorKind::ModelNotFound,
        410 => ErrorKind::ModelNotFound,
        // Our own conversation is gone or belongs to another session: the cookie is suspect.
        404 if step == Step::Send => ErrorKind::CredentialForbidden,
        408 | 425 => ErrorKind::UpstreamBusy,
        413 => ErrorKind::RequestTooLarge,
        429 => ErrorKind::RateLimited,
        400..=499 if is_page(said) => ErrorKind::UpstreamProtocol,
        400..=499 => ErrorKind::InvalidRequest,
        500..=599 => ErrorKind::UpstreamFailed,
        _ => ErrorKind::UpstreamProtocol,
    }
}

/// Explains a `status: error` line inside a 200.
pub(super) fn in_band(
    message: &str,
    status: Option<u16>,
    began: bool,
    credential: &Credential,
) -> Error {
    let status = status.or_else(|| leading_status(message));
    let kind = match status {
        _ if began => ErrorKind::UpstreamIncomplete,
        Some(402) => ErrorKind::QuotaExhausted,
        // The model's own service refused a token: the server's, or one of this account.
        Some(401 | 403) => ErrorKind::CredentialForbidden,
        Some(413) => ErrorKind::RequestTooLarge,
        Some(429) => ErrorKind::RateLimited,
        Some(400 | 404 | 422) => ErrorKind::InvalidRequest,
        _ => ErrorKind::UpstreamFailed,
    };
    let text = format!("the upstream said: {}", quote(message, Some(credential)));
    let error = Error::new(kind, OPERATION, text);
    let error = if is_about_length(message) && kind == ErrorKind::InvalidRequest {
        error.with_code("context_length_exceeded")
    } else {
        error
    };
    match status {
        Some(status) => error.with_status(status),
        None => error,
    }
}

/// The message of a JSON body, or a short text body; nothing of a page.
fn said(body: &[u8]) -> String {
    if let Ok(refusal) = serde_json::from_slice::<Refusal>(body) {
        return refusal.text().to_owned();
    }
    let text = String::from_utf8_lossy(body);
    if is_page(&text) || text.len() > 300 { "a web page".to_owned() } else { text.into_owned() }
}

fn is_page(text: &str) -> bool {
    text.trim_start().starts_with('<') || text == "a web page"
}

/// Servers before October 2025 give the status only as the message's first word.
fn leading_status(message: &str) -> Option<u16> {
    let first = message.split(' ').next()?;
    first.parse().ok().filter(|status| (400..600).contains(status))
}

fn is_about_origin(message: &str) -> bool {
    let starts = ["Non-JSON form requests", "Invalid referer", "Cross-site"];
    starts.iter().any(|start| message.starts_with(start))
}

fn is_about_length(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("context length") || message.contains("context_length")
}
