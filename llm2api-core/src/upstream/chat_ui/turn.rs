//! From the lines of one turn to chunks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::config::Family;
use super::guard::TurnGuard;
use super::parse::in_band;
use super::wire::Line;
use crate::adapt::{ThinkSplitter, Thought};
use crate::chat::{ChatItem, Chunk, ChunkBody, ChunkChoice, Delta, FinishReason, Role};
use crate::clock::unix_seconds;
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::http::JsonLines;
use crate::upstream::decode::Decode;

/// How long the server may take to end the body once the answer is whole. Measured: 80 ms.
const TAIL: Duration = Duration::from_secs(2);

/// The decoder of one turn.
pub(super) struct Turn {
    lines: JsonLines,
    head: Head,
    family: Family,
    credential: Credential,
    guard: Option<TurnGuard>,
    items: VecDeque<ChatItem>,
    splitter: ThinkSplitter,
    /// Everything streamed so far, as the upstream sent it: the final text is held against it.
    said: String,
    began: bool,
    tools: bool,
    lines_read: LinesRead,
    limit: usize,
    state: State,
}

/// What all chunks of the turn share.
pub(super) struct Head {
    pub(super) id: Arc<str>,
    pub(super) model: Arc<str>,
    pub(super) created: u64,
}

impl Head {
    pub(super) fn new(id: &str, model: &str) -> Self {
        Self { id: id.into(), model: model.into(), created: unix_seconds() }
    }
}

/// What the lines so far were.
#[derive(Default)]
struct LinesRead {
    /// At least one was an update.
    understood: bool,
    /// At least one was none.
    broken: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    /// The upstream has said that the answer is whole.
    Whole,
}

impl Turn {
    pub(super) fn new(head: Head, family: Family, credential: &Credential, limit: usize) -> Self {
        Self {
            lines: JsonLines::new(limit),
            head,
            family,
            credential: credential.clone(),
            guard: None,
            items: VecDeque::new(),
            splitter: ThinkSplitter::new(),
            said: String::new(),
            began: false,
            tools: false,
            lines_read: LinesRead::default(),
            limit,
            state: State::Running,
        }
    }

    /// Ties the conversation's clean-up to this turn.
    pub(super) fn with_guard(mut self, guard: TurnGuard) -> Self {
        self.guard = Some(guard);
        self
    }

