//! Clients of a gateway: as many as are wanted, each busy.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::upstream::{Pace, now_ns};
use crate::wire::{content_length, read_head};

/// The key that a gateway wants of clients.
pub const KEY: &str = "sk-bench";

/// What one client saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Whole answers.
    pub answers: u64,
    /// Chunks with text.
    pub chunks: u64,
    /// Reads after which there was more than one chunk to take.
    pub merged: u64,
    /// Nanoseconds from asking to the first chunk, one a stream.
    pub first_ns: Vec<u64>,
    /// Nanoseconds from sending a chunk to having it, one a chunk.
    pub forward_ns: Vec<u64>,
}

impl Seen {
    /// Adds what another client saw.
    pub fn add(&mut self, other: Self) {
        self.answers += other.answers;
        self.chunks += other.chunks;
        self.merged += other.merged;
        self.first_ns.extend(other.first_ns);
        self.forward_ns.extend(other.forward_ns);
    }
}

/// What a client asks for, again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A whole answer.
    Whole,
    /// A stream at a pace, of [`upstream::serve`](crate::upstream::serve).
    Paced(Pace),
    /// A stream that says so many words, of a model that repeats what it is asked.
    Echo {
        /// The model.
        model: String,
        /// How many.
        words: usize,
    },
}

impl Ask {
    fn body(&self) -> String {
        let question = || "Tell me a story about a fox and a hedge.".to_owned();
        let (model, text) = match self {
            Self::Whole => ("whole".to_owned(), question()),
            Self::Paced(pace) => (pace.model(), question()),
            Self::Echo { model, words } => {
                (model.clone(), format!("ECHO:{}", vec!["word"; *words].join(" ")))
            }
        };
        let streams = *self != Self::Whole;
        format!(
            r#"{{"model":"{model}","stream":{streams},"messages":[{{"role":"user","content":"{text}"}}]}}"#
        )
    }
}

/// A client with a connection that it keeps.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
    streams: bool,
}

impl Client {
    /// Connects to a gateway.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn connect(address: SocketAddr, ask: &Ask) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (body, streams) = (ask.body(), *ask != Ask::Whole);
        let length = body.len();
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {KEY}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        Ok(Self { stream: BufReader::new(stream), request: request.into(), streams })
    }

    /// Asks once and reads the whole answer.
    ///
    /// # Errors
    /// Those of the connection, and an answer that is none.
    pub async fn ask(&mut self, seen: &mut Seen) -> io::Result<()> {
        let asked = Instant::now();
        self.stream.get_mut().write_all(&self.request).await?;
        let head = read_head(&mut self.stream).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(io::Error::other(head));
        }
        match self.streams {
            true => self.read_stream(asked, seen).await?,
            false => self.read_whole(&head).await?,
        }
        seen.answers += 1;
        Ok(())
    }

    /// Asks until the time is over; what runs then is read to its end.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_until(&mut self, end: Instant) -> io::Result<Seen> {
        let mut seen = Seen::default();
        while Instant::now() < end {
            self.ask(&mut seen).await?;
        }
        Ok(seen)
    }

    async fn read_whole(&mut self, head: &str) -> io::Result<()> {
        let mut body = vec![0; content_length(head).ok_or(io::ErrorKind::InvalidData)?];
        self.stream.read_exact(&mut body).await.map(drop)
    }

    async fn read_stream(&mut self, asked: Instant, seen: &mut Seen) -> io::Result<()> {
        let before = seen.chunks;
        // What one read may cut, until the rest of it is there.
        let mut rest = Vec::new();
        loop {
            let (bytes, now) = (self.stream.fill_buf().await?, now_ns());
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            rest.extend_from_slice(bytes);
            let read = bytes.len();
            self.stream.consume(read);
            let mut found = 0;
            while let Some((text, end)) = next_chunk(&rest) {
                if seen.chunks == before {
                    seen.first_ns.push(nanoseconds(asked.elapsed()));
                }
                (found, seen.chunks) = (found + 1, seen.chunks + 1);
                seen.forward_ns.extend(stamp(text).map(|sent| now.saturating_sub(sent)));
                rest.drain(..end);
            }
            seen.merged += u64::from(found > 1);
            if rest.ends_with(b"0\r\n\r\n") {
                return match seen.chunks == before {
                    true => Err(io::Error::other(String::from_utf8_lossy(&rest))),
                    false => Ok(()),
                };
            }
        }
    }
}

/// Finds what the next chunk says, with the rest of its event, and where that ends. A chunk that says
/// nothing is none.
fn next_chunk(bytes: &[u8]) -> Option<(&[u8], usize)> {
    const LEAD: &[u8] = br#""content":""#;
    let mut starts = memchr::memmem::find_iter(bytes, LEAD).map(|at| at + LEAD.len());
    let start = starts.find(|start| bytes.get(*start).is_none_or(|byte| *byte != b'"'))?;
    let end = start + memchr::memmem::find(&bytes[start..], b"\n\n")? + 2;
    Some((&bytes[start..end], end))
}

/// Reads the time at which a chunk was sent, if it begins with that.
fn stamp(text: &[u8]) -> Option<u64> {
    let digits = text.split(|byte| !byte.is_ascii_digit()).next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
