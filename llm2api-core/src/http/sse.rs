//! Server-sent events.

use bytes::{Bytes, BytesMut};

use super::lines::{Ends, Lines, too_long};
use crate::error::Result;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The `event` field; empty where there is none.
    pub name: Bytes,
    /// The last `id` field seen in the stream.
    pub id: Bytes,
    /// The `data` lines, joined by line feeds.
    pub data: Bytes,
}

/// Cuts a body into server-sent events.
///
/// Follows the event-stream rules of the HTML standard: lines end in LF, CR or both; a leading
/// byte-order mark is passed over; comments are skipped; an event that the body does not finish is
/// dropped. Data that arrives in one piece is handed out without a copy. An event larger than the
/// limit breaks the stream for good.
///
/// # Example
/// ```
/// use llm2api_core::http::SseDecoder;
///
/// let mut events = SseDecoder::new(1024);
/// events.push(b": hello\ndata: 1\r\ndata: 2\r\n\r\n".as_slice().into());
/// let event = events.next()?.expect("one event is complete");
/// assert_eq!(event.data, "1\n2");
/// # Ok::<(), llm2api_core::Error>(())
/// ```
#[derive(Debug)]
pub struct SseDecoder {
    lines: Lines,
    limit: usize,
    started: bool,
    event: Event,
    data: Data,
}

/// The data of the event under way: mostly one line, which then needs no copy.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    One(Bytes),
    Many(BytesMut),
}

impl SseDecoder {
    /// Makes a decoder for lines and events of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            lines: Lines::new(Ends::Any, limit),
            limit,
            started: false,
            event: Event::default(),
            data: Data::None,
        }
    }

    /// Takes the next bytes of the body.
    pub fn push(&mut self, bytes: Bytes) {
        self.lines.push(bytes);
    }

    /// Takes the next event; none when more bytes are needed.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamProtocol`](crate::ErrorKind::UpstreamProtocol) when an event is too
    /// large.
    #[expect(clippy::should_implement_trait, reason = "a decoder fails and waits: no iterator")]
    pub fn next(&mut self) -> Result<Option<Event>> {
        while let Some(mut line) = self.lines.next()? {
            if !std::mem::replace(&mut self.started, true) && line.starts_with(BYTE_ORDER_MARK) {
                line = line.slice(BYTE_ORDER_MARK.len()..);
            }
            if line.is_empty() {
                if let Some(event) = self.dispatch() {
                    return Ok(Some(event));
                }
            } else {
                self.field(&line)?;
            }
        }
        Ok(None)
    }

    fn dispatch(&mut self) -> Option<Event> {
        let name = std::mem::take(&mut self.event.name);
        let data = match std::mem::take(&mut self.data) {
            Data::None => return None,
            Data::One(data) => data,
            Data::Many(data) => data.freeze(),
        };
        Some(Event { name, id: self.event.id.clone(), data })
    }

    fn field(&mut self, line: &Bytes) -> Result<()> {
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let mut value = line.slice((colon + 1).min(line.len())..);
        if value.first() == Some(&b' ') {
            value = value.slice(1..);
        }
        match &line[..colon] {
            b"data" => self.add(value)?,
            b"event" => self.event.name = value,
            b"id" if !value.contains(&0) => self.event.id = value,
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, value: Bytes) -> Result<()> {
        let mut joined = match std::mem::take(&mut self.data) {
            Data::None => {
                self.data = Data::One(value);
                return Ok(());
            }
            Data::One(data) => BytesMut::from(&data[..]),
            Data::Many(data) => data,
        };
        if joined.len() + 1 + value.len() > self.limit {
            return Err(too_long(self.limit));
        }
        joined.extend_from_slice(b"\n");
        joined.extend_from_slice(&value);
        self.data = Data::Many(joined);
        Ok(())
    }
}
