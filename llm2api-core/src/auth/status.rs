//! How the authorisation stands, for operators.

use crate::quota::Allowance;

/// How the authorisation of this installation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthState {
    /// The code is good.
    Verified,
    /// The authority is away; its last good answer still counts.
    Grace,
    /// The code could not be verified, and chats wait.
    Unverified,
    /// The code was refused.
    Denied,
    /// The code was good once.
    Expired,
}

impl AuthState {
    /// Returns the state in one word of lower case.
    ///
    /// ```
    /// assert_eq!(llm2api_core::auth::AuthState::Grace.as_str(), "grace");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Grace => "grace",
            Self::Unverified => "unverified",
            Self::Denied => "denied",
            Self::Expired => "expired",
        }
    }

    /// Says whether chats are served.
    pub const fn serves(self) -> bool {
        matches!(self, Self::Verified | Self::Grace)
    }
}

/// What is known about the authorisation. Dates are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthStatus {
    /// How it stands.
    pub state: AuthState,
    /// Why it is not verified, fit for everybody's eyes.
    pub message: Option<String>,
    /// What the authority lets its operators know: foreign words, bounded and without control
    /// characters.
    pub note: Option<String>,
    /// What the holder has.
    pub plan: Option<String>,
    /// Whom the code was issued to.
    pub holder: Option<String>,
    /// From when on the code is good no more.
    pub expires_at: Option<u64>,
    /// How much the installation may use.
    pub limits: Allowance,
    /// When the code was last checked.
    pub last_check: Option<u64>,
    /// When it is checked next; never by itself, where this is not set.
    pub next_check: Option<u64>,
}
