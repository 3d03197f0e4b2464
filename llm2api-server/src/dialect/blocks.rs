//! An answer as a row of blocks, each of one kind, which the newer dialects are made of.

use std::collections::HashMap;
use std::ops::Range;

use llm2api_core::{
    ChunkBody, Completion, Delta, Error, ErrorKind, FinishReason, ToolCallDelta, Usage,
};
use serde::de::IgnoredAny;

/// No answer is larger: the end of a Responses stream repeats all of it, so it has to be held.
const MOST: usize = 16 << 20;
/// What a block weighs by itself, so that an answer of very many small ones has an end too.
const FRAME: usize = 256;

/// A piece of an answer that is of one kind.
#[derive(Debug)]
pub(crate) struct Block {
    /// What it is.
    pub(crate) kind: Kind,
    /// What it says so far; of a call, its arguments.
    pub(crate) text: String,
    stage: Stage,
}

/// What a block is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reasoning.
    Reasoning,
    /// Text.
    Text,
    /// Text in which the model refuses.
    Refusal,
    /// A call of a function.
    Call {
        /// Its id.
        id: String,
        /// The function.
        name: String,
    },
}

/// How far a block has got. A call without a name has not begun: nobody could be told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Held,
    Open,
    Ended,
}

impl Block {
    /// Says whether a piece begins another call under the same number, as some servers have it.
    fn is_followed_by(&self, piece: &ToolCallDelta) -> bool {
        let Kind::Call { id, name } = &self.kind else { return false };
        let other = piece.id.as_ref().is_some_and(|other| !other.is_empty() && other != id);
        let named = piece.function.as_ref().is_some_and(|function| function.name.is_some());
        !name.is_empty() && other && named
    }
}

/// What happens to a block, by its place in the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It begins.
    Begin(usize),
    /// It gains this range of its text.
    Grow(usize, Range<usize>),
    /// It is whole, or as whole as it will be.
    End(usize),
}

/// The blocks of one answer, built from its chunks.
///
/// One block follows the other. Only calls may overlap what follows, where an upstream mixes the
/// pieces: a call whose arguments are no whole JSON stays open.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    row: Vec<Block>,
    /// Those that have not ended, by their place.
    open: Vec<usize>,
    /// The last call under each number.
    calls: HashMap<u32, usize>,
    size: usize,
    /// Why the answer ended.
    pub(crate) finish: Option<FinishReason>,
    /// The stop sequence that ended it, from upstreams that say so.
    pub(crate) stop: Option<String>,
    /// What it took.
    pub(crate) usage: Option<Usage>,
}

impl Blocks {
    /// Takes a whole answer apart; only its first choice counts.
    pub(crate) fn of(completion: Completion) -> Result<Self, Error> {
        let body = completion.into_body()?;
        let mut blocks = Self { usage: body.usage, ..Self::default() };
        if let Some(choice) = body.choices.into_iter().next() {
            blocks.finish = choice.finish_reason;
            blocks.stop = stop(&choice.extra);
            blocks.gain(Delta::from(choice.message), &mut Vec::new())?;
        }
        blocks.finish(&mut Vec::new());
        Ok(blocks)
    }

