//! What an upstream knows an account by.

mod cookie;
pub mod exchange;
pub mod health;
mod profile;
mod secret;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

pub use cookie::CookieSet;
pub use health::{Health, HealthRules, HealthState, SavedHealth, Signal, is_doubt, reason};
pub use profile::{Profile, Record};
pub use secret::Secret;

use crate::error::Result;

/// A credential's id: random, stable, and safe to show.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct CredentialId(Arc<str>);

impl CredentialId {
    /// Makes a new, random id.
    pub fn random() -> Self {
        let id = Uuid::new_v4().simple().to_string();
        Self(format!("cred_{}", &id[..16]).into())
    }

    /// Takes an id that was made before, such as one that a store has kept.
    pub fn from_text(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the id's text, shared.
    pub fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One account at one upstream. Cloning is cheap.
///
/// `Debug` shows the id and the label, never the secret.
///
/// # Example
/// ```
/// use llm2api_core::{Credential, Material};
///
/// let cookie = Credential::parse("team-chat", "hf-chat=abc; token=def")?;
/// assert!(matches!(cookie.material(), Material::Cookies(_)));
/// let key = Credential::parse("local", "sk-123")?;
/// assert!(matches!(key.material(), Material::Token(_)));
/// assert!(!format!("{key:?}").contains("sk-123"));
/// # Ok::<(), llm2api_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Credential {
    inner: Arc<Inner>,
}

struct Inner {
    id: CredentialId,
    upstream: Arc<str>,
    material: Material,
}

/// What is sent to the upstream to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Material {
    /// Nothing: the upstream serves anybody.
    Anonymous,
    /// A set of cookies.
    Cookies(CookieSet),
    /// A bare value: a key sent as bearer, or the value of the upstream's session cookie.
    Token(Secret),
}

impl Credential {
    /// Reads a credential for `upstream`: a `name=value; name2=value2` cookie set, or a bare value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) with code `invalid_cookie`
    /// where the text is empty, too long, or holds a byte that must not enter a header.
    pub fn parse(upstream: impl Into<Arc<str>>, text: &str) -> Result<Self> {
        let material = if cookie::is_set(text) {
            Material::Cookies(CookieSet::parse(text)?)
        } else {
            Material::Token(cookie::bare_value(text)?)
        };
        Ok(Self::new(upstream, material))
    }

    /// Makes the credential of an upstream that serves anybody.
    pub fn anonymous(upstream: impl Into<Arc<str>>) -> Self {
        Self::new(upstream, Material::Anonymous)
    }

    /// Makes a credential under a new id.
    pub fn new(upstream: impl Into<Arc<str>>, material: Material) -> Self {
        Self::with_id(CredentialId::random(), upstream, material)
    }

    /// Makes a credential under an id that it had before.
    pub fn with_id(id: CredentialId, upstream: impl Into<Arc<str>>, material: Material) -> Self {
        Self { inner: Arc::new(Inner { id, upstream: upstream.into(), material }) }
    }

    /// Returns the id.
    pub fn id(&self) -> &CredentialId {
        &self.inner.id
    }

    /// Returns the name of the upstream that knows this credential.
    pub fn upstream(&self) -> &Arc<str> {
        &self.inner.upstream
    }

    /// Returns what is sent to the upstream.
    pub fn material(&self) -> &Material {
        &self.inner.material
    }

    /// Returns `text` with every secret of this credential replaced by stars.
    ///
    /// For texts that an upstream wrote: some repeat what they were sent.
    pub fn redact(&self, text: &str) -> String {
        // A value of a few characters is no secret, and replacing it would only spoil the text.
        let star = |text: String, secret: &Secret| match secret.expose() {
            value if value.len() < 6 => text,
            value => text.replace(value, "***"),
        };
        match &self.inner.material {
            Material::Anonymous => text.to_owned(),
            Material::Token(secret) => star(text.to_owned(), secret),
            Material::Cookies(set) => set.values().fold(text.to_owned(), star),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("id", &self.inner.id)
            .field("upstream", &self.inner.upstream)
            .finish_non_exhaustive()
    }
}
