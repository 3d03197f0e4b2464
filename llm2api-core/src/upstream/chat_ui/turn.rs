//! From the lines of one turn to chunks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::config::Family;
use super::faults::{diverged, empty, incomplete, not_updates, too_long};
use super::given::{Given, Piece};
use super::input::{Ended, Input, Received};
use super::parse::in_band;
use super::reading::Reading;
use super::stored::StoredAnswer;
use super::wire::Line;
use crate::adapt::{ThinkSplitter, Thought};
use crate::chat::{ChatItem, Chunk, ChunkBody, ChunkChoice, Delta, FinishReason, Role};
use crate::clock::unix_seconds;
use crate::credential::Credential;
use crate::error::Result;
use crate::http::{JsonLines, SseDecoder};
use crate::upstream::decode::Decode;

/// How long the server may take to end the body once the answer is whole. Measured: 80 ms.
const TAIL: Duration = Duration::from_secs(2);

/// The decoder of one turn.
pub(super) struct Turn {
    input: Input,
    head: Head,
    family: Family,
    credential: Credential,
    items: VecDeque<ChatItem>,
    splitter: ThinkSplitter,
    /// Everything streamed so far, as the upstream sent it: the final text is held against it.
    said: String,
    given: Given,
    files: Files,
    began: bool,
    tools: bool,
    reading: Reading,
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

/// How many files were given, and how many of them have come again.
#[derive(Default)]
struct Files {
    given: usize,
    seen: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    /// The run is over, and the answer with it.
    Over,
    /// The upstream has said that the answer is whole.
    Whole,
    /// It is whole as far as it goes: it met the length limit.
    Short,
}

impl Turn {
    pub(super) fn new(head: Head, family: Family, credential: &Credential, limit: usize) -> Self {
        Self {
            input: Input::Lines(JsonLines::new(limit)),
            head,
            family,
            credential: credential.clone(),
            items: VecDeque::new(),
            splitter: ThinkSplitter::new(),
            said: String::new(),
            given: Given::default(),
            files: Files::default(),
            began: false,
            tools: false,
            reading: Reading::default(),
            limit,
            state: State::Running,
        }
    }

    /// Says whether the upstream's run is over: nothing is left to stop.
    pub(super) fn run_is_over(&self) -> bool {
        self.state != State::Running
    }

    /// Returns the text of an answer that is whole, and did not meet a limit.
    pub(super) fn whole_text(&self) -> Option<String> {
        (self.state == State::Whole).then(|| self.given.text())
    }

    /// Returns a measure that grows as long as the turn gets anywhere, and not when it reads again
    /// what it knows.
    pub(super) fn progress(&self) -> u64 {
        self.given.bytes().saturating_add(self.reading.last.unwrap_or(0))
    }

    /// Returns how many bytes the caller has been given.
    pub(super) fn bytes_given(&self) -> u64 {
        self.given.bytes()
    }

    /// Says whether what came are updates at all, as far as anything came.
    pub(super) fn is_readable(&self) -> bool {
        self.reading.is_readable()
    }

    /// Returns how the record of the generation ended, if it was read to its end in vain.
    pub(super) fn record_ended(&self) -> Option<Ended> {
        self.reading.ended
    }

    /// Returns the number of the update after which the record of the generation goes on: 0 where
    /// it has to be read from its beginning.
    pub(super) fn resume_after(&self) -> u64 {
        self.reading.last.unwrap_or(0)
    }

    /// Goes on with the record of the generation, after the update that
    /// [`resume_after`](Self::resume_after) says. Lines have no numbers: after some of them the
    /// record comes from its beginning, and what was given is not given again.
    pub(super) fn read_record(&mut self) {
        self.reading.ended = None;
        self.input = Input::Events(SseDecoder::new(self.limit));
        if self.reading.last.is_none() {
            self.start_again();
        }
    }

