//! What a key looks like: `sk-l2a-<id>-<secret>`.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::credential::Secret;
use crate::error::Result;
use crate::hex::hex;
use crate::random::fill;

/// How every key begins, so that people and scanners know one.
const PREFIX: &str = "sk-l2a-";
/// Letters that nobody takes for another, a power of two of them.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ID: usize = 12;
const SECRET: usize = 32;

/// The SHA-256 of a whole key. Keys are random, so that none is found by trying.
pub(super) type Hash = [u8; 32];

/// Makes a random id.
pub(super) fn random_id() -> Result<String> {
    let mut bytes = [0; ID];
    fill(&mut bytes, "make key")?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

/// Makes a key with a random secret of 256 bits for an id.
pub(super) fn random_key(id: &str) -> Result<Secret> {
    let mut bytes = Zeroizing::new([0; SECRET]);
    fill(&mut *bytes, "make key")?;
    let secret = Zeroizing::new(hex(&*bytes));
    Ok(Secret::from(format!("{PREFIX}{id}-{}", &*secret)))
}

/// Hashes a key.
pub(super) fn hash(key: &[u8]) -> Hash {
    Sha256::digest(key).into()
}

/// Returns the id in what was sent; an empty one, which nobody has, where it is no key of ours.
pub(super) fn id_of(sent: &[u8]) -> &str {
    let text = std::str::from_utf8(sent).unwrap_or_default();
    let rest = text.strip_prefix(PREFIX).unwrap_or_default();
    rest.split_once('-').map_or("", |(id, _)| id)
}

/// Says whether a text holds a key of ours where an id should be.
pub(super) fn is_key(text: &str) -> bool {
    text.contains(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_id_and_nothing_else_does() {
        let id = random_id().expect("random");
        let key = random_key(&id).expect("random");
        assert_eq!((id.len(), key.expose().len()), (12, 84));
        assert!(key.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        assert_eq!(id_of(key.expose().as_bytes()), id);
        for sent in ["", "sk-l2a-", "sk-l2a-abc", "sk-proj-abc-def", "SK-L2A-abc-def"] {
            assert_eq!(id_of(sent.as_bytes()), "", "{sent}");
        }
        assert_eq!(id_of(b"sk-l2a-\xff-x"), "");
        assert_ne!(random_key(&id).expect("random"), key);
    }
}
