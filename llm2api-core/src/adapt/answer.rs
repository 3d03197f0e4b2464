//! Makes of a model's text the answer that was demanded.

use std::collections::VecDeque;

use super::demands::Demands;
use super::room::TokenRoom;
use super::stop::StopSearch;
use super::tools::{Found, FoundCall, Problem, ReadyCall, ToolParser, Toolbox, call_id};
use crate::chat::{Delta, FinishReason, FunctionDelta, ToolCallDelta};
use crate::error::{Error, ErrorKind};

/// Broken calls of one answer that the model is told of.
const MOST_FLAWS: usize = 8;

/// How an answer stands once the model has said all.
#[derive(Debug)]
pub(crate) enum Shaped {
    /// It is whole.
    Ended(FinishReason),
    /// It is not what was demanded: the model has to be told this. Where that cannot be, or was done
    /// already, this is what the caller is told.
    Invalid(Option<String>, Error),
}

/// Reads what a model says and gives what the caller may see of it, at once where that is possible.
///
/// Calls are held until they are whole and their arguments satisfy the tool's schema, a JSON answer
/// until it is whole and valid: what was given cannot be taken back.
#[derive(Debug)]
pub(crate) struct AnswerShaper {
    demands: Demands,
    room: Option<TokenRoom>,
    stop: Option<StopSearch>,
    parser: Option<ToolParser>,
    /// All that the model has said since it was asked last.
    said: String,
    /// Text that is not given before the end.
    held: String,
    calls: u32,
    /// The calls of the first answer, in case that the second repeats them.
    accepted: Vec<ReadyCall>,
    /// The upstream calls tools by itself.
    native: bool,
    /// Text was given.
    spoke: bool,
    /// What the model has to be told.
    flaws: Vec<Flaw>,
    /// Calls that the model was told to write again, and has not.
    owed: usize,
    ended: Option<FinishReason>,
    second: bool,
    given: VecDeque<Delta>,
}

/// What is wrong with an answer.
#[derive(Debug)]
struct Flaw {
    code: &'static str,
    /// For the caller.
    reason: String,
    /// For the model.
    correction: String,
}

impl Flaw {
    fn call(toolbox: &Toolbox, problem: &Problem) -> Self {
        let (reason, correction) = (problem.to_string(), toolbox.correction(problem));
        Self { code: "invalid_tool_call", reason, correction }
    }
}

impl AnswerShaper {
    pub(crate) fn new(demands: Demands) -> Self {
        Self {
            room: demands.most_tokens.map(TokenRoom::new),
            stop: demands.stop.as_ref().map(StopSearch::from),
            parser: demands.toolbox.as_ref().map(Toolbox::parser),
            demands,
            said: String::new(),
            held: String::new(),
            calls: 0,
            accepted: Vec::new(),
            native: false,
            spoke: false,
            flaws: Vec::new(),
            owed: 0,
            ended: None,
            second: false,
            given: VecDeque::new(),
        }
    }

    /// Takes the next piece of what the model says.
    pub(crate) fn read(&mut self, delta: Delta, reason: Option<FinishReason>) {
        if let Some(text) = delta.reasoning_text().map(str::to_owned) {
            self.reasoning(&text);
        }
        if let Some(text) = &delta.content {
            self.text(text);
        }
        let calls = delta.tool_calls.filter(|_| self.demands.toolbox.is_none());
        self.native |= calls.as_ref().is_some_and(|calls| !calls.is_empty());
        let rest = Delta {
            refusal: delta.refusal.filter(|text| !text.is_empty()),
            tool_calls: calls,
            extra: delta.extra,
            ..Delta::default()
        };
        if rest != Delta::default() {
            self.given.push_back(rest);
        }
        if let Some(FinishReason::Length | FinishReason::ContentFilter) = reason {
            self.break_off(reason);
        }
    }

    /// Gives the next piece for the caller.
    pub(crate) fn next(&mut self) -> Option<Delta> {
        self.given.pop_front()
    }

