//! The answer to one request, written piece by piece.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use super::reply::{Reply, reason};
use super::{Connection, Request};
use crate::clock;
use crate::tally::Sending;

/// An answer under way.
#[derive(Debug)]
pub(crate) struct Exchange<'c> {
    connection: &'c mut Connection,
    keep_alive: bool,
    close_delimited: bool,
    sent: Sent,
    fate: Fate,
    sending: Option<Sending>,
}

/// What was sent so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Nothing,
    Chunked,
    Length { left: i64 },
    Raw,
    Ended,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It takes another request.
    Keep,
    /// It is closed.
    Close,
    /// It is reset.
    Reset,
}

impl<'c> Exchange<'c> {
    /// Begins the answer to `request`.
    pub(crate) fn new(connection: &'c mut Connection, request: &Request) -> Self {
        let keep_alive = request.keeps_alive();
        let (sent, fate) = (Sent::Nothing, Fate::Close);
        let close_delimited = false;
        Self { connection, keep_alive, close_delimited, sent, fate, sending: None }
    }

    /// Lets the end of a body without a length be that of the connection.
    pub(crate) fn delimit_by_close(&mut self) {
        self.close_delimited = true;
        self.keep_alive = false;
    }

    /// Keeps the request counted as a send under way.
    pub(crate) fn count(&mut self, sending: Option<Sending>) {
        self.sending = sending;
    }

    /// Ends that before the client can know that the answer is whole: it may go on at once.
    pub(crate) fn settle(&mut self) {
        self.sending = None;
    }

    /// The client's address.
    pub(crate) fn peer(&self) -> std::net::SocketAddr {
        self.connection.peer
    }

    /// Whether nothing was sent.
    pub(crate) fn is_fresh(&self) -> bool {
        self.sent == Sent::Nothing
    }

    /// Whether the body was ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.sent == Sent::Ended
    }

    /// What becomes of the connection.
    pub(crate) fn fate(&self) -> Fate {
        self.fate
    }

    /// Sends the head; the body is chunked unless the headers give its length, or the connection
    /// delimits it.
    pub(crate) async fn head(
        &mut self,
        status: u16,
        headers: &[(String, String)],
    ) -> io::Result<()> {
        let (head, length) = self.render_head(status, headers);
        let unknown = if self.close_delimited { Sent::Raw } else { Sent::Chunked };
        self.sent = length.map_or(unknown, |left| Sent::Length { left });
        self.connection.write(head.as_bytes()).await
    }

    fn render_head(&self, status: u16, headers: &[(String, String)]) -> (String, Option<i64>) {
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        for (name, value) in headers {
            _ = write!(head, "{name}: {value}\r\n");
        }
        let given = |wanted: &str| {
            headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, v)| v)
        };
        let length = given("content-length").and_then(|length| length.parse().ok());
        _ = write!(head, "Date: {}\r\n", clock::http_date(Duration::ZERO));
        if given("connection").is_none() {
            let connection = if self.keep_alive { "keep-alive" } else { "close" };
            _ = write!(head, "Connection: {connection}\r\n");
        }
        let chunked = length.is_none() && !self.close_delimited;
        if chunked && given("transfer-encoding").is_none() {
            head.push_str("Transfer-Encoding: chunked\r\n");
        }
        head.push_str("\r\n");
        (head, length)
    }

    /// Writes a piece of the body, in one chunk and one write.
    pub(crate) async fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.sent {
            Sent::Chunked if bytes.is_empty() => Ok(()),
            Sent::Chunked => {
                let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
                chunk.extend_from_slice(bytes);
                chunk.extend_from_slice(b"\r\n");
                self.connection.write(&chunk).await
            }
            Sent::Length { left } => {
                *left -= i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                if *left <= 0 {
                    self.sending = None;
                }
                self.connection.write(bytes).await
            }
            Sent::Nothing | Sent::Raw | Sent::Ended => self.connection.write(bytes).await,
        }
    }

    /// Writes bytes past the framing.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_fresh() {
            self.sent = Sent::Raw;
        }
        self.connection.write(bytes).await
    }

    /// Ends the body properly.
    pub(crate) async fn end(&mut self) -> io::Result<()> {
        self.settle();
        if self.sent == Sent::Chunked {
            self.connection.write(b"0\r\n\r\n").await?;
        }
        let whole = matches!(self.sent, Sent::Chunked | Sent::Length { left: 0 });
        self.fate = if whole && self.keep_alive { Fate::Keep } else { Fate::Close };
        self.sent = Sent::Ended;
        Ok(())
    }

    /// Sends a whole reply.
    pub(crate) async fn reply(&mut self, reply: Reply) -> io::Result<()> {
        self.settle();
        let mut headers = reply.headers;
        if !reply.chunked {
            headers.push(("content-length".to_owned(), reply.body.len().to_string()));
        }
        self.head(reply.status, &headers).await?;
        self.body(&reply.body).await?;
        self.end().await
    }

    /// Lets the connection be reset.
    pub(crate) fn reset(&mut self) {
        self.fate = Fate::Reset;
    }

    /// Ends the connection now, by reset if so wanted, though the answer may go on unseen.
    pub(crate) async fn hang_up(&mut self) {
        self.settle();
        if self.fate == Fate::Keep {
            self.fate = Fate::Close;
        }
        self.connection.hang_up(self.fate == Fate::Reset).await;
    }

    /// Waits until the client left.
    pub(crate) async fn gone(&mut self) {
        self.connection.gone().await;
    }

    /// Waits for `time`, or until the client left.
    ///
    /// # Errors
    /// `BrokenPipe` when the client left.
    pub(crate) async fn sleep(&mut self, time: Duration) -> io::Result<()> {
        if time.is_zero() {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.gone() => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}