    fn start_again(&mut self) {
        self.said.clear();
        self.splitter = ThinkSplitter::new();
        self.tools = false;
        self.reading.broken = false;
        self.files.seen = 0;
        self.given.start_again();
    }

    /// Ends the turn with the message that the server has stored.
    pub(super) fn take_stored(&mut self, stored: StoredAnswer) -> Result<()> {
        let StoredAnswer { text, reasoning, files, interrupted, failure } = stored;
        if !reasoning.is_empty() && has_tag(&self.said) && !has_tag(&text) {
            // The server has taken the thoughts out of the text.
            self.start_again();
            self.gain(Piece::Reasoning(reasoning.clone()))?;
        }
        let more = self.given.reasoning().and_then(|given| reasoning.strip_prefix(given));
        if let Some(more) = more.map(str::to_owned) {
            self.gain(Piece::Reasoning(more))?;
        }
        self.files.seen = self.files.given;
        for file in files.iter().skip(self.files.given) {
            self.file(file);
        }
        if let Some((message, status)) = failure {
            self.state = State::Over;
            return Err(in_band(&message, status, self.began, &self.credential));
        }
        self.ends_with(&text, interrupted)
    }

    fn line(&mut self, text: &[u8]) -> Result<()> {
        match serde_json::from_slice::<Line<'_>>(text) {
            Ok(line) => {
                self.reading.understood = true;
                self.object(line)
            }
            Err(_) if !self.reading.understood && text.first() != Some(&b'{') => {
                self.reading.broken = true;
                Err(not_updates())
            }
            Err(error) => {
                // Nothing is lost for good as long as a final text proves the answer.
                tracing::warn!(%error, bytes = text.len(), "skipped a line that is no update");
                self.reading.broken = true;
                Ok(())
            }
        }
    }

    fn object(&mut self, line: Line<'_>) -> Result<()> {
        if self.state != State::Running {
            return Ok(());
        }
        match (&*line.kind, &*line.subtype) {
            ("stream", _) => return self.token(&line.token.0),
            ("reasoning", "stream") => return self.gain(Piece::Reasoning(line.token.0)),
            ("tool", _) => return self.tool(),
            ("file", _) => {
                let Line { name, sha, mime, .. } = line;
                self.file(&json!({ "name": name, "sha": sha, "mime": mime }));
            }
            ("finalAnswer", _) => return self.final_answer(&line),
            ("status", _) => return self.status(&line),
            _ => {}
        }
        Ok(())
    }

    fn token(&mut self, token: &str) -> Result<()> {
        if self.said.len() + token.len() > self.limit {
            return Err(too_long());
        }
        self.said.push_str(token);
        let thoughts = self.splitter.push(token);
        self.thoughts(thoughts)
    }

    /// A tool ran: what follows is a new round, which may begin with reasoning again.
    fn tool(&mut self) -> Result<()> {
        self.tools = true;
        let rest = std::mem::take(&mut self.splitter).finish();
        self.thoughts(rest)
    }

    fn file(&mut self, file: &Value) {
        self.files.seen += 1;
        if self.files.seen > self.files.given {
            self.files.given += 1;
            let mut delta = Delta::default();
            delta.extra.insert("llm2api_files".into(), json!([file]));
            self.send(delta);
        }
    }

    fn status(&mut self, line: &Line<'_>) -> Result<()> {
        match &*line.status {
            "error" => {
                self.state = State::Over;
                let message = line.message.as_deref().unwrap_or("no reason given");
                Err(in_band(message, line.status_code, self.began, &self.credential))
            }
            // No final answer: the model's service gave no finish reason; the tokens are the text.
            "finished" if !self.began => {
                self.state = State::Over;
                Err(empty())
            }
            "finished" => {
                self.reading.check()?;
                self.finish_with(FinishReason::Stop)
            }
            _ => Ok(()),
        }
    }

