//! What operators see of keys, and what the door learns.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::credential::Secret;
use crate::quota::Allowance;

/// How a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyState {
    /// It lets its holder in.
    Active,
    /// The operator has taken it back, for good.
    Revoked,
    /// Its time is over, or a rotation has replaced it.
    Expired,
}

impl KeyState {
    /// Returns the word that lists show.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// A key as an operator sees it: everything but the key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientKey {
    /// Its id, which is a part of the key.
    pub id: String,
    /// What people call it.
    pub label: Option<String>,
    /// How it stands now.
    pub state: KeyState,
    /// When it was made; dates are seconds since 1970.
    pub created_at: u64,
    /// When its time is over.
    pub expires_at: Option<u64>,
    /// When it was rotated last.
    pub rotated_at: Option<u64>,
    /// When it was revoked.
    pub revoked_at: Option<u64>,
    /// The models that it may ask for, as [`FoundKey::allows`] reads them; empty for all.
    pub models: Vec<String>,
    /// How much it may use.
    pub allowance: Allowance,
}

/// A key that was just made: the only time that it is shown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuedKey {
    /// What is known of it.
    pub entry: ClientKey,
    /// The key itself.
    pub key: Secret,
}

/// Whose key a request has brought.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FoundKey {
    /// The key's id.
    pub id: Arc<str>,
    /// How it stands; only an active one lets in.
    pub state: KeyState,
    /// The models that it may ask for; empty for all.
    pub models: Arc<[String]>,
    /// How much it may use.
    pub allowance: Allowance,
}

impl FoundKey {
    /// Says whether the key may ask for a model, by the name that the request has.
    ///
    /// A name of the list allows that name alone; one with a `*` at its end allows all that begin
    /// so. An empty list allows everything.
    pub fn allows(&self, model: &str) -> bool {
        let fits = |name: &String| match name.strip_suffix('*') {
            Some(start) => model.starts_with(start),
            None => name == model,
        };
        self.models.is_empty() || self.models.iter().any(fits)
    }
}

/// A key to be made.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use llm2api_core::keys::NewKey;
/// use llm2api_core::quota::Allowance;
///
/// let allowance = Allowance { requests_per_minute: Some(60), ..Allowance::default() };
/// let new = NewKey::new()
///     .with_label("Ann")
///     .with_life(Duration::from_secs(30 * 24 * 3600))
///     .with_models(["llama-3.1", "team-chat/*"])
///     .with_allowance(allowance);
/// assert_eq!(new.label.as_deref(), Some("Ann"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewKey {
    /// What people call it.
    pub label: Option<String>,
    /// When its time is over, in seconds since 1970.
    pub expires_at: Option<u64>,
    /// How long it is good from now on; not together with `expires_at`.
    pub life: Option<Duration>,
    /// The models that it may ask for, as [`FoundKey::allows`] reads them; empty for all.
    pub models: Vec<String>,
    /// How much it may use.
    pub allowance: Allowance,
}

impl NewKey {
    /// A key without a name, an end or a limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names it.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Ends it so long from now.
    #[must_use]
    pub fn with_life(mut self, life: Duration) -> Self {
        self.life = Some(life);
        self
    }

    /// Allows these models alone.
    #[must_use]
    pub fn with_models(mut self, models: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.models = models.into_iter().map(Into::into).collect();
        self
    }

    /// Limits what it may use.
    #[must_use]
    pub fn with_allowance(mut self, allowance: Allowance) -> Self {
        self.allowance = allowance;
        self
    }
}

/// What becomes of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays.
    #[default]
    Keep,
    /// It is emptied.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Change<T> {
    /// Says whether the field stays.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Changes a field.
    pub(super) fn apply(self, field: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value),
        }
    }

    /// Returns what the field becomes, if it becomes something.
    pub(super) fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            _ => None,
        }
    }
}

/// `null` empties a field; one that is not there stays, with `#[serde(default)]`.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

/// What is to be changed of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyChange {
    /// What people call it.
    pub label: Change<String>,
    /// When its time is over, in seconds since 1970.
    pub expires_at: Change<u64>,
    /// The models that it may ask for, at least one; cleared for all.
    pub models: Change<Vec<String>>,
    /// Chat requests that may begin in any minute.
    pub requests_per_minute: Change<u32>,
    /// Tokens a day.
    pub tokens_per_day: Change<u64>,
    /// Chat requests at the same time.
    pub concurrency: Change<u32>,
}
