//! Keys that callers send: which clients may chat, and who is the operator.

use std::fmt;

use poem::http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::openai::error::Failure;

/// Keys that callers may send, as hashes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    hashes: Vec<[u8; 32]>,
}

impl Keys {
    pub(crate) fn new(keys: &[SecretString]) -> Self {
        Self { hashes: keys.iter().map(|key| hash(key.expose_secret().as_bytes())).collect() }
    }

    /// Checks the keys that a client sent; without any keys here, everybody may chat. One that is
    /// right is enough: some clients send a key of another service as well.
    pub(crate) fn check(&self, sent: &[&[u8]]) -> Result<(), Failure> {
        if self.hashes.is_empty() || sent.iter().any(|key| self.admits(key)) {
            return Ok(());
        }
        Err(if sent.is_empty() { Failure::no_key() } else { Failure::wrong_key() })
    }

    /// Says whether `key` is one of these; without any, none is.
    ///
    /// Compares with every key, and whole hashes, so that the time says nothing about any of them.
    pub(crate) fn admits(&self, key: &[u8]) -> bool {
        let hash = hash(key);
        let any = |any: Choice, known: &[u8; 32]| any | known.ct_eq(&hash);
        self.hashes.iter().fold(Choice::from(0), any).into()
    }
}

/// Returns the key of the one `x-api-key` header, which clients of Messages send.
pub(crate) fn api_key(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all("x-api-key").into_iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    Some(value.as_bytes().trim_ascii()).filter(|key| !key.is_empty())
}

/// Returns the key of the one `Authorization: Bearer` header. A key in the query or a cookie is not
/// looked at.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).into_iter();
    // Two headers would leave it open which of them counts.
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, key) = value.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii()).filter(|key| !key.is_empty())
}

/// Hashes a secret, so that it can be compared without being kept.
pub(crate) fn hash(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.hashes.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn code(keys: &[&str], sent: &[&'static str]) -> Option<&'static str> {
        let keys: Vec<_> = keys.iter().map(|key| SecretString::from(*key)).collect();
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        let sent: Vec<_> = bearer(&headers).into_iter().collect();
        Keys::new(&keys).check(&sent).err().map(|failure| failure.code())
    }

    #[test]
    fn each_key_of_the_list_opens_and_nothing_else_does() {
        let keys = ["sk-one", "sk-two"];
        assert_eq!(code(&keys, &["Bearer sk-one"]), None);
        assert_eq!(code(&keys, &["bearer  sk-two "]), None);
        for sent in
            ["", "Bearer", "Bearer ", "Bearer sk-on", "Bearer sk-onee", "Basic sk-one", "sk-one"]
        {
            assert_eq!(code(&keys, &[sent]), Some("invalid_api_key"), "{sent}");
        }
        assert_eq!(code(&keys, &[]), Some("invalid_api_key"));
        assert_eq!(code(&keys, &["Bearer sk-one", "Bearer sk-one"]), Some("invalid_api_key"));
    }

    #[test]
    fn one_right_key_is_enough_and_two_headers_of_a_name_are_none() {
        let keys = Keys::new(&[SecretString::from("sk-one")]);
        assert!(keys.check(&[b"sk-other", b"sk-one"]).is_ok());
        assert!(keys.check(&[b"sk-other", b"sk-on"]).is_err());
        let mut headers = HeaderMap::new();
        headers.append("x-api-key", HeaderValue::from_static(" sk-one "));
        assert_eq!(api_key(&headers), Some(&b"sk-one"[..]));
        headers.append("x-api-key", HeaderValue::from_static("sk-one"));
        assert_eq!(api_key(&headers), None);
    }

    #[test]
    fn without_keys_everybody_may_chat() {
        assert_eq!(code(&[], &[]), None);
        assert_eq!(code(&[], &["Bearer whatever"]), None);
        assert!(!Keys::new(&[]).admits(b""), "and nobody is the operator");
    }
}
