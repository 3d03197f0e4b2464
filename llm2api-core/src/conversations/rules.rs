//! The figures that conversations are kept by.

use std::time::Duration;

/// What becomes of a chat-ui conversation after its turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConversationMode {
    /// It is kept, and a request whose history it holds sends only what is new.
    #[default]
    Reuse,
    /// It is deleted: each request gets one of its own.
    Fresh,
}

/// How conversations are kept.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use llm2api_core::ConversationRules;
///
/// let mut rules = ConversationRules::default();
/// rules.most_per_account = 20;
/// rules.life = Duration::from_secs(3600);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConversationRules {
    /// Conversations that are kept in one account; 100 by default. Beyond it, those that were not
    /// used for longest are deleted.
    pub most_per_account: usize,
    /// How long one is kept that nobody uses; a day by default.
    pub life: Duration,
}

impl Default for ConversationRules {
    fn default() -> Self {
        Self { most_per_account: 100, life: Duration::from_secs(24 * 3600) }
    }
}
