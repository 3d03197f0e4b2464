//! From events to chunks.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::parse::in_band;
use super::repair::Repair;
use super::wire::{ChoicesView, ChunkView, CompletionView};
use crate::chat::{ChatItem, ChatRequest, Chunk, Completion};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::http::SseDecoder;
use crate::upstream::decode::Decode;

/// How long the end of the body may take after `[DONE]`.
const TAIL: Duration = Duration::from_millis(50);

/// The decoder of one streamed answer.
pub(super) struct Decoder {
    events: SseDecoder,
    repair: Repair,
    credential: Credential,
    choices: ChoicesView,
    done: bool,
}

impl Decoder {
    pub(super) fn new(request: &ChatRequest, credential: &Credential, limit: usize) -> Self {
        Self {
            events: SseDecoder::new(limit),
            repair: Repair::new(&request.model),
            credential: credential.clone(),
            choices: ChoicesView::default(),
            done: false,
        }
    }

    /// Reads one event; none for an object that is no chunk.
    fn chunk(&mut self, data: Bytes) -> Result<Option<Chunk>> {
        let text = text_of(&data)?;
        if let Some(view) =
            one_line(text).and_then(|text| serde_json::from_str::<ChunkView>(text).ok())
        {
            self.note(view.choices);
            return Ok(Some(Chunk::from_wire(data, view.choices.content)));
        }
        let value: Value = serde_json::from_str(text).map_err(not_json)?;
        if value.get("error").is_some_and(|error| !error.is_null()) {
            return Err(in_band(&value, self.choices.content, &self.credential));
        }
        let Some((body, view)) = self.repair.chunk(value)? else {
            return Ok(None);
        };
        self.note(view);
        Ok(Some(Chunk::from(body)))
    }

    fn note(&mut self, view: ChoicesView) {
        self.choices.content |= view.content;
        self.choices.seen |= view.seen;
        self.choices.ended |= view.ended;
    }

    fn is_whole(&self) -> bool {
        self.choices.seen != 0 && self.choices.seen == self.choices.ended
    }
}

impl Decode for Decoder {
    fn push(&mut self, bytes: Bytes) {
        // What follows `[DONE]` is no part of the answer.
        if !self.done {
            self.events.push(bytes);
        }
    }

    fn next(&mut self) -> Result<Option<ChatItem>> {
        while !self.done
            && let Some(event) = self.events.next()?
        {
            if event.data == "[DONE]" {
                self.done = true;
                self.finish()?;
            } else if !event.data.is_empty()
                && let Some(chunk) = self.chunk(event.data)?
            {
                return Ok(Some(ChatItem::Chunk(chunk)));
            }
        }
        Ok(None)
    }

    fn finish(&mut self) -> Result<()> {
        if self.is_whole() {
            return Ok(());
        }
        Err(match self.choices.content {
            true => incomplete("the upstream's answer ended without a finish_reason"),
            false => Error::new(ErrorKind::UpstreamProtocol, "chat", "the answer is empty"),
        })
    }

    fn tail(&self) -> Option<Duration> {
        self.done.then_some(TAIL)
    }
}

/// Reads a whole answer; one that follows the schema keeps its bytes.
pub(super) fn read_whole(
    body: Bytes,
    request: &ChatRequest,
    credential: &Credential,
) -> Result<Completion> {
    let text = text_of(&body)?;
    let follows = |view: &CompletionView| {
        let ChoicesView { seen, ended, .. } = view.choices;
        seen != 0 && seen == ended
    };
    if serde_json::from_str::<CompletionView>(text).is_ok_and(|view| follows(&view)) {
        return Ok(Completion::from_wire(body));
    }
    let value: Value = serde_json::from_str(text).map_err(not_json)?;
    if value.get("error").is_some_and(|error| !error.is_null()) {
        return Err(in_band(&value, false, credential));
    }
    Repair::new(&request.model).completion(value).map(Completion::from)
}

fn text_of(data: &[u8]) -> Result<&str> {
    std::str::from_utf8(data).map_err(|error| {
        let message = "the upstream's answer is not UTF-8";
        Error::new(ErrorKind::UpstreamProtocol, "chat", message).with_source(error)
    })
}

/// Only a text on one line can be sent on as the data of one event.
fn one_line(text: &str) -> Option<&str> {
    memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_none().then_some(text)
}

fn not_json(error: serde_json::Error) -> Error {
    let message = "the upstream's answer is not JSON: content is lost";
    Error::new(ErrorKind::UpstreamProtocol, "chat", message).with_source(error)
}

pub(super) fn incomplete(message: &str) -> Error {
    Error::new(ErrorKind::UpstreamIncomplete, "chat", message)
}