    /// Returns how the answer ends, where nothing that the model may still say counts.
    pub(crate) fn is_over(&self) -> Option<FinishReason> {
        self.ended
    }

    /// Returns the stop sequence that ended it.
    pub(crate) fn stop_met(&self) -> Option<&str> {
        self.stop.as_ref().and_then(StopSearch::met)
    }

    /// Returns what the model has said since it was asked last.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    /// The model has said all.
    pub(crate) fn finish(&mut self) -> Shaped {
        if let Some(reason) = self.ended {
            return Shaped::Ended(reason);
        }
        self.flush();
        if let Some(reason) = self.ended {
            return Shaped::Ended(reason);
        }
        if self.calls == 0 && !self.native && self.flaws.is_empty() {
            self.settle_text();
        } else if self.owed > 0 && self.flaws.is_empty() {
            let reason = "a tool call was not written again".into();
            self.flaws.push(Flaw { code: "invalid_tool_call", reason, correction: String::new() });
        }
        let flaws = std::mem::take(&mut self.flaws);
        match flaws.first() {
            None => Shaped::Ended(self.natural_end()),
            Some(Flaw { code, reason, .. }) => {
                self.owed = flaws.len();
                let correction = (!self.second).then(|| self.correction(&flaws));
                Shaped::Invalid(correction, invalid(code, reason))
            }
        }
    }

    fn natural_end(&self) -> FinishReason {
        if self.calls > 0 || self.native { FinishReason::ToolCalls } else { FinishReason::Stop }
    }

    fn correction(&self, flaws: &[Flaw]) -> String {
        let accepted: Vec<String> =
            self.accepted.iter().map(|call| format!("`{}`", call.name)).collect();
        let taken = (!accepted.is_empty()).then(|| {
            let accepted = accepted.join(", ");
            format!(
                "These calls of your last message were accepted, do not repeat them: {accepted}."
            )
        });
        let wrong = flaws.iter().map(|flaw| flaw.correction.clone());
        taken.into_iter().chain(wrong).collect::<Vec<_>>().join("\n\n")
    }

    /// Reads the answer to a correction from here on.
    pub(crate) fn begin_again(&mut self) {
        self.second = true;
        self.parser = self.demands.toolbox.as_ref().map(Toolbox::parser);
        self.stop = self.demands.stop.as_ref().map(StopSearch::from);
        self.said.clear();
        self.held.clear();
    }

    fn reasoning(&mut self, text: &str) {
        let text = self.room.as_mut().map_or(text, |room| room.take(text)).to_owned();
        if !self.second && !text.is_empty() {
            self.given.push_back(Delta::reasoning(text));
        }
        self.heed_room();
    }

    fn text(&mut self, text: &str) {
        let text = self.room.as_mut().map_or(text, |room| room.take(text));
        self.said.push_str(text);
        match &mut self.parser {
            Some(parser) => {
                let found = parser.push(text);
                self.found(found);
            }
            None => self.visible(text),
        }
        self.heed_room();
    }

    fn heed_room(&mut self) {
        if self.room.as_ref().is_some_and(TokenRoom::is_used_up) {
            self.break_off(Some(FinishReason::Length));
        }
    }

    fn found(&mut self, found: Vec<Found>) {
        for one in found {
            if self.ended.is_some() {
                return;
            }
            match one {
                Found::Text(text) => self.visible(&text),
                Found::Call(call) => self.call(&call),
                Found::Broken(broken) => self.object_to(broken.problem()),
            }
        }
    }

    /// Takes text that is for the caller's eyes.
    fn visible(&mut self, text: &str) {
        let certain = match &mut self.stop {
            Some(stop) => stop.push(text),
            None => text.to_owned(),
        };
        self.give(certain);
        if self.stop_met().is_some() {
            self.break_off(Some(FinishReason::Stop));
        }
    }

    fn give(&mut self, text: String) {
        if self.demands.format.is_some() || self.second {
            self.held.push_str(&text);
        } else if !text.is_empty() {
            self.spoke = true;
            self.given.push_back(Delta::text(text));
        }
    }

