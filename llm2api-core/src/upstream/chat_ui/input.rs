//! The two forms in which the updates of a turn come.

use bytes::Bytes;
use serde::Deserialize;

use crate::error::Result;
use crate::http::{JsonLines, SseDecoder};

/// Cuts a body into updates.
pub(super) enum Input {
    /// The answer to a message: a line each.
    Lines(JsonLines),
    /// The record of a generation: an event each, with a number.
    Events(SseDecoder),
}

/// What was received.
pub(super) enum Received {
    /// An update, with its number where it has one.
    Update(Bytes, Option<u64>),
    /// The record ends here.
    End(Ended),
}

/// How a record says that it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Ended {
    /// The generation is not known.
    Gone,
    /// In any other way: the updates themselves say how.
    #[default]
    #[serde(other)]
    Otherwise,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct End {
    status: Ended,
}

impl Input {
    pub(super) fn push(&mut self, bytes: Bytes) {
        match self {
            Self::Lines(lines) => lines.push(bytes),
            Self::Events(events) => events.push(bytes),
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Received>> {
        let events = match self {
            Self::Lines(lines) => {
                return Ok(lines.next()?.map(|line| Received::Update(line, None)));
            }
            Self::Events(events) => events,
        };
        while let Some(event) = events.next()? {
            match &event.name[..] {
                b"update" => return Ok(Some(Received::Update(event.data, number(&event.id)))),
                b"end" => {
                    let end: End = serde_json::from_slice(&event.data).unwrap_or_default();
                    return Ok(Some(Received::End(end.status)));
                }
                // A heartbeat, or what a later version adds.
                _ => {}
            }
        }
        Ok(None)
    }

    /// Takes a last line without its end, when no more bytes come.
    pub(super) fn rest(&mut self) -> Option<Bytes> {
        match self {
            Self::Lines(lines) => lines.rest(),
            // An event that was not finished is none.
            Self::Events(_) => None,
        }
    }
}

fn number(id: &[u8]) -> Option<u64> {
    std::str::from_utf8(id).ok()?.parse().ok()
}
