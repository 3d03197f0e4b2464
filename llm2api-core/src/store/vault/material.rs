//! Secrets as bytes: a letter for the kind, then the text.

use zeroize::Zeroizing;

use crate::credential::{CookieSet, Material, Secret};

/// Returns the bytes that are sealed.
pub(super) fn encode(material: &Material) -> Zeroizing<Vec<u8>> {
    match material {
        Material::Anonymous => tagged(b'a', ""),
        Material::Cookies(set) => tagged(b'c', set.header().expose()),
        Material::Token(secret) => tagged(b't', secret.expose()),
    }
}

/// Reads what [`encode`] wrote; none for anything else.
pub(super) fn decode(bytes: &[u8]) -> Option<Material> {
    let (tag, text) = bytes.split_first()?;
    let text = std::str::from_utf8(text).ok()?;
    match tag {
        b'a' => Some(Material::Anonymous),
        b'c' => CookieSet::parse(text).ok().map(Material::Cookies),
        b't' => Some(Material::Token(Secret::from(text))),
        _ => None,
    }
}

/// Returns bytes that are equal for equal secrets: the order of cookies says nothing.
pub(super) fn normalised(material: &Material) -> Zeroizing<Vec<u8>> {
    let Material::Cookies(set) = material else { return encode(material) };
    let header = set.header();
    let mut pairs: Vec<_> = header.expose().split("; ").collect();
    pairs.sort_unstable();
    pairs.dedup();
    tagged(b'c', &Zeroizing::new(pairs.join("; ")))
}

fn tagged(tag: u8, text: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + 1));
    bytes.push(tag);
    bytes.extend_from_slice(text.as_bytes());
    bytes
}
