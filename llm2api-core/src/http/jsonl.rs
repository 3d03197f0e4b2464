//! Newline-delimited JSON.

use bytes::Bytes;

use super::lines::{Ends, Lines};
use crate::error::Result;

/// Cuts a body into JSON texts, one a line.
///
/// Blanks around a text are passed over (chat-ui puts 4,096 of them behind an answer), and so are
/// empty lines. A line longer than the limit breaks the stream for good.
///
/// # Example
/// ```
/// use llm2api_core::http::JsonLines;
///
/// let mut lines = JsonLines::new(1024);
/// lines.push(b"{\"a\":1}\n   {\"b\"".as_slice().into());
/// assert_eq!(lines.next()?.as_deref(), Some(&b"{\"a\":1}"[..]));
/// assert_eq!(lines.next()?, None);
/// lines.push(b":2}\n".as_slice().into());
/// assert_eq!(lines.next()?.as_deref(), Some(&b"{\"b\":2}"[..]));
/// # Ok::<(), llm2api_core::Error>(())
/// ```
#[derive(Debug)]
pub struct JsonLines {
    lines: Lines,
}

impl JsonLines {
    /// Makes a decoder for lines of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { lines: Lines::new(Ends::LineFeed, limit) }
    }

    /// Takes the next bytes of the body.
    pub fn push(&mut self, bytes: Bytes) {
        self.lines.push(bytes);
    }

    /// Takes the next JSON text; none when more bytes are needed.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamProtocol`](crate::ErrorKind::UpstreamProtocol) when a line is too long.
    #[expect(clippy::should_implement_trait, reason = "a decoder fails and waits: no iterator")]
    pub fn next(&mut self) -> Result<Option<Bytes>> {
        while let Some(line) = self.lines.next()? {
            let text = trim(&line);
            if !text.is_empty() {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Takes the text after the last line feed, when no more bytes come; none where it is blank.
    pub fn rest(&mut self) -> Option<Bytes> {
        let text = trim(&self.lines.rest());
        (!text.is_empty()).then_some(text)
    }
}

fn trim(line: &Bytes) -> Bytes {
    line.slice_ref(line.trim_ascii())
}
