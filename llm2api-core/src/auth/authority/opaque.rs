//! The text of an opaque code: `l2a_ID_SECRET`.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::super::code::AuthCode;
use crate::error::Result;
use crate::hex::hex;
use crate::random::fill;

/// Scanners of leaked secrets find codes by it.
const PREFIX: &str = "l2a_";
/// Characters of an id.
const ID: usize = 16;
/// Bytes of a secret, which is written in hex.
const SECRET: usize = 32;
/// What ids are made of: nothing that looks like something else.
const LETTERS: [u8; 32] = *b"abcdefghijkmnpqrstuvwxyz23456789";
/// An id that is never made.
const NOBODY: &str = "0000000000000000";

/// The parts of a code that somebody shows.
pub(super) struct Shown<'a> {
    /// Its id; one that is never made for a text that is no code.
    pub(super) id: &'a str,
    secret: &'a str,
}

impl<'a> Shown<'a> {
    /// Takes a text apart.
    pub(super) fn read(text: &'a str) -> Self {
        let parts = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_'));
        match parts.filter(|(id, _)| is_id(id)) {
            Some((id, secret)) => Self { id, secret },
            None => Self { id: NOBODY, secret: text },
        }
    }

    /// Returns the hash of its secret.
    pub(super) fn hash(&self) -> String {
        hash(self.secret)
    }
}

/// Makes an id that no other code has: 80 random bits.
pub(in crate::auth) fn random_id() -> Result<String> {
    let mut bytes = [0; ID];
    fill(&mut bytes, "issue code")?;
    let letter = |byte: &u8| char::from(LETTERS[usize::from(byte & 31)]);
    Ok(bytes.iter().map(letter).collect())
}

/// Makes the code of an id, and the hash of its secret.
pub(super) fn random_code(id: &str) -> Result<(AuthCode, String)> {
    let mut bytes = Zeroizing::new([0; SECRET]);
    fill(bytes.as_mut_slice(), "issue code")?;
    let secret = Zeroizing::new(hex(bytes.as_slice()));
    let text = Zeroizing::new(format!("{PREFIX}{id}_{}", secret.as_str()));
    Ok((AuthCode::new(&text)?, hash(&secret)))
}

/// Says whether a text is a code, or the beginning of one that ends with its id or later.
pub(super) fn is_code(text: &str) -> bool {
    let rest = text.strip_prefix(PREFIX).and_then(|rest| rest.split_at_checked(ID));
    rest.is_some_and(|(id, secret)| is_id(id) && (secret.is_empty() || secret.starts_with('_')))
}

fn is_id(text: &str) -> bool {
    text.len() == ID && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A secret of 256 random bits needs no slow hash.
fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_taken_apart_as_it_was_put_together() {
        let id = random_id().expect("random");
        let (code, kept) = random_code(&id).expect("random");
        let shown = Shown::read(code.expose());
        assert_eq!((shown.id, shown.hash()), (id.as_str(), kept));
        assert_eq!(code.expose().len(), 4 + 16 + 1 + 64);
        assert_ne!(random_id().expect("random"), id);
        assert!(!LETTERS.contains(&b'0') && NOBODY.len() == ID);
    }

    #[test]
    fn what_is_no_code_has_the_id_of_nobody() {
        let id = "abcdefghijkmnpqr";
        for text in [
            String::new(),
            "l2a_".into(),
            format!("l2a_{id}"),
            format!("L2A_{id}_x"),
            format!("l2a_{id}x_x"),
            format!("{id}_x"),
            "l2a_abcdefgh-jkmnpqr_x".into(),
            "l2a_äbcdefghijkmnp_x".into(),
        ] {
            assert_eq!(Shown::read(&text).id, NOBODY, "{text}");
        }
        assert_eq!(Shown::read(&format!("l2a_{id}_a_b")).secret, "a_b");
    }
}
