//! What the upstream answers.

use std::fmt::Write as _;

use llm2api_tests::{Script, Step};
use serde_json::{Value, json};

/// What the upstream answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A recording of chat-ui.
    Recorded(&'static str),
    /// These bytes, head and framing included; then the connection is closed.
    Raw(Vec<u8>),
    /// What the model says to this prompt, as it comes.
    Model(String),
}

impl Answer {
    /// Scripts for so many sends; none where the model answers.
    pub(crate) fn scripts(&self, count: usize) -> Vec<Script> {
        let steps = match self {
            Self::Recorded(name) => vec![Step::Fixture((*name).to_owned())],
            Self::Raw(bytes) => vec![Step::Raw(bytes.clone()), Step::Cut],
            Self::Model(_) => return Vec::new(),
        };
        vec![Script::steps(steps); count]
    }

    /// The prompt.
    pub(crate) fn prompt(&self) -> &str {
        match self {
            Self::Model(prompt) => prompt,
            Self::Recorded(_) | Self::Raw(_) => "hello",
        }
    }
}

/// Where the body of a raw answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Each event is a chunk, and the last chunk says so.
    Chunked,
    /// With the connection: a cut in order looks like the end.
    Closed,
}

/// A raw OpenAI answer, and where in it what is said.
pub(crate) struct Events {
    pub(crate) bytes: Vec<u8>,
    /// Bytes after which the event with the first content is whole.
    pub(crate) content: u64,
    /// Bytes after which the event with the finish reason is whole.
    pub(crate) finish: u64,
}

impl Events {
    /// An answer that says these tokens.
    pub(crate) fn saying(tokens: &[String], framing: Framing) -> Self {
        let bytes = head("text/event-stream", framing).into_bytes();
        let mut events = Self { bytes, content: 0, finish: 0 };
        events.push(&chunk(&json!({"role": "assistant", "content": ""}), None), framing);
        for token in tokens {
            let end = events.push(&chunk(&json!({"content": token}), None), framing);
            events.content = if events.content == 0 { end } else { events.content };
        }
        events.finish = events.push(&chunk(&json!({}), Some("stop")), framing);
        events.push("[DONE]", framing);
        if framing == Framing::Chunked {
            events.bytes.extend_from_slice(b"0\r\n\r\n");
        }
        events
    }

    /// Adds an event; returns after how many bytes it is whole.
    fn push(&mut self, data: &str, framing: Framing) -> u64 {
        let [before, event, after] = piece(&format!("data: {data}\n\n"), framing);
        self.bytes.extend_from_slice((before + &event).as_bytes());
        let end = self.bytes.len() as u64;
        self.bytes.extend_from_slice(after.as_bytes());
        end
    }
}

/// A raw OpenAI answer that is one JSON object.
pub(crate) fn completion(text: &str, framing: Framing) -> Vec<u8> {
    let message = json!({"role": "assistant", "content": text});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    let body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000,
        "model": "mock/vision-1", "choices": [choice],
    });
    let body = piece(&body.to_string(), framing).concat();
    let end = if framing == Framing::Chunked { "0\r\n\r\n" } else { "" };
    (head("application/json", framing) + &body + end).into_bytes()
}

/// A piece of a body with what stands before and after it.
fn piece(text: &str, framing: Framing) -> [String; 3] {
    let (before, after) = match framing {
        Framing::Chunked => (format!("{:x}\r\n", text.len()), "\r\n"),
        Framing::Closed => (String::new(), ""),
    };
    [before, text.to_owned(), after.to_owned()]
}

fn head(content_type: &str, framing: Framing) -> String {
    let mut head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n");
    head.push_str(match framing {
        Framing::Chunked => "transfer-encoding: chunked\r\n\r\n",
        Framing::Closed => "connection: close\r\n\r\n",
    });
    head
}

fn chunk(delta: &Value, finish: Option<&str>) -> String {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
        "model": "mock/vision-1", "choices": [choice],
    });
    chunk.to_string()
}

/// Many tokens in several scripts, no two alike.
pub(crate) fn long(count: usize) -> Vec<String> {
    let words = ["word", "Größe", "日本語", "🙂", "👩‍👩‍👧", "\"quoted\"", "e\u{301}", "<b>"];
    (0..count).map(|number| format!(" {}{number}", words[number % words.len()])).collect()
}

/// The same as one line of a prompt.
pub(crate) fn echo(count: usize) -> String {
    let mut prompt = "ECHO:".to_owned();
    long(count).iter().for_each(|token| _ = write!(prompt, "{token}"));
    prompt
}