    fn call(&mut self, call: &FoundCall) {
        let Some(toolbox) = &self.demands.toolbox else { return };
        if self.calls > 0 && toolbox.wants_one_call() {
            return;
        }
        match toolbox.check(call) {
            Ok(call) if self.is_repeated(&call) => {}
            Ok(call) => self.give_call(call),
            Err(problem) => self.object_to(&problem),
        }
    }

    fn object_to(&mut self, problem: &Problem) {
        let Some(toolbox) = &self.demands.toolbox else { return };
        let is_extra = self.calls > 0 && toolbox.wants_one_call();
        if !is_extra && self.flaws.len() < MOST_FLAWS {
            self.flaws.push(Flaw::call(toolbox, problem));
        }
    }

    /// Says whether a second answer repeats a call of the first, each of which counts once.
    fn is_repeated(&mut self, call: &ReadyCall) -> bool {
        let same = |one: &ReadyCall| one.name == call.name && one.has_arguments_of(call);
        let at = self.second.then(|| self.accepted.iter().position(same)).flatten();
        at.map(|at| self.accepted.swap_remove(at)).is_some()
    }

    /// Gives a call: first whom it is for, then the arguments.
    fn give_call(&mut self, call: ReadyCall) {
        if !self.second {
            self.accepted.push(call.clone());
        }
        let ReadyCall { name, arguments, .. } = call;
        let index = self.calls;
        self.calls += 1;
        self.owed = self.owed.saturating_sub(1);
        let piece = |id: Option<String>, name, arguments| {
            let kind = id.is_some().then(|| "function".to_owned());
            let function = Some(FunctionDelta { name, arguments: Some(arguments) });
            let call = ToolCallDelta { index, id, kind, function, ..ToolCallDelta::default() };
            Delta { tool_calls: Some(vec![call]), ..Delta::default() }
        };
        self.given.push_back(piece(Some(call_id()), Some(name), String::new()));
        self.given.push_back(piece(None, None, arguments));
    }

    /// Ends the answer where it is: half a call is none, and half a text is given as it is.
    fn break_off(&mut self, reason: Option<FinishReason>) {
        if self.ended.is_some() {
            return;
        }
        if reason != Some(FinishReason::Stop) {
            self.flush();
            // A stop sequence in what was held back comes before the limit.
            if self.ended.is_some() {
                return;
            }
        }
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.given.push_back(Delta::text(held));
        }
        self.ended = match reason {
            Some(FinishReason::Stop) => Some(self.natural_end()),
            reason => reason,
        };
    }

    /// Takes what parser and search have held back.
    fn flush(&mut self) {
        if let Some(parser) = &mut self.parser {
            let found = parser.finish();
            self.found(found);
        }
        let rest = self.stop.as_mut().map(StopSearch::finish).unwrap_or_default();
        self.give(rest);
    }

    /// Settles what an answer without calls is worth.
    fn settle_text(&mut self) {
        if self.demands.toolbox.as_ref().is_some_and(Toolbox::must_call) {
            return self.object_to(&Problem::NoCall);
        }
        let held = std::mem::take(&mut self.held);
        let text = match &self.demands.format {
            None if self.spoke && !held.is_empty() => Ok(format!("\n\n{held}")),
            None => Ok(held),
            Some(format) => format.read(&held).map_err(|problem| Flaw {
                code: "invalid_json_answer",
                reason: problem.to_string(),
                correction: format.correction(&problem),
            }),
        };
        match text {
            Ok(text) if text.is_empty() => {}
            Ok(text) => self.given.push_back(Delta::text(text)),
            Err(flaw) => self.flaws.push(flaw),
        }
    }
}

fn invalid(code: &'static str, reason: &str) -> Error {
    let message = format!("the model's answer is not what the request demands: {reason}");
    Error::new(ErrorKind::AnswerInvalid, "adapt answer", message).with_code(code)
}
