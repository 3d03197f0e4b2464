//! The pair of keys that signs and verifies codes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::SIGNATURE;
use crate::credential::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::hex::hex;
use crate::random::fill;

/// Bytes of either key.
const LENGTH: usize = 32;
/// Bytes of a key's hash that name it.
const ID: usize = 4;

/// An Ed25519 key that signs codes. It cannot be printed, and is wiped on drop.
///
/// # Example
/// ```
/// use llm2api_core::auth::PrivateKey;
///
/// let key = PrivateKey::random()?;
/// let again = PrivateKey::parse(key.to_base64().expose())?;
/// assert_eq!(again.public_key(), key.public_key());
/// assert_eq!(format!("{key:?}"), "PrivateKey(***)");
/// # Ok::<(), llm2api_core::Error>(())
/// ```
pub struct PrivateKey(SigningKey);

/// The Ed25519 key that verifies what its private key has signed.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PrivateKey {
    /// Makes a random key.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where the operating system gives no random bytes.
    pub fn random() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        fill(&mut *bytes, "make key")?;
        Ok(Self(SigningKey::from_bytes(&bytes)))
    }

    /// Reads the 32 bytes of a key in base64, as [`to_base64`](Self::to_base64) writes them.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for what is no key.
    pub fn parse(text: &str) -> Result<Self> {
        let bytes = Zeroizing::new(decode(text).ok_or_else(|| wrong("private"))?);
        Ok(Self(SigningKey::from_bytes(&bytes)))
    }

    /// Writes the key in base64.
    pub fn to_base64(&self) -> Secret {
        Secret::from(STANDARD.encode(self.0.as_bytes()))
    }

    /// Returns the key that verifies.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE] {
        self.0.sign(message).to_bytes()
    }
}

impl PublicKey {
    /// Reads the 32 bytes of a key in base64, as its `Display` writes them.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for what is no key.
    pub fn parse(text: &str) -> Result<Self> {
        let bytes = decode(text).ok_or_else(|| wrong("public"))?;
        let key = VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak());
        key.map(Self).ok_or_else(|| wrong("public"))
    }

    /// Names the key: the first 8 hex digits of its SHA-256.
    pub fn id(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes())[..ID])
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// With or without padding, and in either alphabet: tools write all four.
fn decode(text: &str) -> Option<[u8; LENGTH]> {
    let plain = text.trim().trim_end_matches('=').replace('-', "+").replace('_', "/");
    let plain = Zeroizing::new(format!("{plain}="));
    let bytes = Zeroizing::new(STANDARD.decode(plain.as_bytes()).ok()?);
    bytes.as_slice().try_into().ok()
}

fn wrong(which: &str) -> Error {
    let message = format!(
        "this is no {which} key: write its 32 bytes in base64, as `llm2api-server auth keygen` \
         prints them"
    );
    Error::new(ErrorKind::Configuration, "read key", message)
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(***)")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.id()).finish()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0.as_bytes()))
    }
}
