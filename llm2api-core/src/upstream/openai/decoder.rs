//! From events to chunks.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::choices::{Choices, mend_whole};
use super::parse::{in_band, incomplete};
use super::repair::Repair;
use super::shape::Shape;
use super::view::{ChoicesView, look_at_chunk, look_at_completion};
use crate::chat::{ChatItem, ChatRequest, Chunk, ChunkBody, Completion, CompletionBody};
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
    state: Choices,
    /// The last chunk that said no more than a text, in a choice whose text needs no look.
    pub(super) shape: Shape,
    expected: u32,
    usage_wanted: bool,
    done: bool,
}

impl Decoder {
    pub(super) fn new(request: &ChatRequest, credential: &Credential, limit: usize) -> Self {
        Self {
            events: SseDecoder::new(limit),
            repair: Repair::new(&request.model),
            credential: credential.clone(),
            choices: ChoicesView::default(),
            state: Choices::default(),
            shape: Shape::default(),
            expected: request.n.unwrap_or(1).min(u64::BITS),
            usage_wanted: request.wants_usage() || !request.streams(),
            done: false,
        }
    }

    /// Reads one event; none for an object that is no chunk.
    fn chunk(&mut self, data: Bytes) -> Result<Option<Chunk>> {
        if self.shape.fits(&data) {
            // What was found and noted of the chunk before holds of this one: its choice was seen,
            // and no text of that choice needs a look any more.
            return Ok(Some(Chunk::from_wire(data, true, false)));
        }
        let text = text_of(&data)?;
        let Some(chunk) = one_line(text).and_then(look_at_chunk) else {
            return self.repaired(text);
        };
        let view = chunk.choices;
        if self.state.need_a_look(view) {
            let mut body: ChunkBody = serde_json::from_str(text).map_err(not_json)?;
            if self.state.mend(&mut body) {
                return Ok(self.passed(body));
            }
        } else if let Some(said) = chunk.text_alone() {
            self.shape.keep(text, said);
        }
        let usage = chunk.usage;
        self.note(view);
        let chunk = Chunk::from_wire(data, view.content, usage);
        Ok(Some(chunk).filter(|_| self.is_wanted(view, usage)))
    }

    fn repaired(&mut self, text: &str) -> Result<Option<Chunk>> {
        let value: Value = serde_json::from_str(text).map_err(not_json)?;
        if value.get("error").is_some_and(|error| !error.is_null()) {
            return Err(in_band(&value, self.choices.content, &self.credential));
        }
        let Some(mut body) = self.repair.chunk(value)? else {
            return Ok(None);
        };
        self.state.mend(&mut body);
        Ok(self.passed(body))
    }

    fn passed(&mut self, body: ChunkBody) -> Option<Chunk> {
        let mut view = ChoicesView::default();
        for choice in &body.choices {
            view.add(choice.index, choice.delta.has_content(), choice.finish_reason.is_some());
        }
        self.note(view);
        self.is_wanted(view, body.usage.is_some()).then(|| Chunk::from(body))
    }

    /// A chunk of token counts alone goes only to those who asked for one.
    fn is_wanted(&self, view: ChoicesView, usage: bool) -> bool {
        self.usage_wanted || view.seen != 0 || !usage
    }

    fn note(&mut self, view: ChoicesView) {
        self.choices.content |= view.content;
        self.choices.seen |= view.seen;
        self.choices.ended |= view.ended;
    }

    fn is_whole(&self) -> bool {
        let ChoicesView { seen, ended, .. } = self.choices;
        // A server may leave a choice out, but then it has to say that it is done.
        let enough = self.done || ended.count_ones() >= self.expected;
        seen != 0 && seen == ended && enough
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
            if event.data.trim_ascii() == b"[DONE]" {
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
    let follows = |view: ChoicesView| view.seen != 0 && view.seen == view.ended;
    if let Some((view, counts)) = look_at_completion(text).filter(|(view, _)| follows(*view)) {
        if !(view.renamed || view.lead != 0 || view.calls.unnamed) {
            return Ok(Completion::from_wire(body, counts));
        }
        let mut body: CompletionBody = serde_json::from_str(text).map_err(not_json)?;
        mend_whole(&mut body);
        return Ok(Completion::from(body));
    }
    let value: Value = serde_json::from_str(text).map_err(not_json)?;
    if value.get("error").is_some_and(|error| !error.is_null()) {
        return Err(in_band(&value, false, credential));
    }
    let mut body = Repair::new(&request.model).completion(value)?;
    mend_whole(&mut body);
    Ok(Completion::from(body))
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
