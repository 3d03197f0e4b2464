//! Files that are text.

use super::refusal;
use crate::error::Result;

/// What the ends of names say of texts.
#[rustfmt::skip]
const TYPES: &[(&str, &[&str])] = &[
    ("text/markdown", &["md", "markdown", "mdx"]),
    ("text/csv", &["csv"]),
    ("text/tab-separated-values", &["tsv"]),
    ("text/html", &["html", "htm"]),
    ("text/css", &["css"]),
    ("text/javascript", &["js", "mjs", "cjs"]),
    ("application/json", &["json", "jsonl", "ndjson", "ipynb"]),
    ("application/xml", &["xml", "xsd", "xsl"]),
    ("application/yaml", &["yaml", "yml"]),
    ("application/toml", &["toml"]),
    ("application/x-tex", &["tex"]),
    ("application/sql", &["sql"]),
    ("image/svg+xml", &["svg"]),
    ("text/x-python", &["py", "pyi"]),
    ("text/x-rust", &["rs"]),
    ("text/x-c", &["c", "h", "cc", "cpp", "hpp"]),
    ("text/x-java", &["java"]),
    ("text/x-go", &["go"]),
    ("text/x-typescript", &["ts", "tsx"]),
    ("text/x-shellscript", &["sh", "bash"]),
];

/// Returns the media type of a text by its name; `text/plain` where that says nothing.
pub(super) fn media_type(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let known = |ends: &[&str]| ends.iter().any(|known| known.eq_ignore_ascii_case(end));
    TYPES.iter().find(|(_, ends)| known(ends)).map_or("text/plain", |(media_type, _)| media_type)
}

/// Reads UTF-8, or UTF-16 that begins with its mark.
///
/// # Errors
/// Bytes that are neither, or that hold a NUL: those are no text.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String> {
    let text = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => str::from_utf8(rest).ok().map(str::to_owned),
        _ => String::from_utf8(bytes).ok(),
    };
    text.filter(|text| !text.contains('\0'))
        .ok_or_else(|| refusal::wrong_file("neither of a known type nor text in UTF-8 or UTF-16"))
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Option<String> {
    let pairs = bytes.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let units = pairs.map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_tell_types() {
        assert_eq!(media_type("Notes.MD"), "text/markdown");
        assert_eq!(media_type("a.b.csv"), "text/csv");
        assert_eq!(media_type("Makefile"), "text/plain");
        assert_eq!(media_type(""), "text/plain");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let bad: &[&[u8]] = &[
            b"a\0b",
            b"\xff\xfea",
            b"\xff\xfe\x00\xd8",
            b"\xc4\xe3",
            b"\xef\xbb\xbf\xff",
            b"\xfe\xff\0\0",
        ];
        for bytes in bad {
            assert_eq!(decode(bytes.to_vec()).expect_err("no text").code(), "unsupported_file");
        }
    }

    proptest! {
        #[test]
        fn every_coding_gives_the_same_text(text in "[^\0\u{feff}]{0,40}") {
            let marked = |mark: u16, bytes: fn(u16) -> [u8; 2]| {
                [mark].into_iter().chain(text.encode_utf16()).flat_map(bytes).collect::<Vec<_>>()
            };
            let utf8 = [b"\xef\xbb\xbf", text.as_bytes()].concat();
            let codings = [
                text.clone().into_bytes(),
                utf8,
                marked(0xfeff, u16::to_le_bytes),
                marked(0xfeff, u16::to_be_bytes),
            ];
            for bytes in codings {
                prop_assert_eq!(decode(bytes).expect("a text"), text.clone());
            }
        }
    }
}
