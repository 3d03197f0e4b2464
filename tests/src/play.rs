//! Plays a script on a connection.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::fixture::Fixture;
use crate::http::{Exchange, Reply};
use crate::log::Log;
use crate::script::Step;

/// Bytes that are no protocol.
const GARBAGE: &[u8] = b"\x00\xff\xfe{]garbage\x80\r\n<<<\x1b\x07";
/// What chat-ui sends while nothing happens.
const KEEP_ALIVE_LINE: &str = "{\"type\":\"status\",\"status\":\"keepAlive\"}\n";

/// What a face lends to the scripts of its requests.
pub(crate) struct Manner<'m> {
    /// Headers of its normal head.
    pub(crate) headers: Vec<(String, String)>,
    /// Whether a keep-alive is chat-ui's line rather than an SSE comment.
    pub(crate) lines: bool,
    /// Is told every line; none where a script ends when its client leaves.
    pub(crate) listener: Option<&'m mut (dyn FnMut(&Value) + Send)>,
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With its last step, or with the client.
    Played,
    /// With an answer to be given by the face.
    Answer,
}

/// Plays one script.
pub(crate) struct Player<'p, 'c> {
    exchange: &'p mut Exchange<'c>,
    manner: Manner<'p>,
    log: &'p Log,
    connected: bool,
}

/// What a step says about the next one.
enum Flow {
    Next,
    Disconnect,
    Answer,
}

impl<'p, 'c> Player<'p, 'c> {
    /// A player for this exchange.
    pub(crate) fn new(exchange: &'p mut Exchange<'c>, manner: Manner<'p>, log: &'p Log) -> Self {
        Self { exchange, manner, log, connected: true }
    }

    /// Plays the steps to their end.
    pub(crate) async fn play(&mut self, steps: Vec<Step>) -> End {
        let mut steps = VecDeque::from(steps);
        while let Some(step) = steps.pop_front() {
            if !self.connected {
                self.unseen(step).await;
                continue;
            }
            match self.step(step, &mut steps).await {
                Ok(Flow::Next) => {}
                Ok(Flow::Answer) => return End::Answer,
                Ok(Flow::Disconnect) => self.disconnect().await,
                Err(_) => self.lose().await,
            }
            if !self.connected && self.manner.listener.is_none() {
                break;
            }
        }
        if self.connected && self.end().await.is_err() {
            self.log.aborted();
        }
        End::Played
    }

    /// Stops using the connection; it is closed once the script is over.
    async fn disconnect(&mut self) {
        self.connected = false;
        self.exchange.hang_up().await;
    }

    /// Notes that the client left.
    async fn lose(&mut self) {
        self.log.aborted();
        self.disconnect().await;
    }

    async fn step(&mut self, step: Step, rest: &mut VecDeque<Step>) -> io::Result<Flow> {
        match step {
            Step::Status { status, headers } => self.exchange.head(status, &headers).await?,
            Step::Json { status, headers, body } => self.json(status, headers, &body).await?,
            Step::Text { status, content_type, body } => {
                self.exchange.reply(Reply::new(status, &content_type, body)).await?;
            }
            Step::Chunk(text) => self.body(text.as_bytes()).await?,
            Step::Bytes(bytes) => self.body(&bytes).await?,
            Step::Line(value) => self.line(&value).await?,
            Step::Event(value) => self.body(format!("data: {value}\n\n").as_bytes()).await?,
            Step::Done => {
                self.exchange.settle();
                self.body(b"data: [DONE]\n\n").await?;
            }
            Step::KeepAlive => self.keep_alive().await?,
            Step::Sleep(millis) => self.exchange.sleep(Duration::from_millis(millis)).await?,
            Step::Fixture(name) => self.fixture(&name, false).await?,
            Step::FixtureTimed(name) => self.fixture(&name, true).await?,
            Step::Garbage => self.garbage().await?,
            Step::Raw(bytes) => self.exchange.raw(&bytes).await?,
            step => return self.last_step(step, rest).await,
        }
        Ok(Flow::Next)
    }

