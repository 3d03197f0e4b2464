//! Entries of the outbox as Redis has them: the length of the key's id, that id, the sealed bytes.

use super::super::{KeyId, OutboxEntry, Sealed};

/// Returns the bytes that are kept; a key's id has eight characters.
pub(super) fn encode(sealed: &Sealed) -> Vec<u8> {
    let key = sealed.key.0.as_bytes();
    let length = u8::try_from(key.len()).unwrap_or(u8::MAX);
    [&[length], key, &sealed.bytes].concat()
}

/// Reads entries; passes over what is none of ours.
pub(super) fn entries(found: Vec<(String, Vec<u8>)>) -> Vec<OutboxEntry> {
    let entry = |(id, bytes): (String, Vec<u8>)| {
        let (length, rest) = bytes.split_first()?;
        let (key, bytes) = rest.split_at_checked(usize::from(*length))?;
        let key = KeyId(String::from_utf8_lossy(key).into_owned());
        Some(OutboxEntry { id, sealed: Sealed { key, bytes: bytes.to_vec() } })
    };
    found.into_iter().filter_map(entry).collect()
}
