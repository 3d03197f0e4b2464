//! One key: what it is called, and what it seals and opens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::super::{KeyId, Sealed};
use crate::error::{Error, ErrorKind, Result};
use crate::hex::hex;
use crate::random::fill;

/// Bytes of a key.
const LENGTH: usize = 32;
/// Bytes of a nonce; so many that random ones never meet.
const NONCE: usize = 24;
/// What to do about a missing or a broken key.
const ADVICE: &str = "make one with `openssl rand -base64 32`";

/// A key, wiped when it is dropped.
pub(super) struct Key {
    /// What it is called.
    pub(super) id: KeyId,
    bytes: Zeroizing<[u8; LENGTH]>,
}

impl Key {
    /// Makes a random key.
    pub(super) fn random() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        fill(bytes.as_mut_slice(), "seal")?;
        Ok(Self::new(bytes))
    }

    /// Reads a key from base64.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let bytes = STANDARD.decode(text).map(Zeroizing::new);
        // The decoder's own message would show a byte of the key.
        let bytes = bytes.map_err(|_| wrong(format!("a master key is not base64: {ADVICE}")))?;
        let mut key = Zeroizing::new([0; LENGTH]);
        if bytes.len() != LENGTH {
            let have = bytes.len();
            let message = format!("a master key has {have} bytes in place of {LENGTH}: {ADVICE}");
            return Err(wrong(message));
        }
        key.copy_from_slice(&bytes);
        Ok(Self::new(key))
    }

    fn new(bytes: Zeroizing<[u8; LENGTH]>) -> Self {
        let digest = Sha256::digest(bytes.as_slice());
        Self { id: KeyId(hex(&digest[..4])), bytes }
    }

    /// Returns the key in base64.
    pub(super) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.bytes.as_slice()))
    }

    /// Seals `plain`, so that it only opens under the same name.
    pub(super) fn seal(&self, name: &str, plain: &[u8]) -> Result<Sealed> {
        let mut nonce = [0; NONCE];
        fill(&mut nonce, "seal")?;
        let aad = bound(name, &self.id);
        let payload = Payload { msg: plain, aad: aad.as_bytes() };
        let secret = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| {
            Error::new(ErrorKind::Internal, "seal", "the secret is too long for its cipher")
        })?;
        Ok(Sealed { key: self.id.clone(), bytes: [&nonce[..], &secret].concat() })
    }

    /// Opens what this key has sealed under the same name; none if it was changed or moved.
    pub(super) fn open(&self, name: &str, bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, secret) = bytes.split_first_chunk::<NONCE>()?;
        let aad = bound(name, &self.id);
        let payload = Payload { msg: secret, aad: aad.as_bytes() };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.bytes).into())
    }
}

/// What ties a secret to its place. The key's id has a fixed length, so that no two pairs agree.
fn bound(name: &str, key: &KeyId) -> String {
    format!("{name}\n{key}")
}

/// An error that an operator has to mend.
pub(super) fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, "read master key", message)
}

/// What an empty text means.
pub(super) fn none() -> Error {
    wrong(format!("there is no master key: {ADVICE}"))
}
