//! The head of an answer.

use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use httparse::Status;

use super::error::WireError;
use super::framing::Framing;

/// Fields of a head.
const MOST_FIELDS: usize = 100;
/// Bytes of a head.
const LONGEST: usize = 64 << 10;

/// The status and the fields of an answer.
pub(in crate::http) struct Head {
    status: u16,
    bytes: Bytes,
    fields: Vec<(Range<usize>, Range<usize>)>,
    /// Whether the connection may serve another call.
    pub(super) keeps: bool,
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Some fields are secrets, such as those that set cookies.
        f.debug_struct("Head").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Head {
    /// Takes a head off `buffer`; none while it has not come whole. What says that an answer is still
    /// to come is passed over.
    pub(super) fn take(buffer: &mut BytesMut) -> Result<Option<Self>, WireError> {
        while let Some(head) = Self::take_one(buffer)? {
            match head.status {
                // Nobody has asked for another protocol.
                ..100 => return Err(WireError::Malformed("its status")),
                101 => return Err(WireError::Malformed("a switch of protocols")),
                100..200 => {}
                _ => return Ok(Some(head)),
            }
        }
        Ok(None)
    }

    fn take_one(buffer: &mut BytesMut) -> Result<Option<Self>, WireError> {
        if buffer.is_empty() {
            return Ok(None);
        }
        let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let parsed = config.parse_response_with_uninit_headers(&mut response, buffer, &mut fields);
        let length = match parsed.map_err(|_| WireError::Malformed("its head"))? {
            Status::Complete(length) => length,
            Status::Partial if buffer.len() > LONGEST => {
                return Err(WireError::Malformed("a head without an end"));
            }
            Status::Partial => return Ok(None),
        };
        let (status, version) = (response.code, response.version);
        let start = buffer.as_ptr().addr();
        let range = |part: &[u8]| {
            let at = part.as_ptr().addr() - start;
            at..at + part.len()
        };
        let place = |field: &httparse::Header<'_>| {
            (range(field.name.as_bytes()), range(field.value.trim_ascii()))
        };
        let fields: Vec<_> = response.headers.iter().map(place).collect();
        let bytes = buffer.split_to(length).freeze();
        let status = status.ok_or(WireError::Malformed("its status"))?;
        let mut head = Self { status, bytes, fields, keeps: false };
        if !head.frames_in_text() {
            return Err(WireError::Malformed("how it is framed"));
        }
        head.keeps = head.is_kept(version == Some(1));
        Ok(Some(head))
    }

    pub(in crate::http) fn status(&self) -> u16 {
        self.status
    }

    /// Returns a field's text, that of the first one where there are several.
    pub(in crate::http) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Returns the texts of all fields of a name; what is no text is left out.
    pub(in crate::http) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let is_named = move |have: &Range<usize>| {
            self.bytes[have.clone()].eq_ignore_ascii_case(name.as_bytes())
        };
        let found = self.fields.iter().filter(move |(have, _)| is_named(have));
        found.filter_map(|(_, value)| std::str::from_utf8(&self.bytes[value.clone()]).ok())
    }

    /// Says whether the fields that say how the body ends can be read by everybody.
    fn frames_in_text(&self) -> bool {
        self.fields.iter().all(|(name, value)| {
            let name = &self.bytes[name.clone()];
            let frames = ["connection", "content-length", "transfer-encoding"];
            let frames = frames.iter().any(|one| name.eq_ignore_ascii_case(one.as_bytes()));
            !frames || self.bytes[value.clone()].is_ascii()
        })
    }

    /// Says whether the connection may serve another call: not where it was said otherwise, and not
    /// where the end of the body is said in two ways.
    fn is_kept(&self, is_new: bool) -> bool {
        let is_doubtful = !is_new || self.get("content-length").is_some();
        if is_doubtful && self.get("transfer-encoding").is_some() {
            return false;
        }
        let mut options = self.all("connection").flat_map(|line| line.split(',')).map(str::trim);
        match is_new {
            true => !options.any(|option| option.eq_ignore_ascii_case("close")),
            false => options.any(|option| option.eq_ignore_ascii_case("keep-alive")),
        }
    }

    /// Says how the body ends, by RFC 9112, section 6.3.
    pub(super) fn framing(&self, head_only: bool) -> Result<Framing, WireError> {
        if head_only || matches!(self.status, 204 | 304) {
            return Ok(Framing::empty());
        }
        let codings = self.all("transfer-encoding").flat_map(|line| line.split(','));
        let mut codings = codings.map(str::trim).filter(|coding| !coding.is_empty());
        match (codings.next(), codings.next()) {
            (Some(only), None) if only.eq_ignore_ascii_case("chunked") => {
                return Ok(Framing::chunked());
            }
            (Some(only), None) if only.eq_ignore_ascii_case("identity") => {
                return Ok(Framing::until_close());
            }
            (Some(_), _) => return Err(WireError::Malformed("a coding that nobody asked for")),
            (None, _) => {}
        }
        let mut lengths = self.all("content-length").flat_map(|line| line.split(','));
        let Some(length) = lengths.next().map(str::trim) else {
            return Ok(Framing::until_close());
        };
        let is_number = length.bytes().all(|byte| byte.is_ascii_digit());
        match length.parse() {
            Ok(number) if is_number && lengths.all(|other| other.trim() == length) => {
                Ok(Framing::length(number))
            }
            _ => Err(WireError::Malformed("its length")),
        }
    }
}
