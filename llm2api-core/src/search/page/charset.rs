//! From bytes to characters.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use crate::http::{Page, PageKind};

/// A page says within its first bytes how it is encoded, or not at all.
const HEAD: usize = 4096;

/// Reads a page by its byte-order mark, else as its server says, else as it says itself, else as
/// UTF-8. What is no character in that encoding becomes U+FFFD.
pub(super) fn decode(page: &Page) -> Cow<'_, str> {
    let named = page.charset.as_deref().and_then(|label| Encoding::for_label(label.as_bytes()));
    let named = named.or_else(|| (page.kind == PageKind::Html).then(|| declared(&page.bytes))?);
    let (text, ..) = named.unwrap_or(UTF_8).decode(&page.bytes);
    text
}

/// The encoding in the first `<meta>` that names one we know. Whoever can read it there does not
/// write in UTF-16: that means UTF-8, as in browsers.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD)]).to_ascii_lowercase();
    head.split("<meta").skip(1).find_map(|meta| {
        let (attributes, _) = meta.split_once('>')?;
        let (_, value) = attributes.split_once("charset")?;
        let value = value.trim_start().strip_prefix('=')?.trim_start_matches([' ', '"', '\'']);
        let label = value.split(['"', '\'', ';', ' ', '/']).next()?;
        Encoding::for_label(label.as_bytes()).map(Encoding::output_encoding)
    })
}
