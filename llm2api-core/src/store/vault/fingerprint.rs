//! Names for secrets.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::material;
use super::values::FingerprintKey;
use crate::credential::Material;
use crate::hex::hex;

/// A keyed hash of a secret: equal for equal secrets, and no help in finding one.
///
/// `Display` shows the first 8 hex digits, enough for people to tell credentials apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(Arc<str>);

impl Fingerprint {
    /// Makes the fingerprint of a secret at an upstream.
    pub(super) fn of(key: &FingerprintKey, upstream: &str, secret: &Material) -> Self {
        // HMAC takes keys of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).expect("a key of any length");
        mac.update(upstream.as_bytes());
        // No text holds this byte, so that no other pair comes to the same bytes.
        mac.update(&[0xff]);
        mac.update(&material::normalised(secret));
        Self(hex(&mac.finalize().into_bytes()).into())
    }

    /// Returns all 64 hex digits, which a store keeps unique.
    pub fn full(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0[..8])
    }
}