    /// Takes a chunk; only its first choice counts.
    pub(crate) fn push(&mut self, chunk: ChunkBody) -> Result<Vec<Step>, Error> {
        let mut steps = Vec::new();
        self.usage = chunk.usage.or_else(|| self.usage.take());
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            self.finish = choice.finish_reason.or(self.finish);
            self.stop = stop(&choice.extra).or_else(|| self.stop.take());
            self.gain(choice.delta, &mut steps)?;
        }
        Ok(steps)
    }

    /// Ends what is still open.
    pub(crate) fn finish(&mut self, steps: &mut Vec<Step>) {
        for at in std::mem::take(&mut self.open) {
            if self.row[at].stage == Stage::Held {
                self.begin(at, steps);
            }
            self.end(at, steps);
        }
    }

    /// Returns the blocks that have begun, in order.
    pub(crate) fn row(&self) -> &[Block] {
        &self.row
    }

    fn gain(&mut self, delta: Delta, steps: &mut Vec<Step>) -> Result<(), Error> {
        let reasoning = delta.reasoning_text().map(str::to_owned);
        let texts = [
            (Kind::Reasoning, reasoning),
            (Kind::Text, delta.content),
            (Kind::Refusal, delta.refusal),
        ];
        for (kind, text) in texts {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                let at = self.current(kind, steps)?;
                self.grow(at, &text, steps)?;
            }
        }
        delta.tool_calls.into_iter().flatten().try_for_each(|call| self.call(call, steps))
    }

    /// Finds the open block of this kind, or ends the one before and begins one.
    fn current(&mut self, kind: Kind, steps: &mut Vec<Step>) -> Result<usize, Error> {
        let last = self.row.last().filter(|last| last.stage == Stage::Open && last.kind == kind);
        if last.is_some() {
            return Ok(self.row.len() - 1);
        }
        self.end_last(&kind, steps);
        let at = self.add(kind)?;
        self.begin(at, steps);
        Ok(at)
    }

    fn call(&mut self, piece: ToolCallDelta, steps: &mut Vec<Step>) -> Result<(), Error> {
        let known = self.calls.get(&piece.index).copied();
        let at = match known.filter(|at| !self.row[*at].is_followed_by(&piece)) {
            Some(at) => at,
            None => {
                let kind = Kind::Call { id: String::new(), name: String::new() };
                self.end_last(&kind, steps);
                let at = self.add(kind)?;
                self.calls.insert(piece.index, at);
                at
            }
        };
        let function = piece.function.unwrap_or_default();
        self.identify(at, piece.id, function.name);
        let arguments = function.arguments.unwrap_or_default();
        let named = matches!(&self.row[at].kind, Kind::Call { name, .. } if !name.is_empty());
        match self.row[at].stage {
            // Its arguments were whole already: what comes behind them can only be blank.
            Stage::Ended if is_blank(&self.row[at].text) && !is_blank(&arguments) => {
                return Err(too_late());
            }
            Stage::Ended => return Ok(()),
            Stage::Held if named => {
                self.row[at].text.push_str(&arguments);
                self.begin(at, steps);
            }
            Stage::Held => self.row[at].text.push_str(&arguments),
            Stage::Open if arguments.is_empty() => {}
            Stage::Open => return self.grow(at, &arguments, steps),
        }
        self.weigh(arguments.len())
    }

    /// Id and name come once, though some servers repeat them.
    fn identify(&mut self, at: usize, given_id: Option<String>, given_name: Option<String>) {
        if let Kind::Call { id, name } = &mut self.row[at].kind {
            if id.is_empty() {
                *id = given_id.unwrap_or_default();
            }
            if name.is_empty() {
                *name = given_name.unwrap_or_default();
            }
        }
    }

    fn add(&mut self, kind: Kind) -> Result<usize, Error> {
        self.weigh(FRAME)?;
        let at = self.row.len();
        self.row.push(Block { kind, text: String::new(), stage: Stage::Held });
        self.open.push(at);
        Ok(at)
    }

    fn begin(&mut self, at: usize, steps: &mut Vec<Step>) {
        self.row[at].stage = Stage::Open;
        steps.push(Step::Begin(at));
        let held = self.row[at].text.len();
        if held > 0 {
            steps.push(Step::Grow(at, 0..held));
        }
    }

    fn grow(&mut self, at: usize, piece: &str, steps: &mut Vec<Step>) -> Result<(), Error> {
        self.weigh(piece.len())?;
        let text = &mut self.row[at].text;
        let from = text.len();
        text.push_str(piece);
        steps.push(Step::Grow(at, from..text.len()));
        Ok(())
    }

    fn end(&mut self, at: usize, steps: &mut Vec<Step>) {
        if self.row[at].stage == Stage::Open {
            self.row[at].stage = Stage::Ended;
            steps.push(Step::End(at));
        }
    }

    /// Ends the last block before another begins, unless it is a call that has more to come.
    ///
    /// Only the last one is looked at: one that was left open before is one of several whose pieces
    /// are mixed.
    fn end_last(&mut self, next: &Kind, steps: &mut Vec<Step>) {
        let Some(at) = self.open.pop() else { return };
        let Block { kind, text, stage, .. } = &self.row[at];
        let called = matches!(kind, Kind::Call { .. });
        // Where no other call follows, one without arguments takes none.
        let bare = !matches!(next, Kind::Call { .. }) && is_blank(text);
        let whole = !called || bare || serde_json::from_str::<IgnoredAny>(text).is_ok();
        if *stage == Stage::Open && whole {
            self.end(at, steps);
        } else {
            self.open.push(at);
        }
    }

    fn weigh(&mut self, more: usize) -> Result<(), Error> {
        self.size += more;
        if self.size <= MOST {
            return Ok(());
        }
        let message = "the answer is larger than 16 MiB: ask for less at once";
        Err(Error::new(ErrorKind::UpstreamProtocol, "read answer", message))
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn too_late() -> Error {
    let message = "arguments of a call came after the text behind it";
    Error::new(ErrorKind::UpstreamProtocol, "read answer", message)
}

/// vLLM and its kin name the sequence that was met.
fn stop(extra: &llm2api_core::chat::Extra) -> Option<String> {
    extra.get("stop_reason")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests;
