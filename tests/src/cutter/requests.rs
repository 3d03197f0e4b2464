//! Finds the requests in what a client sends.

use std::error::Error;
use std::io;

/// Most headers of a request.
const HEADERS: usize = 128;

/// Follows one connection from request to request.
#[derive(Debug, Default)]
pub(super) struct Requests {
    unread: Vec<u8>,
    expected: Expected,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expected {
    /// A head.
    #[default]
    Head,
    /// So many bytes of a body.
    Body(usize),
    /// The size of a chunk.
    Size,
    /// So many bytes of a chunk.
    Chunk(usize),
}

/// Method and target of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) method: String,
    pub(super) target: String,
}

impl Requests {
    /// Takes what the client sent, and returns the requests that begin in it.
    ///
    /// # Errors
    /// `InvalidData` where it is no HTTP/1.1.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<Vec<Line>> {
        self.unread.extend_from_slice(bytes);
        let mut lines = Vec::new();
        while !self.unread.is_empty() {
            match self.expected {
                Expected::Head => match self.head()? {
                    Some(line) => lines.push(line),
                    None => break,
                },
                Expected::Size => {
                    if !self.size()? {
                        break;
                    }
                }
                Expected::Body(left) => {
                    let left = left - self.skip(left);
                    self.expected = if left == 0 { Expected::Head } else { Expected::Body(left) };
                }
                Expected::Chunk(left) => {
                    let left = left - self.skip(left);
                    self.expected = if left == 0 { Expected::Size } else { Expected::Chunk(left) };
                }
            }
        }
        Ok(lines)
    }

    /// Reads a head, if it is there whole.
    fn head(&mut self) -> io::Result<Option<Line>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        let parsed = head.parse(&self.unread).map_err(invalid)?;
        let httparse::Status::Complete(length) = parsed else { return Ok(None) };
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let line = Line { method: text(head.method), target: text(head.path) };
        self.expected = body(head.headers)?;
        self.skip(length);
        Ok(Some(line))
    }

    /// Reads the size of a chunk, if it is there whole. The last chunk ends the body.
    fn size(&mut self) -> io::Result<bool> {
        let parsed = httparse::parse_chunk_size(&self.unread);
        let parsed = parsed.map_err(|_| invalid("a chunk's size is none"))?;
        let httparse::Status::Complete((length, size)) = parsed else { return Ok(false) };
        self.skip(length);
        let size = usize::try_from(size).map_err(invalid)?;
        let line_end = 2;
        self.expected = match size {
            0 => Expected::Body(line_end),
            size => Expected::Chunk(size + line_end),
        };
        Ok(true)
    }

    /// Passes over as many as `length` bytes, and says over how many.
    fn skip(&mut self, length: usize) -> usize {
        self.unread.drain(..length.min(self.unread.len())).count()
    }
}

fn body(headers: &[httparse::Header<'_>]) -> io::Result<Expected> {
    let value = |name: &str| {
        let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value))
    };
    if value("transfer-encoding").is_some() {
        return Ok(Expected::Size);
    }
    let length = value("content-length").map_or(Ok(0), |length| length.trim().parse());
    Ok(match length.map_err(invalid)? {
        0 => Expected::Head,
        length => Expected::Body(length),
    })
}

fn invalid(error: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::Requests;

    const THREE: &[u8] = b"POST /a HTTP/1.1\r\ncontent-length: 5\r\n\r\nGET /\
        POST /b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n\
        GET /c HTTP/1.1\r\n\r\n";

    fn targets(step: usize) -> Vec<String> {
        let mut requests = Requests::default();
        let lines = THREE.chunks(step).flat_map(|bytes| requests.push(bytes).unwrap());
        lines.map(|line| line.target).collect()
    }

    #[test]
    fn requests_are_found_however_they_arrive() {
        for step in 1..=THREE.len() {
            assert_eq!(targets(step), ["/a", "/b", "/c"], "in pieces of {step}");
        }
    }

    #[test]
    fn what_is_no_http_is_an_error() {
        assert!(Requests::default().push(b"\x00\x01\x02\r\n\r\n").is_err());
    }
}
