//! Finds calls in an answer as it comes in.

use super::bare::{self, Verdict};
use super::block::{Block, End, LONGEST, Step};
use super::check::Problem;
use super::prose::Output;
use super::shape::{self, FoundCall};
use super::tag::{Look, Tag, look};
use super::toolbox::Toolbox;

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// Text for the reader.
    Text(String),
    /// A call, to be checked by [`Toolbox::check`].
    Call(FoundCall),
    /// What was meant as a call and cannot be read.
    Broken(Broken),
}

/// What was meant as a call and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub(super) problem: Problem,
    /// What stood between the tags.
    pub(super) body: String,
}

impl Broken {
    /// Returns what is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// Finds calls in an answer that arrives in pieces.
///
/// What comes out does not depend on where the pieces were cut, apart from where text is cut. No
/// character of a tag comes out as text, and blanks around calls are left away. A call comes out
/// whole. Memory is bounded: a call may have 1 MiB.
///
/// - A tag counts wherever it stands if what follows begins like a call: JSON, or the tags of one.
/// - A tag that something else follows is a mention: it is left away and the text goes on; except
///   where it stands at the beginning of a line and is closed within 256 bytes or ends the answer:
///   then it was meant as a call, which is broken.
/// - An answer that is JSON from one end to the other, in a code fence or not, is a call if each of
///   its values calls a tool that was offered. It is held back until its end where its first key
///   is that of a call.
/// - Where the answer ends in a call without a closing tag, the call counts if only brackets are
///   missing; one that is cut within a value is broken. A beginning of a tag at the end is text again
///   if it is shorter than six bytes.
/// - What a model writes as the result of its own call is left away, with all that follows.
///
/// # Example
/// ```
/// use llm2api_core::adapt::tools::{Found, Toolbox};
/// use llm2api_core::ChatRequest;
///
/// let request = ChatRequest::from_json(
///     br#"{"model": "m", "messages": [{"role": "user", "content": "What time is it?"}],
///          "tools": [{"type": "function", "function": {"name": "now"}}]}"#,
/// )?;
/// let toolbox = Toolbox::of(&request)?.expect("a tool is offered");
/// let mut parser = toolbox.parser();
/// let mut found = parser.push("Let me see.\n<tool_c");
/// found.extend(parser.push("all>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"));
/// found.extend(parser.finish());
/// assert_eq!(found[0], Found::Text("Let me see.".into()));
/// let Found::Call(call) = &found[1] else { panic!("a call") };
/// assert_eq!(toolbox.check(call)?.arguments, "{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct ToolParser {
    /// The tools that are known; without it, all are.
    toolbox: Option<Toolbox>,
    held: String,
    /// How much of `held` is done.
    at: usize,
    state: State,
    output: Output,
    /// A closing tag of an argument was missing.
    lenient: bool,
    /// The answer began with a code fence that was left away.
    fenced: bool,
    called: bool,
    /// All that is no call comes out as it was written.
    verbatim: bool,
}

#[derive(Debug)]
enum State {
    Start,
    /// The whole answer may be a call without any tag.
    Bare,
    Prose,
    Block(Box<Block>),
    /// Nothing counts any more.
    Over,
}

/// Whether the parser can go on with what it has.
#[derive(PartialEq, Eq)]
enum Flow {
    On,
    Wait,
}

impl ToolParser {
    pub(super) fn new(toolbox: Option<Toolbox>) -> Self {
        Self {
            toolbox,
            held: String::new(),
            at: 0,
            state: State::Start,
            output: Output::default(),
            lenient: false,
            fenced: false,
            called: false,
            verbatim: false,
        }
    }

    /// Makes a parser to which everything is text that is no call, tags and all.
    pub(super) fn verbatim() -> Self {
        Self { verbatim: true, ..Self::new(None) }
    }

    /// Takes the next piece of the answer.
    pub fn push(&mut self, piece: &str) -> Vec<Found> {
        self.held.push_str(piece);
        self.run(false)
    }

