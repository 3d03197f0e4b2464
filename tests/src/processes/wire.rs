//! A connection that sends and reads bytes as they are.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::server::API_KEY;

/// No read or write waits longer than this.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a client takes in that takes little at a time.
const NARROW: u32 = 0x1_0000;

/// One connection to a server.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// A whole answer, head and body apart.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Status code.
    pub status: u16,
    /// The head, its empty line left out.
    pub head: String,
    /// The body as it came.
    pub body: String,
}

impl Wire {
    /// Connects with a small receive buffer.
    ///
    /// # Errors
    /// Those of the operating system, such as a refusal.
    pub async fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(NARROW)?;
        Ok(Self { stream: socket.connect(address).await?, unread: Vec::new() })
    }

    /// Sends bytes; a server that has closed already is no mistake.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = timeout(PATIENCE, self.stream.write_all(bytes.as_ref()));
        _ = sent.await.expect("the server reads");
    }

    /// Waits for more bytes and returns what comes in one read: nothing at the end, or after a reset.
    pub async fn piece(&mut self) -> Vec<u8> {
        if !self.unread.is_empty() {
            return std::mem::take(&mut self.unread);
        }
        let mut piece = vec![0; 0x1_0000];
        let read = timeout(PATIENCE, self.stream.read(&mut piece));
        let length = read.await.expect("the server writes or closes").unwrap_or(0);
        piece.truncate(length);
        piece
    }

    /// Reads up to the end of the first `end`.
    pub async fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        loop {
            let piece = self.piece().await;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(!piece.is_empty(), "it ended before `{end}`: {text}");
            bytes.extend(piece);
            let found = bytes.windows(end.len()).position(|window| window == end.as_bytes());
            if let Some(at) = found {
                self.unread = bytes.split_off(at + end.len());
                return String::from_utf8_lossy(&bytes).into_owned();
            }
        }
    }

    /// Reads until the server closes.
    pub async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        loop {
            let piece = self.piece().await;
            if piece.is_empty() {
                return String::from_utf8_lossy(&bytes).into_owned();
            }
            bytes.extend(piece);
        }
    }

    /// Reads one answer whose head says how long it is.
    pub async fn answer(&mut self) -> Told {
        let head = self.until("\r\n\r\n").await;
        let mut told = Told { head, ..Told::default() };
        told.status = told.head[9..12].parse().expect("a status");
        let length = told.header("content-length").unwrap_or("0").parse().expect("a length");
        let mut body = Vec::new();
        while body.len() < length {
            let piece = self.piece().await;
            assert!(!piece.is_empty(), "half an answer: {told:?}");
            body.extend(piece);
        }
        self.unread = body.split_off(length);
        told.body = String::from_utf8_lossy(&body).into_owned();
        told
    }
}

impl Told {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The code of a refusal, which must come in the envelope.
    pub fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let error = &body["error"];
        let whole = error["message"].is_string() && error["type"].is_string();
        assert!(whole && error["request_id"].is_string(), "no envelope: {self:?}");
        error["code"].as_str().unwrap_or_else(|| panic!("no code: {self:?}")).to_owned()
    }
}

/// The head and body of a chat as a client sends it, with more header lines if wanted.
pub fn chat(headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// The text of a streamed answer as it came, whatever is around its events.
pub fn text_of(body: &str) -> String {
    let events = body.split("data: ").filter_map(|event| {
        let (json, _) = event.split_once("\n\n")?;
        serde_json::from_str::<Value>(json).ok()
    });
    let text = |event: Value| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned);
    events.filter_map(text).collect()
}
