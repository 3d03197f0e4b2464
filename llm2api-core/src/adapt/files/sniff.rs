//! What a file is, by its first bytes: what it is called proves nothing.

use super::extract::DocumentKind;

/// What a file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// An image that every upstream with images takes.
    Image(&'static str),
    /// An image of another format, in words.
    OtherImage(&'static str),
    /// A document.
    Document(DocumentKind),
    /// A known format that is none of these, in words.
    Other(&'static str),
    /// Text, or something unknown.
    Unknown,
}

/// Formats that begin with bytes of their own.
#[rustfmt::skip]
const MAGIC: &[(&[u8], Found)] = &[
    (b"\x89PNG\r\n\x1a\n", Found::Image("image/png")),
    (b"\xff\xd8\xff", Found::Image("image/jpeg")),
    (b"GIF87a", Found::OtherImage("a GIF")),
    (b"GIF89a", Found::OtherImage("a GIF")),
    (b"II*\0", Found::OtherImage("a TIFF")),
    (b"MM\0*", Found::OtherImage("a TIFF")),
    (b"\0\0\x01\0", Found::OtherImage("an icon")),
    (b"\xff\x0a", Found::OtherImage("a JPEG XL")),
    (b"\0\0\0\x0cJXL ", Found::OtherImage("a JPEG XL")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Found::Other("an office document in an old format")),
    (b"{\\rtf", Found::Other("an RTF document")),
    (b"\x1f\x8b", Found::Other("a gzip archive")),
    (b"7z\xbc\xaf\x27\x1c", Found::Other("a 7z archive")),
    (b"Rar!\x1a\x07", Found::Other("a RAR archive")),
    (b"ID3", Found::Other("a recording")),
    (b"OggS", Found::Other("a recording or film")),
    (b"fLaC", Found::Other("a recording")),
    (b"\x1aE\xdf\xa3", Found::Other("a film")),
    (b"\x7fELF", Found::Other("a program")),
];

/// Parts by which the offices' archives are known.
#[rustfmt::skip]
const ARCHIVES: &[(&[u8], Found)] = &[
    (b"word/document.xml", Found::Document(DocumentKind::Docx)),
    (b"xl/workbook", Found::Other("a spreadsheet")),
    (b"ppt/presentation", Found::Other("a presentation")),
    (b"opendocument", Found::Other("an OpenDocument file")),
    (b"epub+zip", Found::Other("an e-book")),
];

/// Writers may put this much before the head of a PDF.
const PDF_HEAD: usize = 1024;
/// Within this much of either end an archive names its parts.
const NAMES: usize = 64 << 10;
/// Within this much the root of an SVG stands.
const SVG_HEAD: usize = 4096;

/// Looks at the bytes of a file.
pub(super) fn sniff(bytes: &[u8]) -> Found {
    if may_be_chance(bytes) && reads_as_text(bytes) { Found::Unknown } else { mark(bytes) }
}

/// Says whether the mark of a format may stand in a text by chance: short ones, and that of a PDF
/// that begins no line.
fn may_be_chance(bytes: &[u8]) -> bool {
    let first = head(bytes, PDF_HEAD);
    let begins_a_line =
        bytes.starts_with(b"%PDF-") || contains(first, b"\n%PDF-") || contains(first, b"\r%PDF-");
    let pdf_within = contains(first, b"%PDF-") && !begins_a_line;
    bytes.starts_with(b"ID3") || bytes.get(4..8) == Some(b"ftyp") || pdf_within
}

fn reads_as_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

fn mark(bytes: &[u8]) -> Found {
    let begins = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic));
    if let Some((_, found)) = begins {
        return *found;
    }
    match bytes {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            Found::OtherImage("a WebP")
        }
        [b'R', b'I', b'F', b'F', _, _, _, _, ..] => Found::Other("a recording or film"),
        [_, _, _, _, b'f', b't', b'y', b'p', a, b, c, d, ..] => brand([*a, *b, *c, *d]),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Found::OtherImage("a BMP"),
        [b'P', b'K', 3, 4, ..] => archive(bytes),
        _ if contains(head(bytes, PDF_HEAD), b"%PDF-") => Found::Document(DocumentKind::Pdf),
        _ => Found::Unknown,
    }
}

/// Says whether bytes that [`sniff`] does not know are the source of an SVG.
pub(super) fn is_svg(bytes: &[u8]) -> bool {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace() && byte.is_ascii());
    first == Some(&b'<') && contains(head(bytes, SVG_HEAD), b"<svg")
}

fn brand(brand: [u8; 4]) -> Found {
    match &brand {
        b"avif" | b"avis" => Found::OtherImage("an AVIF"),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
            Found::OtherImage("a HEIC")
        }
        _ => Found::Other("a recording or film"),
    }
}

fn archive(bytes: &[u8]) -> Found {
    let tail = &bytes[bytes.len().saturating_sub(NAMES)..];
    let names = |name: &[u8]| contains(head(bytes, NAMES), name) || contains(tail, name);
    let known = ARCHIVES.iter().find(|(name, _)| names(name));
    known.map_or(Found::Other("a ZIP archive"), |(_, found)| *found)
}

fn head(bytes: &[u8], most: usize) -> &[u8] {
    &bytes[..bytes.len().min(most)]
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_that_speaks_of_a_format_is_a_text() {
        let texts = ["b.startswith(b'%PDF-')", "ID3,name", "The ftyp box"];
        for text in texts {
            assert_eq!(sniff(text.as_bytes()), Found::Unknown, "{text}");
        }
    }

    #[test]
    fn formats_are_known_by_their_bytes() {
        let table: &[(&[u8], Found)] = &[
            (b"\x89PNG\r\n\x1a\nrest", Found::Image("image/png")),
            (b"\xff\xd8\xff\xe0", Found::Image("image/jpeg")),
            (b"GIF89a", Found::OtherImage("a GIF")),
            (b"RIFF\x01\0\0\0WEBPVP8 ", Found::OtherImage("a WebP")),
            (b"RIFF\x01\0\0\0WAVEfmt ", Found::Other("a recording or film")),
            (b"BM\x01\0\0\0\0\0\0\0\x36", Found::OtherImage("a BMP")),
            (b"\0\0\0\x20ftypheic", Found::OtherImage("a HEIC")),
            (b"\0\0\0\x20ftypavif", Found::OtherImage("an AVIF")),
            (b"\0\0\0\x20ftypisom", Found::Other("a recording or film")),
            (b"junk\n%PDF-1.7", Found::Document(DocumentKind::Pdf)),
            (b"PK\x03\x04..word/document.xml", Found::Document(DocumentKind::Docx)),
            (b"PK\x03\x04..xl/workbook.xml", Found::Other("a spreadsheet")),
            (b"PK\x03\x04..a.txt", Found::Other("a ZIP archive")),
            (b"BMW is a car", Found::Unknown),
            (b"<svg/>", Found::Unknown),
            (b"", Found::Unknown),
        ];
        for (bytes, found) in table {
            assert_eq!(sniff(bytes), *found, "{bytes:?}");
        }
    }

    #[test]
    fn an_svg_is_known_by_its_root() {
        assert!(is_svg(b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x --><svg xmlns='a'/>"));
        assert!(!is_svg(b"How to draw: <svg/>"));
        assert!(!is_svg(b"<html></html>"));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            sniff(&bytes);
            is_svg(&bytes);
        }
    }
}