    /// Reads a whole answer.
    pub(super) fn read(mut self, answer: &str) -> Vec<Found> {
        self.held.push_str(answer);
        self.run(true)
    }

    /// Gives what was held back, when no more pieces come.
    pub fn finish(&mut self) -> Vec<Found> {
        self.run(true)
    }

    fn run(&mut self, last: bool) -> Vec<Found> {
        while self.step(last) == Flow::On {}
        self.held.drain(..self.at);
        self.at = 0;
        self.output.take()
    }

    fn step(&mut self, last: bool) -> Flow {
        match &mut self.state {
            State::Start => self.start(last),
            State::Bare => self.bare(last),
            State::Prose => self.prose(last),
            State::Block(block) => {
                let step = block.step(&self.held[self.at..], last);
                self.block(step)
            }
            State::Over => {
                self.at = self.held.len();
                Flow::Wait
            }
        }
    }

    fn start(&mut self, last: bool) -> Flow {
        match bare::judge(&self.held) {
            Verdict::Unknown if !last => return Flow::Wait,
            Verdict::Bare => self.state = State::Bare,
            Verdict::Fence(length) if !self.verbatim => {
                (self.at, self.fenced, self.state) = (length, true, State::Prose);
            }
            Verdict::Unknown | Verdict::Prose | Verdict::Fence(_) => self.state = State::Prose,
        }
        Flow::On
    }

    fn bare(&mut self, last: bool) -> Flow {
        if !last && self.held.len() <= LONGEST {
            return Flow::Wait;
        }
        self.state = State::Prose;
        if self.held.len() <= LONGEST
            && let Some(calls) = self.bare_calls()
        {
            self.at = self.held.len();
            self.calls(calls);
        }
        Flow::On
    }

    fn bare_calls(&self) -> Option<Vec<FoundCall>> {
        if !bare::is_whole(&self.held) {
            return None;
        }
        let calls = shape::read_bare(&self.held, self.toolbox.is_none())?;
        let known = |call: &FoundCall| {
            self.toolbox.as_ref().is_none_or(|toolbox| toolbox.offers(&call.name))
        };
        calls.iter().all(known).then_some(calls)
    }

    fn prose(&mut self, last: bool) -> Flow {
        if self.fenced && self.called && self.fence_end(last) == Flow::Wait {
            return Flow::Wait;
        }
        let text = &self.held[self.at..];
        let mark = text.find(['<', '[']);
        let look = mark.map_or(Look::No, |mark| look(&text[mark..]));
        let mark = mark.unwrap_or(text.len());
        let firm = firm(&text[..mark]);
        match look {
            Look::Is(tag, length) if tag.stands_alone() || self.ends_calls(&tag, &text[..mark]) => {
                self.output.text(&text[..firm]);
                let blanks = text[firm..mark].to_owned();
                let written = text[mark..mark + length].to_owned();
                self.at += mark + length;
                self.tag(tag, blanks, written);
                Flow::On
            }
            Look::Maybe { unmistakable: true } if last && !self.verbatim => {
                self.output.text(&text[..firm]);
                let body = text[mark..].to_owned();
                self.at = self.held.len();
                self.output.found(Found::Broken(Broken { problem: Problem::Cut, body }));
                Flow::Wait
            }
            Look::No if mark == text.len() && last => self.say(text.len(), Flow::Wait),
            Look::No if mark == text.len() => self.say(firm, Flow::Wait),
            Look::Maybe { .. } if !last => self.say(firm, Flow::Wait),
            _ => self.say(mark + 1, Flow::On),
        }
    }

    /// Says whether a tag is one that closes, with nothing between it and a call.
    fn ends_calls(&self, tag: &Tag, before: &str) -> bool {
        tag.closes() && self.output.after_call() && before.trim_ascii().is_empty()
    }

    /// Gives the next `length` bytes out as text.
    fn say(&mut self, length: usize, flow: Flow) -> Flow {
        self.output.text(&self.held[self.at..self.at + length]);
        self.at += length;
        flow
    }

