//! Requests: reading and asking.

use std::io;

use bytes::Buf;

use super::Connection;
use crate::log::Received;

/// Largest request head.
const HEAD: usize = 1 << 20;
/// Most headers of a request.
const HEADERS: usize = 256;

/// A request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// What was received.
    pub(crate) received: Received,
    /// Path without query, decoded.
    pub(crate) path: String,
    /// Query, undecoded.
    pub(crate) query: String,
    http_1_0: bool,
}

/// How a body is delimited.
enum Framing {
    Length(usize),
    Chunked,
}

impl Request {
    /// Reads the next request's head; none at a proper end of the connection.
    pub(crate) async fn read_head(connection: &mut Connection) -> io::Result<Option<Self>> {
        loop {
            if let Some((request, length)) = Self::parse(&connection.input)? {
                connection.input.advance(length);
                return Ok(Some(request));
            }
            if connection.input.len() > HEAD {
                return Err(invalid("head too long"));
            }
            if connection.fill().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Reads the body; false when it is longer than `limit`.
    pub(crate) async fn read_body(
        &mut self,
        connection: &mut Connection,
        limit: usize,
    ) -> io::Result<bool> {
        let framing = self.framing()?;
        if matches!(framing, Framing::Length(length) if length > limit) {
            return Ok(false);
        }
        if self.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            connection.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        match framing {
            Framing::Length(length) => {
                self.received.body = take(connection, length).await?;
                Ok(true)
            }
            Framing::Chunked => self.read_chunks(connection, limit).await,
        }
    }

    async fn read_chunks(&mut self, connection: &mut Connection, limit: usize) -> io::Result<bool> {
        loop {
            let size = chunk_size(connection).await?;
            if self.received.body.len() + size > limit {
                return Ok(false);
            }
            let mut chunk = take(connection, size + 2).await?;
            if size == 0 {
                return Ok(true);
            }
            chunk.truncate(size);
            self.received.body.append(&mut chunk);
        }
    }

    fn parse(input: &[u8]) -> io::Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed.parse(input).map_err(|error| invalid(&error.to_string()))?;
        let httparse::Status::Complete(length) = status else { return Ok(None) };
        let target = parsed.path.unwrap_or("/").to_owned();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (path, query) = (decode_percent(path), query.to_owned());
        let headers = parsed.headers.iter().map(|header| {
            (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned())
        });
        let method = parsed.method.unwrap_or_default().to_owned();
        let received = Received { method, path: target, headers: headers.collect(), body: vec![] };
        Ok(Some((Self { received, path, query, http_1_0: parsed.version == Some(0) }, length)))
    }

    fn framing(&self) -> io::Result<Framing> {
        if let Some(encoding) = self.header("transfer-encoding") {
            let chunked = encoding.eq_ignore_ascii_case("chunked");
            return if chunked { Ok(Framing::Chunked) } else { Err(invalid("transfer-encoding")) };
        }
        let length = self.header("content-length").unwrap_or("0");
        length.trim().parse().map(Framing::Length).map_err(|_| invalid("content-length"))
    }

    /// Method.
    pub(crate) fn method(&self) -> &str {
        &self.received.method
    }

    /// Body.
    pub(crate) fn body(&self) -> &[u8] {
        &self.received.body
    }

    /// The first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.received.header(name)
    }

    /// Whether the header `name` holds `part`, in any case.
    pub(crate) fn header_has(&self, name: &str, part: &str) -> bool {
        self.header(name).is_some_and(|value| value.to_ascii_lowercase().contains(part))
    }

    /// Value of the cookie `name`.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.header("cookie")?.split(';');
        let mut pairs = cookies.filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Value of `name` in the query, decoded.
    pub(crate) fn query_value(&self, name: &str) -> Option<String> {
        let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| decode_percent(value))
    }

    /// Token of `Authorization: Bearer …`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// Whether the client wants to use the connection again.
    pub(crate) fn keeps_alive(&self) -> bool {
        !self.http_1_0 && !self.header_has("connection", "close")
    }
}

/// Decodes `%41`; what is no such code stays as it is.
pub(crate) fn decode_percent(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = if first == b'%' { tail.get(..2).and_then(hex_byte) } else { None };
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

async fn chunk_size(connection: &mut Connection) -> io::Result<usize> {
    loop {
        match httparse::parse_chunk_size(&connection.input) {
            Ok(httparse::Status::Complete((used, size))) => {
                connection.input.advance(used);
                return usize::try_from(size).map_err(|_| invalid("chunk size"));
            }
            Ok(httparse::Status::Partial) if connection.fill().await? > 0 => {}
            _ => return Err(invalid("chunk size")),
        }
    }
}

async fn take(connection: &mut Connection, length: usize) -> io::Result<Vec<u8>> {
    while connection.input.len() < length {
        if connection.fill().await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(connection.input.split_to(length).to_vec())
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
