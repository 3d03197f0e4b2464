//! What the store keeps of the authorisation: the last good answer, and who we are.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::code::AuthCode;
use super::standing::Kept;
use crate::credential::{Material, Secret};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Store, Vault};

/// The value that holds the last good answer.
const ANSWER: &str = "authorisation";
/// The value that holds the installation's id.
const INSTALLATION: &str = "installation";
/// How often another server may be faster before the store is taken for broken.
const TRIES: usize = 16;

/// The part of the store that the authorisation uses.
pub(super) struct Memory {
    store: Arc<dyn Store>,
    vault: Vault,
}

/// The value: what was said, and about what. The code itself is not there.
#[derive(Serialize, Deserialize)]
struct Value {
    /// The fingerprint of the code at its authority.
    of: String,
    said: Option<Kept>,
}

impl Value {
    fn read(text: Option<&[u8]>) -> Option<Self> {
        text.and_then(|text| serde_json::from_slice(text).ok())
    }

    fn text(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| {
            Error::new(ErrorKind::Internal, "keep authorisation", "the answer is no JSON")
                .with_source(error)
        })
    }
}

impl Memory {
    pub(super) fn new(store: Arc<dyn Store>, vault: Vault) -> Self {
        Self { store, vault }
    }

    /// Names a code at whom verifies it, so that nobody learns it.
    pub(super) fn fingerprint(&self, verifier: &str, code: &AuthCode) -> String {
        let secret = Material::Token(Secret::from(code.expose()));
        self.vault.fingerprint(&format!("authorisation {verifier}"), &secret).full().to_owned()
    }

    /// Returns what was last said about a code, unless another code was verified since. What cannot
    /// be read, as after an update, counts as nothing.
    pub(super) async fn read(&self, of: &str) -> Result<Option<Kept>> {
        let value = Value::read(self.store.value(ANSWER).await?.as_deref());
        Ok(value.filter(|value| value.of == of).and_then(|value| value.said))
    }

    /// Keeps a definite word about a code, in the place of whatever was there. A refusal leaves the
    /// answer about another code.
    pub(super) async fn write(&self, of: &str, said: Option<Kept>) -> Result<()> {
        let no = said.is_none();
        let value = Value { of: of.to_owned(), said }.text()?;
        for _ in 0..TRIES {
            let before = self.store.value(ANSWER).await?;
            let other = Value::read(before.as_deref()).is_some_and(|value| value.of != of);
            if (no && other) || self.swap(before.as_deref(), &value).await? {
                return Ok(());
            }
        }
        Err(restless())
    }

    /// Keeps since when nobody answers about a code, unless another server has heard and written
    /// something since this one has `seen` what is there; returns what the store has then.
    pub(super) async fn write_failure(
        &self,
        of: &str,
        said: Option<Kept>,
        seen: Option<&Kept>,
    ) -> Result<Option<Kept>> {
        let value = Value { of: of.to_owned(), said };
        let text = value.text()?;
        for _ in 0..TRIES {
            let before = self.store.value(ANSWER).await?;
            match Value::read(before.as_deref()) {
                // Another code was verified since, or a later version wrote.
                Some(has) if has.of != of => return Ok(value.said),
                None if before.is_some() || value.said.is_none() => return Ok(value.said),
                // A good answer alone takes the place of a refusal.
                Some(has) if has.said.is_none() || has.said.as_ref() != seen => return Ok(has.said),
                _ if self.swap(before.as_deref(), &text).await? => return Ok(value.said),
                _ => {}
            }
        }
        Err(restless())
    }

    async fn swap(&self, before: Option<&[u8]>, value: &[u8]) -> Result<bool> {
        Ok(before == Some(value) || self.store.set_value(ANSWER, before, value).await?)
    }

    /// Returns the installation's id, which is made once for all servers of the store.
    pub(super) async fn installation(&self) -> Result<String> {
        let new = Uuid::new_v4().to_string();
        for _ in 0..TRIES {
            if let Some(id) = self.store.value(INSTALLATION).await? {
                return Ok(String::from_utf8_lossy(&id).into_owned());
            }
            if self.store.set_value(INSTALLATION, None, new.as_bytes()).await? {
                return Ok(new);
            }
        }
        Err(restless())
    }
}

fn restless() -> Error {
    let message = "the store never holds still: too many servers write at once, try again";
    Error::new(ErrorKind::Store, "keep authorisation", message)
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("store", &self.store).finish_non_exhaustive()
    }
}
