//! From a refusal to an error.

use serde::Deserialize;
use serde_json::Value;

use super::wire::{ErrorField, Refusal};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind};
use crate::upstream::quote::quote;
use crate::upstream::url::is_sign_in;

const OPERATION: &str = "chat";

/// Explains an answer whose status is not 200.
pub(super) fn refusal(
    status: u16,
    location: Option<&str>,
    body: &[u8],
    credential: Option<&Credential>,
) -> Error {
    let said = Said::read(body);
    let kind = match status {
        300..=399 if location.is_some_and(is_sign_in) => ErrorKind::CredentialRejected,
        _ => kind_of(status, &said),
    };
    said.error(kind, credential).with_status(status)
}

/// Explains an error object inside a 200, before or after content.
pub(super) fn in_band(body: &Value, began: bool, credential: &Credential) -> Error {
    let said = Said::from_value(body);
    let status =
        said.code.as_ref().and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let status = status.filter(|status| (400..600).contains(status));
    let kind = match status {
        _ if began => ErrorKind::UpstreamIncomplete,
        Some(status) => kind_of(status, &said),
        None => ErrorKind::UpstreamFailed,
    };
    let error = said.error(kind, Some(credential));
    match status {
        Some(status) => error.with_status(status),
        None => error,
    }
}

/// Explains an answer that the upstream did not bring to its end.
pub(super) fn incomplete(message: &str) -> Error {
    Error::new(ErrorKind::UpstreamIncomplete, OPERATION, message)
}

fn kind_of(status: u16, said: &Said) -> ErrorKind {
    match status {
        401 => ErrorKind::CredentialRejected,
        402 => ErrorKind::QuotaExhausted,
        403 => ErrorKind::CredentialForbidden,
        404 => ErrorKind::ModelNotFound,
        408 | 425 => ErrorKind::UpstreamBusy,
        413 => ErrorKind::RequestTooLarge,
        429 if said.code_is("insufficient_quota") => ErrorKind::QuotaExhausted,
        429 => ErrorKind::RateLimited,
        400..=499 if said.is_about_the_model() => ErrorKind::ModelNotFound,
        400..=499 => ErrorKind::InvalidRequest,
        500..=599 => ErrorKind::UpstreamFailed,
        _ => ErrorKind::UpstreamProtocol,
    }
}

/// What the upstream said about its refusal.
#[derive(Default)]
struct Said {
    message: Option<String>,
    code: Option<Value>,
    param: Option<String>,
}

impl Said {
    fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).map(Self::of).unwrap_or_default()
    }

    fn from_value(body: &Value) -> Self {
        Refusal::deserialize(body).map(Self::of).unwrap_or_default()
    }

    fn of(refusal: Refusal) -> Self {
        match refusal.error.or(refusal.detail).or(refusal.message) {
            Some(ErrorField::Object { message, code, param }) => Self { message, code, param },
            Some(ErrorField::Text(message)) => Self { message: Some(message), ..Self::default() },
            Some(ErrorField::Other(_)) | None => Self::default(),
        }
    }

    fn code_is(&self, code: &str) -> bool {
        self.code.as_ref().and_then(Value::as_str) == Some(code)
    }

    fn is_about_the_model(&self) -> bool {
        let text = self.message.as_deref().unwrap_or_default().to_ascii_lowercase();
        self.code_is("model_not_found") || (text.contains("model") && text.contains("not found"))
    }

    fn error(self, kind: ErrorKind, credential: Option<&Credential>) -> Error {
        let message = match &self.message {
            Some(message) => format!("the upstream said: {}", quote(message, credential)),
            None if kind == ErrorKind::ModelNotFound => {
                "the upstream has no such path or model: check its URL and the model's name".into()
            }
            None => "the upstream refused and did not say why".to_owned(),
        };
        let mut error = Error::new(kind, OPERATION, message);
        if self.code_is("context_length_exceeded") {
            error = error.with_code("context_length_exceeded");
        }
        match self.param {
            Some(param) => error.with_param(quote(&param, credential)),
            None => error,
        }
    }
}
