//! Files that go with a message, and the form that carries both.

use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};

/// Largest file that chat-ui takes, in bytes.
const LARGEST: usize = 10 << 20;

/// A file, still in base64: that is how chat-ui wants it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) mime: String,
    pub(super) base64: String,
}

/// Reads an image's `data:` URL; `number` names it.
pub(super) fn read_image(url: &str, number: usize) -> Result<Upload> {
    let Some(data) = url.strip_prefix("data:") else {
        return Err(unfit("send images as `data:` URLs: this server fetches no addresses"));
    };
    let (mime, base64) = data
        .split_once(";base64,")
        .ok_or_else(|| unfit("an image's `data:` URL lacks `;base64,`"))?;
    let subtype = mime
        .strip_prefix("image/")
        .filter(|subtype| !subtype.is_empty() && subtype.bytes().all(is_mime_byte))
        .ok_or_else(|| unfit("an image's `data:` URL has no media type `image/…`"))?;
    let padding = base64.bytes().rev().take_while(|byte| *byte == b'=').count();
    let digits = &base64[..base64.len() - padding];
    if digits.is_empty() || padding > 2 || !digits.bytes().all(is_base64_digit) {
        return Err(unfit("an image's `data:` URL is not valid base64"));
    }
    if digits.len() / 4 * 3 > LARGEST {
        let message = "an image has more than 10 MiB: make it smaller";
        return Err(Error::new(ErrorKind::RequestTooLarge, "chat", message).with_param("messages"));
    }
    let name = format!("image-{number}.{subtype}");
    Ok(Upload { name, mime: mime.to_owned(), base64: base64.to_owned() })
}

/// Writes the form of a message; returns its boundary and its bytes.
pub(super) fn form(data: &str, uploads: &[Upload]) -> (String, Vec<u8>) {
    let boundary = format!("llm2api-{}", Uuid::new_v4().simple());
    let mut parts = vec![format!("Content-Disposition: form-data; name=\"data\"\r\n\r\n{data}")];
    parts.extend(uploads.iter().map(|Upload { name, mime, base64 }| {
        format!(
            "Content-Disposition: form-data; name=\"files\"; filename=\"base64;{name}\"\r\n\
             Content-Type: {mime}\r\n\r\n{base64}"
        )
    }));
    let body = parts.join(&format!("\r\n--{boundary}\r\n"));
    let form = format!("--{boundary}\r\n{body}\r\n--{boundary}--\r\n");
    (boundary, form.into_bytes())
}

fn is_mime_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)
}

fn is_base64_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/".contains(&byte)
}

fn unfit(message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, "chat", message).with_param("messages")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sound_data_urls_pass() {
        assert!(read_image("data:image/png;base64,iVBORw0KGgo=", 1).is_ok());
        let bad = [
            "http://127.0.0.1/x.png",
            "data:image/png,raw",
            "data:text/html;base64,PGI+",
            "data:image/p\"ng;base64,AAAA",
            "data:image/png;base64,",
            "data:image/png;base64,AA\r\nAA",
            "data:image/png;base64,A===",
        ];
        for url in bad {
            assert!(read_image(url, 1).is_err(), "{url}");
        }
    }
}
