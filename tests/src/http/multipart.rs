//! Bodies of `multipart/form-data`.

use super::request::decode_percent;

/// A part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Name of the field.
    pub(crate) name: String,
    /// File name, of a file.
    pub(crate) filename: Option<String>,
    /// MIME type, of a file.
    pub(crate) content_type: Option<String>,
    /// Content.
    pub(crate) content: Vec<u8>,
}

/// Splits `body` by the boundary in `content_type`; none when it is no form.
pub(crate) fn parse(content_type: &str, body: &[u8]) -> Option<Vec<Part>> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let (_, boundary) = rest.split_once("boundary=")?;
    let delimiter = format!("--{}", boundary.split(';').next()?.trim().trim_matches('"'));
    let mut rest = &body[find(body, delimiter.as_bytes())? + delimiter.len()..];
    let delimiter = format!("\r\n{delimiter}");
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let end = find(rest, delimiter.as_bytes())?;
        parts.push(part(rest.get(2..end)?)?);
        rest = &rest[end + delimiter.len()..];
    }
    Some(parts)
}

fn part(bytes: &[u8]) -> Option<Part> {
    let end = find(bytes, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let header = |wanted: &str| {
        let mut pairs = head.lines().filter_map(|line| line.split_once(':'));
        pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition")?;
    Some(Part {
        name: attribute(disposition, "; name=\"")?,
        filename: attribute(disposition, "; filename=\"").or_else(|| encoded_name(disposition)),
        content_type: header("content-type").map(str::to_owned),
        content: bytes[end + 4..].to_vec(),
    })
}

fn attribute(disposition: &str, start: &str) -> Option<String> {
    let (_, rest) = disposition.split_once(start)?;
    Some(rest.split('"').next()?.to_owned())
}

fn encoded_name(disposition: &str) -> Option<String> {
    let (_, rest) = disposition.split_once("; filename*=utf-8''")?;
    rest.split(';').next().map(decode_percent)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(place) = haystack[from..].iter().position(|byte| *byte == first) {
        if haystack[from + place..].starts_with(needle) {
            return Some(from + place);
        }
        from += place + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn parts_keep_semicolons_in_file_names() {
        let body = b"--B\r\nContent-Disposition: form-data; name=\"files\"; \
            filename=\"base64;red.png\"\r\nContent-Type: image/png\r\n\r\naGk=\r\n\
            --B\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{}\r\n--B--\r\n";
        let parts = parse("multipart/form-data; boundary=B", body).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].filename.as_deref(), Some("base64;red.png"));
        assert_eq!(parts[0].content, b"aGk=");
        assert_eq!((parts[1].name.as_str(), parts[1].content.as_slice()), ("data", &b"{}"[..]));
    }

    #[test]
    fn other_types_are_no_form() {
        assert_eq!(parse("application/json", b"{}"), None);
    }
}