    /// A step after which nothing more is sent.
    async fn last_step(&mut self, step: Step, rest: &mut VecDeque<Step>) -> io::Result<Flow> {
        match step {
            Step::Reset => self.exchange.reset(),
            Step::Hang => {
                self.exchange.gone().await;
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            Step::End => {
                self.end().await?;
                rest.clear();
                return Ok(Flow::Next);
            }
            Step::Answer(_) => return Ok(Flow::Answer),
            _ => {}
        }
        Ok(Flow::Disconnect)
    }

    /// What a step does once the client is away: waits, and is heard.
    async fn unseen(&mut self, step: Step) {
        match step {
            Step::Sleep(millis) => sleep(Duration::from_millis(millis)).await,
            Step::Line(value) => self.tell(&value),
            Step::Fixture(name) => drop(self.fixture(&name, false).await),
            Step::FixtureTimed(name) => drop(self.fixture(&name, true).await),
            _ => {}
        }
    }

    async fn json(
        &mut self,
        status: u16,
        headers: Vec<(String, String)>,
        body: &Value,
    ) -> io::Result<()> {
        let mut reply = Reply::json(status, body);
        reply.headers.extend(headers);
        self.exchange.reply(reply).await
    }

    async fn line(&mut self, value: &Value) -> io::Result<()> {
        self.tell(value);
        self.body(format!("{value}\n").as_bytes()).await
    }

    async fn keep_alive(&mut self) -> io::Result<()> {
        let text = if self.manner.lines { KEEP_ALIVE_LINE } else { ": keep-alive\n\n" };
        self.body(text.as_bytes()).await
    }

    async fn garbage(&mut self) -> io::Result<()> {
        if self.exchange.is_fresh() {
            self.exchange.raw(GARBAGE).await
        } else {
            self.exchange.body(GARBAGE).await
        }
    }

    /// Plays a recorded answer. Where the client leaves in the middle, the rest is heard unseen.
    async fn fixture(&mut self, name: &str, timed: bool) -> io::Result<()> {
        let fixture = Fixture::load(name)?;
        let start = Instant::now();
        if self.connected && self.exchange.is_fresh() {
            let content_type = ("content-type".to_owned(), fixture.content_type);
            if self.exchange.head(fixture.status, &[content_type]).await.is_err() {
                self.lose().await;
            }
        }
        for (millis, piece) in fixture.chunks {
            if !self.connected && self.manner.listener.is_none() {
                break;
            }
            if timed {
                self.wait_until(start + Duration::from_millis(millis)).await;
            }
            self.tell_piece(&piece);
            if self.connected && self.body(piece.as_bytes()).await.is_err() {
                self.lose().await;
            }
        }
        Ok(())
    }

    /// Waits until `due`; a client that leaves meanwhile is noted at once.
    async fn wait_until(&mut self, due: Instant) {
        let left = due.saturating_duration_since(Instant::now());
        if self.connected && self.exchange.sleep(left).await.is_err() {
            self.lose().await;
        }
        tokio::time::sleep_until(due).await;
    }

    /// Writes a piece of the body, after the normal head if there was none.
    async fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.exchange.is_fresh() {
            self.exchange.head(200, &self.manner.headers).await?;
        }
        self.exchange.body(bytes).await
    }

    async fn end(&mut self) -> io::Result<()> {
        if self.exchange.is_fresh() {
            self.exchange.head(200, &self.manner.headers).await?;
        }
        if self.exchange.has_ended() { Ok(()) } else { self.exchange.end().await }
    }

    fn tell_piece(&mut self, piece: &str) {
        if let Ok(value) = serde_json::from_str(piece) {
            self.tell(&value);
        }
    }

    fn tell(&mut self, value: &Value) {
        if value["type"] == "finalAnswer" {
            self.exchange.settle();
        }
        if let Some(listener) = &mut self.manner.listener {
            listener(value);
        }
    }
}
