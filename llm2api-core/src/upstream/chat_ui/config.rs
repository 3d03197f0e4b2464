//! What may differ between chat-ui servers, and what was found out about this one.

/// The name of the session cookie where the server does not say otherwise.
pub(super) const SESSION_COOKIE: &str = "hf-chat";

/// Which of the two protocols a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// With `/api/v2`, since June 2025.
    V2 {
        /// Chats need a session that is signed in.
        login: bool,
    },
    /// The one before.
    Y2024,
}
