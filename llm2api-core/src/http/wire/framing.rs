//! Where a body ends.

use bytes::{Buf, Bytes, BytesMut};

use super::error::WireError;

/// Bytes of the line before a chunk, and of what may follow the last one.
const LONGEST_LINE: usize = 4 << 10;
const LONGEST_TRAILER: usize = 64 << 10;

/// Takes a body out of the bytes of a connection: pure, driven by the bytes that it is given.
#[derive(Debug)]
pub(super) enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    Chunked(Chunked),
    UntilClose,
    Ended,
}

/// What comes next of a body in chunks.
#[derive(Debug)]
pub(super) enum Chunked {
    Size,
    Data(u64),
    DataEnd,
    /// So many bytes of the trailer have passed.
    Trailer(usize),
}

/// What there is of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Data(Bytes),
    More,
    End,
}

impl Framing {
    pub(super) fn empty() -> Self {
        Self::Ended
    }

    pub(super) fn chunked() -> Self {
        Self::Chunked(Chunked::Size)
    }

    pub(super) fn until_close() -> Self {
        Self::UntilClose
    }

    pub(super) fn length(length: u64) -> Self {
        if length == 0 { Self::Ended } else { Self::Length(length) }
    }

    /// Takes what there is of the body off `buffer`.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Result<Step, WireError> {
        match self {
            Self::Ended => Ok(Step::End),
            Self::Length(_) | Self::UntilClose if buffer.is_empty() => Ok(Step::More),
            Self::UntilClose => Ok(Step::Data(buffer.split().freeze())),
            Self::Length(left) => {
                let data = take(buffer, left);
                if *left == 0 {
                    *self = Self::Ended;
                }
                Ok(Step::Data(data))
            }
            Self::Chunked(state) => {
                let step = state.next(buffer)?;
                if step == Step::End {
                    *self = Self::Ended;
                }
                Ok(step)
            }
        }
    }

    /// Learns that the connection was closed.
    pub(super) fn close(&mut self) -> Result<(), WireError> {
        match std::mem::replace(self, Self::Ended) {
            Self::UntilClose | Self::Ended => Ok(()),
            Self::Length(_) | Self::Chunked(_) => Err(WireError::Broken(None)),
        }
    }
}

impl Chunked {
    fn next(&mut self, buffer: &mut BytesMut) -> Result<Step, WireError> {
        loop {
            match self {
                Self::Size => match line(buffer, LONGEST_LINE)? {
                    None => return Ok(Step::More),
                    Some(line) => *self = Self::of_size(&line)?,
                },
                Self::Data(_) if buffer.is_empty() => return Ok(Step::More),
                Self::Data(left) => {
                    let data = take(buffer, left);
                    if *left == 0 {
                        *self = Self::DataEnd;
                        self.end_data(buffer)?;
                    }
                    return Ok(Step::Data(data));
                }
                Self::DataEnd => {
                    self.end_data(buffer)?;
                    if matches!(self, Self::DataEnd) {
                        return Ok(Step::More);
                    }
                }
                Self::Trailer(passed) => {
                    match line(buffer, LONGEST_TRAILER.saturating_sub(*passed))? {
                        None => return Ok(Step::More),
                        Some(line) if line.len() == 2 => return Ok(Step::End),
                        Some(line) => *passed += line.len(),
                    }
                }
            }
        }
    }

    /// Reads the line before a chunk: its size, and extensions that say nothing to us.
    fn of_size(line: &[u8]) -> Result<Self, WireError> {
        let size = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let is_size = (1..=16).contains(&size.len()) && size.iter().all(u8::is_ascii_hexdigit);
        let digit = |byte: u8| u64::from(char::from(byte).to_digit(16).unwrap_or_default());
        match size.iter().fold(0, |sum, byte| (sum << 4) | digit(*byte)) {
            _ if !is_size => Err(WireError::Malformed("the size of a chunk")),
            0 => Ok(Self::Trailer(0)),
            size => Ok(Self::Data(size)),
        }
    }

    fn end_data(&mut self, buffer: &mut BytesMut) -> Result<(), WireError> {
        if buffer.len() >= 2 {
            if !buffer.starts_with(b"\r\n") {
                return Err(WireError::Malformed("the end of a chunk"));
            }
            buffer.advance(2);
            *self = Self::Size;
        }
        Ok(())
    }
}

/// Takes as much as there is, and no more than is `left`.
fn take(buffer: &mut BytesMut, left: &mut u64) -> Bytes {
    let here = usize::try_from(*left).map_or(buffer.len(), |left| left.min(buffer.len()));
    *left -= here as u64;
    buffer.split_to(here).freeze()
}

/// Takes a whole line with its end, which must be that of HTTP.
fn line(buffer: &mut BytesMut, longest: usize) -> Result<Option<BytesMut>, WireError> {
    match memchr::memchr(b'\n', buffer) {
        Some(end) if end <= longest && buffer[..end].ends_with(b"\r") => {
            Ok(Some(buffer.split_to(end + 1)))
        }
        None if buffer.len() <= longest => Ok(None),
        _ => Err(WireError::Malformed("a line of its body")),
    }
}
