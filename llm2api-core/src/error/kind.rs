//! The one table of what each kind of error means.

use std::time::Duration;

/// What went wrong, in few words; [`ErrorKind::verdict`] says what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request itself is wrong; sending it again cannot help.
    InvalidRequest,
    /// No upstream serves the model.
    ModelNotFound,
    /// The request is larger than the upstream takes.
    RequestTooLarge,
    /// The upstream lacks something that the request needs.
    Unsupported,
    /// The upstream cannot be reached: refused, unknown name, failed TLS, connect time-out.
    Connect,
    /// The connection broke before the first byte of an answer.
    ConnectionReset,
    /// The upstream refused the credential: 401, or a redirect to its login page.
    CredentialRejected,
    /// The upstream answered 403; that alone proves nothing about the credential.
    CredentialForbidden,
    /// The account's paid quota is used up.
    QuotaExhausted,
    /// The upstream asks to slow down.
    RateLimited,
    /// The upstream failed: 5xx.
    UpstreamFailed,
    /// The upstream asks to come back at once: 408, 425.
    UpstreamBusy,
    /// The upstream sent no first byte, or no content, in time.
    Timeout,
    /// The upstream's answer is not its protocol: HTML, junk, an empty stream.
    UpstreamProtocol,
    /// The answer broke off after its first content.
    UpstreamIncomplete,
    /// The answer is not what the request demands, such as a call of a tool with arguments that its
    /// schema forbids, and asking the model once more has not helped.
    AnswerInvalid,
    /// The pool has no usable credential.
    NoCredential,
    /// Every usable credential is busy or rests.
    PoolExhausted,
    /// The authorisation code could not be verified yet.
    AuthUnverified,
    /// The authorisation code was refused.
    AuthInvalid,
    /// The store cannot be reached, or refused to keep something.
    Store,
    /// The client or the engine was set up wrongly.
    Configuration,
    /// A fault of this program.
    Internal,
}

/// What a fault says about the credential that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// Nothing.
    None,
    /// Something only if it goes on: a rate in a window.
    Weak,
    /// Enough to have the credential checked.
    Suspect,
    /// Enough to call it dead once a check agrees.
    Rejected,
    /// The credential rests for the time named, or for this default.
    Rests(Duration),
}

/// One row of the retry table: who may try again, and how often, before the first content.
///
/// Source: the retry table of the project's reliability rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The same credential may be used once more.
    pub same: Same,
    /// How many other credentials may be tried for this fault.
    pub others: u32,
    /// What counts against the credential.
    pub evidence: Evidence,
}

/// Whether the same credential may be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Same {
    /// No.
    Never,
    /// Once, at once.
    AtOnce,
    /// Once, after a back-off with jitter.
    AfterBackoff,
    /// Once, after the time that the upstream named, if that is short.
    AfterShortWait,
}

impl Verdict {
    const fn new(same: Same, others: u32, evidence: Evidence) -> Self {
        Self { same, others, evidence }
    }

    /// Says whether anybody may try again.
    pub fn is_retryable(self) -> bool {
        self.others > 0 || self.same != Same::Never
    }
}

const ANY: u32 = u32::MAX;
const REST: Duration = Duration::from_secs(30);
const LONG_REST: Duration = Duration::from_secs(3600);

impl ErrorKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 23] = [
        Self::InvalidRequest,
        Self::ModelNotFound,
        Self::RequestTooLarge,
        Self::Unsupported,
        Self::Connect,
        Self::ConnectionReset,
        Self::CredentialRejected,
        Self::CredentialForbidden,
        Self::QuotaExhausted,
        Self::RateLimited,
        Self::UpstreamFailed,
        Self::UpstreamBusy,
        Self::Timeout,
        Self::UpstreamProtocol,
        Self::UpstreamIncomplete,
        Self::AnswerInvalid,
        Self::NoCredential,
        Self::PoolExhausted,
        Self::AuthUnverified,
        Self::AuthInvalid,
        Self::Store,
        Self::Configuration,
        Self::Internal,
    ];

    /// Returns the stable code of this kind.
    ///
    /// ```
    /// assert_eq!(llm2api_core::ErrorKind::UpstreamIncomplete.code(), "upstream_incomplete");
    /// ```
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::ModelNotFound => "model_not_found",
            Self::RequestTooLarge => "request_too_large",
            Self::Unsupported => "unsupported",
            Self::Connect => "upstream_unreachable",
            Self::ConnectionReset => "upstream_reset",
            Self::CredentialRejected | Self::CredentialForbidden | Self::NoCredential => {
                "no_credential"
            }
            Self::QuotaExhausted => "insufficient_quota",
            Self::RateLimited => "rate_limit_exceeded",
            Self::UpstreamFailed => "upstream_error",
            Self::UpstreamBusy => "upstream_busy",
            Self::Timeout => "upstream_timeout",
            Self::UpstreamProtocol => "upstream_protocol",
            Self::UpstreamIncomplete => "upstream_incomplete",
            Self::AnswerInvalid => "invalid_answer",
            Self::PoolExhausted => "pool_exhausted",
            Self::AuthUnverified => "auth_unverified",
            Self::AuthInvalid => "auth_code_invalid",
            Self::Store => "store_unavailable",
            Self::Configuration => "configuration",
            Self::Internal => "internal_error",
        }
    }

    /// Says whether a request was refused for what it asks, by the gateway or by an upstream: as far as
    /// can be told, its caller has to change it.
    ///
    /// ```
    /// use llm2api_core::ErrorKind;
    ///
    /// assert!(ErrorKind::ModelNotFound.is_client_error());
    /// assert!(!ErrorKind::Timeout.is_client_error());
    /// ```
    pub const fn is_client_error(self) -> bool {
        matches!(
            self,
            Self::InvalidRequest | Self::ModelNotFound | Self::RequestTooLarge | Self::Unsupported
        )
    }

    /// Returns the row of the retry table for this kind.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Connect => Verdict::new(Same::AfterBackoff, 0, Evidence::None),
            Self::ConnectionReset => Verdict::new(Same::AtOnce, ANY, Evidence::Weak),
            Self::CredentialRejected => Verdict::new(Same::Never, ANY, Evidence::Rejected),
            Self::CredentialForbidden | Self::UpstreamProtocol => {
                Verdict::new(Same::Never, 1, Evidence::Suspect)
            }
            Self::RateLimited => Verdict::new(Same::AfterShortWait, ANY, Evidence::Rests(REST)),
            Self::QuotaExhausted => Verdict::new(Same::Never, ANY, Evidence::Rests(LONG_REST)),
            Self::UpstreamFailed => Verdict::new(Same::AfterBackoff, ANY, Evidence::Weak),
            Self::UpstreamBusy => Verdict::new(Same::AfterBackoff, ANY, Evidence::None),
            Self::Timeout | Self::UpstreamIncomplete => {
                Verdict::new(Same::Never, 0, Evidence::Weak)
            }
            _ => Verdict::new(Same::Never, 0, Evidence::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn the_table_is_what_the_rules_say() {
        let mut table = String::new();
        for kind in ErrorKind::ALL {
            let Verdict { same, others, evidence } = kind.verdict();
            let others = if others == ANY { "any".into() } else { others.to_string() };
            writeln!(table, "{kind:?} | {} | {same:?} | {others} | {evidence:?}", kind.code())
                .expect("a String takes everything");
        }
        insta::assert_snapshot!(table);
    }
}