    /// Leaves the end of the fence away that stood around the calls.
    fn fence_end(&mut self, last: bool) -> Flow {
        const FENCE: &str = "```";
        let text = self.held[self.at..].trim_ascii_start();
        if !last && text.len() < FENCE.len() && FENCE.starts_with(text) {
            return Flow::Wait;
        }
        if let Some(rest) = text.strip_prefix(FENCE) {
            self.at = self.held.len() - rest.len();
            self.fenced = false;
        } else if !text.starts_with('<') {
            self.fenced = false;
        }
        Flow::On
    }

    fn tag(&mut self, tag: Tag, blanks: String, written: String) {
        let ends = !matches!(tag, Tag::Response) && self.output.after_call();
        match tag {
            Tag::Open(form, name) => {
                let line_start = self.output.at_line_start() || blanks.contains('\n');
                let block = Block::new((form, name), line_start, self.lenient);
                self.state = State::Block(Box::new(block.with_text(blanks, written)));
            }
            _ if self.verbatim && !ends => self.output.text(&(blanks + &written)),
            Tag::Response if self.called => self.state = State::Over,
            _ => self.output.leave_out(&blanks),
        }
    }

    fn block(&mut self, step: Step) -> Flow {
        let State::Block(block) = &self.state else { return Flow::Wait };
        match step {
            Step::More => return Flow::Wait,
            Step::Mention if self.verbatim => {
                self.output.text(&(block.blanks.clone() + &block.written));
            }
            Step::TooLong if self.verbatim => {
                let rest = &self.held[self.at..];
                self.output.text(&format!("{}{}{rest}", block.blanks, block.written));
                self.state = State::Over;
                return Flow::On;
            }
            Step::Mention => {
                self.output.text(&block.blanks);
                self.output.leave_out("");
            }
            Step::Wrapper(length) => {
                self.at += length;
                self.output.set_line_start(block.line_start);
            }
            Step::Ends(end) => return self.end(end),
            Step::TooLong => {
                let broken = Broken { problem: Problem::TooLong, body: String::new() };
                self.output.found(Found::Broken(broken));
                self.state = State::Over;
                return Flow::On;
            }
        }
        self.state = State::Prose;
        Flow::On
    }

    fn end(&mut self, end: End) -> Flow {
        let State::Block(block) = std::mem::replace(&mut self.state, State::Prose) else {
            return Flow::On;
        };
        let body = &self.held[self.at + block.start..self.at + end.body];
        let read = || shape::read(block.name.as_deref(), body, end.lenient || self.lenient);
        let calls = end.whole.then(read).flatten().ok_or_else(|| {
            let problem = if end.whole { Problem::Unreadable } else { Problem::Cut };
            Broken { problem, body: body.to_owned() }
        });
        let whole = &self.held[self.at..self.at + end.after];
        let whole = self.verbatim.then(|| format!("{}{}{whole}", block.blanks, block.written));
        self.at += end.after;
        self.lenient |= end.lenient;
        match (calls, whole) {
            (Ok(calls), _) => self.calls(calls),
            (Err(_), Some(whole)) => self.output.text(&whole),
            (Err(broken), None) => self.output.found(Found::Broken(broken)),
        }
        Flow::On
    }

    fn calls(&mut self, mut calls: Vec<FoundCall>) {
        self.called = true;
        if self.toolbox.as_ref().is_some_and(Toolbox::wants_one_call) {
            calls.truncate(1);
            self.state = State::Over;
        }
        for call in calls {
            self.output.found(Found::Call(call));
        }
    }
}

/// How much of `text` surely comes out: blanks at its end do not, if a call follows.
fn firm(text: &str) -> usize {
    const MOST_BLANKS: usize = 64;
    let blanks = text.len() - text.trim_ascii_end().len();
    text.len() - blanks.min(MOST_BLANKS)
}