    fn line(&mut self, text: &[u8]) -> Result<()> {
        match serde_json::from_slice::<Line<'_>>(text) {
            Ok(line) => {
                self.lines_read.understood = true;
                self.object(line)
            }
            Err(_) if !self.lines_read.understood && text[0] != b'{' => Err(not_updates()),
            Err(error) => {
                // Nothing is lost for good as long as a final text proves the answer.
                tracing::warn!(%error, bytes = text.len(), "skipped a line that is no update");
                self.lines_read.broken = true;
                Ok(())
            }
        }
    }

    fn object(&mut self, line: Line<'_>) -> Result<()> {
        if self.state == State::Whole {
            return Ok(());
        }
        match (&*line.kind, &*line.subtype) {
            ("stream", _) => return self.token(&line.token.0),
            ("reasoning", "stream") => self.gain(Delta::reasoning(line.token.0)),
            ("tool", _) => self.tool(),
            ("file", _) => self.file(&line),
            ("finalAnswer", _) => return self.final_answer(&line),
            ("status", _) => return self.status(&line),
            _ => {}
        }
        Ok(())
    }

    fn token(&mut self, token: &str) -> Result<()> {
        if self.said.len() + token.len() > self.limit {
            let message = "the answer is longer than the one line that its final text must fit in";
            return Err(Error::new(ErrorKind::UpstreamProtocol, "chat", message));
        }
        self.said.push_str(token);
        let thoughts = self.splitter.push(token);
        self.thoughts(thoughts);
        Ok(())
    }

    /// A tool ran: what follows is a new round, which may begin with reasoning again.
    fn tool(&mut self) {
        self.tools = true;
        let rest = std::mem::take(&mut self.splitter).finish();
        self.thoughts(rest);
    }

    fn file(&mut self, line: &Line<'_>) {
        let file = json!({ "name": line.name, "sha": line.sha, "mime": line.mime });
        let mut delta = Delta::default();
        delta.extra.insert("llm2api_files".into(), Value::Array(vec![file]));
        self.gain(delta);
    }

    fn status(&mut self, line: &Line<'_>) -> Result<()> {
        match &*line.status {
            "error" => {
                self.ran();
                let message = line.message.as_deref().unwrap_or("no reason given");
                Err(in_band(message, line.status_code, self.began, &self.credential))
            }
            // No final answer: the model's service gave no finish reason; the tokens are the text.
            "finished" if self.began => {
                self.check_lines()?;
                self.finish_with(FinishReason::Stop);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Compares the authoritative text with what was streamed, and sends what is missing.
    fn final_answer(&mut self, line: &Line<'_>) -> Result<()> {
        self.ran();
        let text = line.text.as_deref().unwrap_or_default();
        if line.interrupted && matches!(self.family, Family::V2 { .. }) {
            return Err(incomplete("upstream_stopped", "the answer was stopped at the upstream"));
        }
        let missing = self.missing(text)?;
        self.token(&missing)?;
        let reason = if line.interrupted { FinishReason::Length } else { FinishReason::Stop };
        self.finish_with(reason);
        Ok(())
    }

    /// The server's own rule for what it stores, so that the client gets the same.
    fn missing(&self, text: &str) -> Result<String> {
        let said = self.said.as_str();
        if let Some(rest) = text.strip_prefix(said) {
            return Ok(rest.to_owned());
        }
        if said.trim() == text.trim() || (self.tools && said.ends_with(text)) {
            return Ok(String::new());
        }
        if self.tools {
            self.check_lines()?;
            return Ok(format!("\n\n{text}"));
        }
        let message = "the upstream began its answer anew; what was sent cannot be taken back";
        Err(incomplete("upstream_diverged", message))
    }

    /// Where no final text proves the whole answer, every line must have been understood.
    fn check_lines(&self) -> Result<()> {
        match self.lines_read.broken {
            true => Err(incomplete("upstream_incomplete", "a line of the answer was unreadable")),
            false => Ok(()),
        }
    }

    fn finish_with(&mut self, reason: FinishReason) {
        self.ran();
        self.state = State::Whole;
        let rest = self.splitter.finish();
        self.thoughts(rest);
        if !self.began {
            self.gain(Delta::text(""));
        }
        self.emit(ChunkChoice::from(reason));
    }

    /// The run is over: nothing is left to stop, only to delete.
    fn ran(&mut self) {
        if let Some(guard) = &mut self.guard {
            guard.ran();
        }
    }

    fn thoughts(&mut self, thoughts: impl Iterator<Item = Thought>) {
        for thought in thoughts {
            self.gain(match thought {
                Thought::Reasoning(text) => Delta::reasoning(text),
                Thought::Text(text) => Delta::text(text),
            });
        }
    }

    fn gain(&mut self, mut delta: Delta) {
        if !std::mem::replace(&mut self.began, true) {
            delta.role = Some(Role::Assistant);
        }
        self.emit(ChunkChoice::from(delta));
    }

    fn emit(&mut self, choice: ChunkChoice) {
        let Head { id, model, created } = &self.head;
        let body = ChunkBody::new(id.clone(), model.clone(), choice).with_created(*created);
        self.items.push_back(ChatItem::Chunk(Chunk::from(body)));
    }
}

impl Decode for Turn {
    fn push(&mut self, bytes: Bytes) {
        self.lines.push(bytes);
    }

    fn next(&mut self) -> Result<Option<ChatItem>> {
        while self.items.is_empty()
            && let Some(line) = self.lines.next()?
        {
            self.line(&line)?;
        }
        Ok(self.items.pop_front())
    }

    fn finish(&mut self) -> Result<()> {
        let rest = self.lines.rest();
        let cut = rest.is_some() || self.lines_read.understood;
        let broken = self.lines_read.broken;
        if let Some(line) = rest {
            self.line(&line)?;
        }
        match self.state {
            State::Whole => Ok(()),
            State::Running if broken && !self.lines_read.understood => Err(not_updates()),
            State::Running if cut => {
                Err(incomplete("upstream_incomplete", "the upstream's answer broke off"))
            }
            State::Running => {
                Err(Error::new(ErrorKind::UpstreamProtocol, "chat", "the answer is empty"))
            }
        }
    }

    fn tail(&self) -> Option<Duration> {
        (self.state == State::Whole && self.items.is_empty()).then_some(TAIL)
    }
}

fn incomplete(code: &'static str, message: &str) -> Error {
    Error::new(ErrorKind::UpstreamIncomplete, "chat", message).with_code(code)
}

fn not_updates() -> Error {
    let message = "the upstream answered with something else than updates: check its URL";
    Error::new(ErrorKind::UpstreamProtocol, "chat", message)
}
