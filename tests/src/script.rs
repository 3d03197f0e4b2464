//! Scripts: what the simulator does with one request, step by step.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The steps that answer one request.
///
/// As JSON a unit step is its name and any other an object with one key:
///
/// ```
/// use llm2api_tests::{Script, Step};
///
/// let script: Script = serde_json::from_str(
///     r#"{"steps": [{"status": {"status": 200}}, {"chunk": "half a li"}, "reset"]}"#,
/// ).unwrap();
/// assert_eq!(script.steps[2], Step::Reset);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The steps in order; the body is ended properly after the last one.
    pub steps: Vec<Step>,
}

/// One step of a [`Script`].
///
/// A step that writes body bytes sends the face's normal head first, unless a head or
/// [`Raw`](Step::Raw) bytes came before. In chat-ui's message send the steps after
/// [`Cut`](Step::Cut) or [`Reset`](Step::Reset), or after the client left, are what the
/// generation goes on to do unseen: re-attach shows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Sends the head; the body is chunked unless a `content-length` is among the headers.
    Status {
        /// Status code.
        status: u16,
        /// Headers in order.
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    /// Sends a whole JSON reply with its `content-length`.
    Json {
        /// Status code.
        status: u16,
        /// More headers.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// Body.
        body: Value,
    },
    /// Sends a whole reply of any type with its `content-length`.
    Text {
        /// Status code.
        status: u16,
        /// Value of `content-type`.
        content_type: String,
        /// Body.
        body: String,
    },
    /// Writes text of the body, in one write and one HTTP chunk.
    Chunk(String),
    /// Writes bytes of the body, in one write and one HTTP chunk.
    Bytes(Vec<u8>),
    /// Writes a line of chat-ui's stream.
    Line(Value),
    /// Writes an OpenAI event, `data: …`.
    Event(Value),
    /// Writes `data: [DONE]`.
    Done,
    /// Writes what keeps a silent stream alive: chat-ui's line, or an SSE comment.
    KeepAlive,
    /// Waits that many milliseconds.
    Sleep(u64),
    /// Streams the pieces of a recorded answer (`tests/fixtures/chat-ui/NAME.json`) at once.
    Fixture(String),
    /// Streams the pieces of a recorded answer at the times they were recorded.
    FixtureTimed(String),
    /// Writes bytes that are no protocol: in place of the head, or as a part of the body.
    Garbage,
    /// Writes bytes straight to the socket, past the framing.
    Raw(Vec<u8>),
    /// Closes the socket without ending the body (FIN).
    Cut,
    /// Resets the connection (RST).
    Reset,
    /// Sends nothing more until the client leaves.
    Hang,
    /// Ends the body properly; implied by the end of the steps.
    End,
    /// Sends the face's normal, complete answer with this text, head included. On a request that
    /// is no chat it stands for the normal reply, whatever the text.
    Answer(String),
}

impl Script {
    /// A script of these steps.
    pub fn steps(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect() }
    }

    /// A whole JSON reply.
    pub fn json(status: u16, body: Value) -> Self {
        Self::steps([Step::Json { status, headers: Vec::new(), body }])
    }

    /// A whole reply in `text/plain`.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self::steps([Step::Text {
            status,
            content_type: "text/plain".to_owned(),
            body: body.into(),
        }])
    }

    /// The face's normal answer with this text.
    pub fn answer(text: impl Into<String>) -> Self {
        Self::steps([Step::Answer(text.into())])
    }

    /// Whether the script starts with a reply that refuses the request.
    pub(crate) fn refuses(&self) -> bool {
        let status = match self.steps.iter().find(|step| !matches!(step, Step::Sleep(_))) {
            Some(
                Step::Status { status, .. } | Step::Json { status, .. } | Step::Text { status, .. },
            ) => *status,
            _ => 200,
        };
        !(200..300).contains(&status)
    }
}

impl From<Vec<Step>> for Script {
    fn from(steps: Vec<Step>) -> Self {
        Self { steps }
    }
}
