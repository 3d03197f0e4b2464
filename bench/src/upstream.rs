//! An OpenAI-compatible service that costs next to nothing.

use std::fmt::Write;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::wire::{content_length, read_head};

/// What a model of this service does: its name says how many chunks, how far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many chunks an answer has.
    pub chunks: u32,
    /// The time from one to the next.
    pub gap: Duration,
}

impl Pace {
    /// Returns the name of the model that keeps this pace.
    ///
    /// ```
    /// use std::time::Duration;
    /// use llm2api_bench::upstream::Pace;
    ///
    /// let pace = Pace { chunks: 100, gap: Duration::from_millis(10) };
    /// assert_eq!(pace.model(), "pace-100-10000");
    /// assert_eq!(Pace::of(r#"{"model":"pace-100-10000","stream":true}"#), Some(pace));
    /// ```
    pub fn model(&self) -> String {
        format!("pace-{}-{}", self.chunks, self.gap.as_micros())
    }

    /// Finds the pace that a request's body asks for; none where it asks for no stream.
    pub fn of(body: &str) -> Option<Self> {
        let name = body.split_once("\"pace-")?.1.split('"').next()?;
        let (chunks, gap) = name.split_once('-')?;
        let gap = Duration::from_micros(gap.parse().ok()?);
        Some(Self { chunks: chunks.parse().ok()?, gap })
    }
}

/// Nanoseconds since 1970, by which each chunk says when it was sent.
pub fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Answers whoever connects, for as long as it is polled.
///
/// # Errors
/// Those of the listening socket.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let stream = accepted?.0;
                stream.set_nodelay(true)?;
                // One that leaves ends its connection, and no more.
                connections.spawn(async move { drop(talk(stream).await) });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn talk(stream: TcpStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut body = Vec::new();
    while let Some(head) = read_head(&mut stream).await? {
        body.resize(content_length(&head).unwrap_or_default(), 0);
        stream.read_exact(&mut body).await?;
        match Pace::of(&String::from_utf8_lossy(&body)) {
            Some(pace) => write_stream(stream.get_mut(), pace).await?,
            None => stream.get_mut().write_all(whole(&head).as_bytes()).await?,
        }
    }
    Ok(())
}

/// The answer to a request that asks for no stream: a completion, or the list of models.
fn whole(head: &str) -> String {
    let body = match head.starts_with("GET ") {
        true => r#"{"object":"list","data":[{"id":"whole","object":"model"}]}"#.to_owned(),
        false => format!(
            r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1767225600,"model":"whole","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":9,"completion_tokens":60,"total_tokens":69}}}}"#,
            "word ".repeat(50)
        ),
    };
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// Sends a stream, each chunk with a write of its own and the time at which it is sent.
async fn write_stream(stream: &mut TcpStream, pace: Pace) -> io::Result<()> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let (mut due, mut frame) = (Instant::now(), String::new());
    for _ in 0..pace.chunks {
        if !pace.gap.is_zero() {
            due += pace.gap;
            sleep_until(due).await;
        }
        put(&mut frame, &format!(r#"{{"content":"{} and so on and on"}}"#, now_ns()), "null");
        stream.write_all(frame.as_bytes()).await?;
        tokio::task::yield_now().await;
    }
    put(&mut frame, "{}", "\"stop\"");
    frame.push_str("e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
    stream.write_all(frame.as_bytes()).await
}

/// Puts one chunk of an answer into `frame`, framed as an event and as a chunk of HTTP.
fn put(frame: &mut String, delta: &str, reason: &str) {
    let event = format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1767225600,\"model\":\"paced\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{reason}}}]}}\n\n"
    );
    frame.clear();
    write!(frame, "{:x}\r\n{event}\r\n", event.len()).expect("a String takes everything");
}