    fn final_answer(&mut self, line: &Line<'_>) -> Result<()> {
        self.ends_with(line.text.as_deref().unwrap_or_default(), line.interrupted)
    }

    /// Compares the authoritative text with what was streamed, and sends what is missing.
    fn ends_with(&mut self, text: &str, interrupted: bool) -> Result<()> {
        self.state = State::Over;
        if interrupted && matches!(self.family, Family::V2 { .. }) {
            return Err(incomplete("upstream_stopped", "the answer was stopped at the upstream"));
        }
        let missing = self.missing(text)?;
        self.token(&missing)?;
        let reason = if interrupted { FinishReason::Length } else { FinishReason::Stop };
        self.finish_with(reason)
    }

    /// The server's own rule for what it stores, so that the client gets the same.
    fn missing(&self, text: &str) -> Result<String> {
        let said = self.said.as_str();
        if let Some(rest) = text.strip_prefix(said) {
            return Ok(rest.to_owned());
        }
        if said.trim() == text.trim() {
            return Ok(String::new());
        }
        if self.tools {
            // The text is that of the last round only: it proves nothing of what came before.
            self.reading.check()?;
            let there = said.ends_with(text);
            return Ok(if there { String::new() } else { format!("\n\n{text}") });
        }
        Err(diverged())
    }

    fn finish_with(&mut self, reason: FinishReason) -> Result<()> {
        self.state = State::Over;
        let rest = self.splitter.finish();
        self.thoughts(rest)?;
        if self.given.is_behind() {
            return Err(diverged());
        }
        self.state = if reason == FinishReason::Stop { State::Whole } else { State::Short };
        if !self.began {
            self.send(Delta::text(""));
        }
        self.emit(ChunkChoice::from(reason));
        Ok(())
    }

    fn thoughts(&mut self, mut thoughts: impl Iterator<Item = Thought>) -> Result<()> {
        thoughts.try_for_each(|thought| {
            self.gain(match thought {
                Thought::Reasoning(text) => Piece::Reasoning(text),
                Thought::Text(text) => Piece::Text(text),
            })
        })
    }

    /// Gives the caller what is new of a piece.
    fn gain(&mut self, piece: Piece) -> Result<()> {
        if self.given.bytes() > 2 * self.limit as u64 {
            return Err(too_long());
        }
        match self.given.take(piece).map_err(|_| diverged())? {
            Some(Piece::Reasoning(text)) => self.send(Delta::reasoning(text)),
            Some(Piece::Text(text)) => self.send(Delta::text(text)),
            None => {}
        }
        Ok(())
    }

    fn send(&mut self, mut delta: Delta) {
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
        self.input.push(bytes);
    }

    fn next(&mut self) -> Result<Option<ChatItem>> {
        while self.items.is_empty()
            && let Some(received) = self.input.next()?
        {
            match received {
                Received::Update(line, number) if self.reading.is_next(number) => {
                    self.line(&line)?;
                }
                Received::Update(..) => {}
                Received::End(how) => self.reading.ended = Some(how),
            }
        }
        Ok(self.items.pop_front())
    }

    fn finish(&mut self) -> Result<()> {
        let rest = self.input.rest();
        let cut = rest.is_some() || self.reading.understood;
        let broken = self.reading.broken;
        if let Some(line) = rest {
            self.line(&line)?;
            // Half a line is no broken one.
            self.reading.broken = broken;
        }
        match self.state {
            State::Whole | State::Short => Ok(()),
            _ if !self.reading.is_readable() => Err(not_updates()),
            _ if cut => Err(incomplete("upstream_incomplete", "the upstream's answer broke off")),
            _ => Err(empty()),
        }
    }

    fn tail(&self) -> Option<Duration> {
        let is_whole = matches!(self.state, State::Whole | State::Short);
        (is_whole && self.items.is_empty()).then_some(TAIL)
    }
}

fn has_tag(text: &str) -> bool {
    text.trim_start().starts_with("<think>")
}
