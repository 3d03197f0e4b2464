//! Keys that callers send: which clients may chat, and who is the operator.

use std::fmt;

use poem::http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Keys that callers may send, as hashes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    hashes: Vec<[u8; 32]>,
    /// Whether nobody needs one, as long as there is none.
    open: bool,
}

impl Keys {
    pub(crate) fn new(keys: &[SecretString]) -> Self {
        let hashes = keys.iter().map(|key| hash(key.expose_secret().as_bytes())).collect();
        Self { hashes, open: false }
    }

    /// Has nobody need a key as long as there is none.
    #[must_use]
    pub(crate) fn open(self, open: bool) -> Self {
        Self { open, ..self }
    }

    /// Says whether nobody needs one of these.
    pub(crate) fn are_optional(&self) -> bool {
        self.open && self.hashes.is_empty()
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

    #[test]
    fn two_headers_of_a_name_are_none() {
        for (name, read) in
            [("x-api-key", api_key as fn(&HeaderMap) -> Option<&[u8]>), ("authorization", bearer)]
        {
            let mut headers = HeaderMap::new();
            let value = if name == "x-api-key" { " sk-one " } else { "bearer  sk-one " };
            headers.append(name, HeaderValue::from_static(value));
            assert_eq!(read(&headers), Some(&b"sk-one"[..]));
            headers.append(name, HeaderValue::from_static(value));
            assert_eq!(read(&headers), None);
        }
    }

    #[test]
    fn without_keys_nobody_is_the_operator() {
        assert!(!Keys::new(&[]).admits(b""));
    }
}
