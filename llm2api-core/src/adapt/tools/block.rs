//! Finds where a call ends that a tag has begun.

use std::ops::ControlFlow::{self, Break, Continue};

use super::strict::{Progress, Tracker};
use super::tag::{Form, Look, Tag, look};

/// How long the text of a call may be, in bytes.
pub(super) const LONGEST: usize = 1 << 20;
/// How far behind a tag that no JSON follows a closing tag is looked for, in bytes.
const DOUBT: usize = 256;
/// How long the first line of a code fence may be, in bytes.
const LONGEST_FENCE: usize = 32;

/// A call that is being read.
///
/// A closing tag within a string of well-formed JSON is part of the string. Where the JSON is broken
/// nobody knows what a string is, and the first closing tag ends the call.
#[derive(Debug)]
pub(super) struct Block {
    form: Form,
    pub(super) name: Option<String>,
    /// Blanks that stood before the tag, in case that the tag turns out to be none.
    pub(super) blanks: String,
    /// The tag as it was written.
    pub(super) written: String,
    /// The tag stands where a line begins, as the prompt asks.
    pub(super) line_start: bool,
    /// Where the call's JSON begins, behind a name that followed a mark.
    pub(super) start: usize,
    /// Closing tags of arguments are missing in this answer.
    lenient: bool,
    at: usize,
    state: State,
    /// The first closing tag within a string, and how much to skip for it.
    inner: Option<(usize, usize)>,
}

#[derive(Debug)]
enum State {
    Opening { fenced: bool },
    Json(Tracker),
    After,
    Loose,
    Fields { inside: bool },
    Doubt,
}

/// What is known about the call so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More has to come.
    More,
    /// The tag was mentioned only.
    Mention,
    /// The tag stands around another one, which is at this place.
    Wrapper(usize),
    /// The call is over.
    Ends(End),
    /// The call is too long to be kept.
    TooLong,
}

/// Goes on looking, or says what is known.
type Flow<T = ()> = ControlFlow<Step, T>;

/// Where a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The end of what stands between the tags.
    pub(super) body: usize,
    /// Where the text goes on.
    pub(super) after: usize,
    /// Whether the call can be whole; otherwise the answer broke off in it.
    pub(super) whole: bool,
    /// Whether the closing tag of an argument is missing.
    pub(super) lenient: bool,
}

impl Block {
    pub(super) fn new(tag: (Form, Option<String>), line_start: bool, lenient: bool) -> Self {
        let (form, name) = tag;
        Self {
            form,
            name,
            blanks: String::new(),
            written: String::new(),
            line_start: line_start || form == Form::Mark,
            start: 0,
            lenient,
            at: 0,
            state: State::Opening { fenced: false },
            inner: None,
        }
    }

    pub(super) fn with_text(mut self, blanks: String, written: String) -> Self {
        (self.blanks, self.written) = (blanks, written);
        self
    }

    /// Looks at what stands behind the tag, all of it each time; `last` says that no more comes.
    pub(super) fn step(&mut self, body: &str, last: bool) -> Step {
        let visible = &body[..boundary(body, LONGEST)];
        let too_long = visible.len() < body.len();
        loop {
            match self.advance(visible, last && !too_long) {
                Continue(()) => {}
                Break(Step::More) if too_long => return Step::TooLong,
                Break(step) => return step,
            }
        }
    }

    fn advance(&mut self, body: &str, last: bool) -> Flow {
        match self.state {
            State::Opening { fenced } => self.opening(body, last, fenced),
            State::Json(_) => self.json(body, last),
            State::After => self.after(body, last),
            State::Loose => self.loose(body, last),
            State::Fields { inside } => self.fields(body, last, inside),
            State::Doubt => self.doubt(body, last),
        }
    }

    /// Decides by the first character what the call is written in.
    fn opening(&mut self, body: &str, last: bool, fenced: bool) -> Flow {
        let text = self.skip_blanks(body);
        match text.as_bytes().first() {
            None if !last => return Break(Step::More),
            None if self.name.is_some() => return Break(ends(self.at, self.at, false)),
            Some(b'`') if !fenced => return self.fence(text, last),
            Some(b'{' | b'[') => self.state = State::Json(Tracker::default()),
            Some(b'<') => return self.opening_tag(text, last),
            Some(_) if self.form == Form::Mark => return self.named_mark(text, last),
            _ => self.state = State::Doubt,
        }
        Continue(())
    }

    fn fence(&mut self, text: &str, last: bool) -> Flow {
        let line = &text[..boundary(text, LONGEST_FENCE)];
        match line.find('\n') {
            Some(end) if text.starts_with("```") => {
                self.at += end + 1;
                self.state = State::Opening { fenced: true };
            }
            None if !last && line.len() == text.len() => return Break(Step::More),
            _ => self.state = State::Doubt,
        }
        Continue(())
    }

    fn opening_tag(&mut self, text: &str, last: bool) -> Flow {
        match look(text) {
            Look::Maybe { .. } if !last => return Break(Step::More),
            Look::Is(Tag::Open(form, _), _) if self.is_bare_tag() && form != Form::ToolCall => {
                return Break(Step::Wrapper(self.at));
            }
            Look::Is(Tag::Parameter(_), _) if self.name.is_some() => {
                self.state = State::Fields { inside: false };
            }
            Look::Is(tag, length) if self.name.is_some() && tag.ends(self.form) => {
                return Break(self.ends_at(&tag, length));
            }
            _ => self.state = State::Doubt,
        }
        Continue(())
    }

    fn is_bare_tag(&self) -> bool {
        self.form == Form::ToolCall && self.name.is_none()
    }

    /// Reads `NAME{…}` and `NAME[ARGS]{…}` behind a mark.
    fn named_mark(&mut self, text: &str, last: bool) -> Flow {
        const ARGUMENTS: &str = "[ARGS]";
        let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let length = text.bytes().take(65).take_while(name).count();
        let (name, rest) = text.split_at(length);
        if ARGUMENTS.starts_with(rest) && rest != ARGUMENTS && length <= 64 && !last {
            return Break(Step::More);
        }
        let rest = rest.strip_prefix(ARGUMENTS).unwrap_or(rest);
        if rest.is_empty() && !last {
            return Break(Step::More);
        }
        if rest.starts_with('{') && length > 0 {
            self.at += text.len() - rest.len();
            (self.start, self.name) = (self.at, Some(name.to_owned()));
            self.state = State::Json(Tracker::default());
        } else {
            self.state = State::Doubt;
        }
        Continue(())
    }

    fn json(&mut self, body: &str, last: bool) -> Flow {
        let State::Json(mut tracker) = std::mem::replace(&mut self.state, State::Loose) else {
            return Continue(());
        };
        while let Some(byte) = body.as_bytes().get(self.at) {
            if *byte == b'<' && tracker.in_text() && self.inner(&body[self.at..], last) {
                break;
            }
            match tracker.push(*byte) {
                Progress::Goes => self.at += 1,
                Progress::Ends => return self.json_ends(),
                Progress::Breaks => return self.json_breaks(),
            }
        }
        let whole = tracker.may_stop();
        self.state = State::Json(tracker);
        match self.inner {
            _ if !last => Break(Step::More),
            Some((end, skip)) => Break(ends(end, end + skip, true)),
            None => Break(ends(body.len(), body.len(), whole)),
        }
    }

    /// Notes the first closing tag within a string; says whether more has to come to know.
    fn inner(&mut self, text: &str, last: bool) -> bool {
        if self.inner.is_some() {
            return false;
        }
        match look(text) {
            Look::Maybe { .. } => return !last,
            Look::Is(tag, length) if tag.ends(self.form) => {
                self.inner = Some((self.at, self.skip(&tag, length)));
            }
            _ => {}
        }
        false
    }

    fn json_ends(&mut self) -> Flow {
        (self.at, self.inner, self.state) = (self.at + 1, None, State::After);
        Continue(())
    }

    /// Broken JSON: what looked like a closing tag within a string was one.
    fn json_breaks(&mut self) -> Flow {
        match self.inner {
            Some((end, skip)) => Break(ends(end, end + skip, true)),
            None => Continue(()), // `Loose` stands there already
        }
    }

    /// Behind a value: another one, the closing tag, or text since the tag is missing.
    fn after(&mut self, body: &str, last: bool) -> Flow {
        const FILLING: &[char] = &[' ', '\t', '\n', '\r', '}', ']', ')', ',', ';', '`'];
        let text = body[self.at..].trim_start_matches(FILLING);
        self.at = body.len() - text.len();
        match look(text) {
            Look::Maybe { .. } if !last => Break(Step::More),
            Look::Is(tag, length) if tag.ends(self.form) => Break(self.ends_at(&tag, length)),
            Look::No if text.is_empty() && !last => Break(Step::More),
            Look::No if text.starts_with(['{', '[']) => {
                self.state = State::Json(Tracker::default());
                Continue(())
            }
            _ => Break(ends(self.at, self.at, true)),
        }
    }

    /// Looks for the closing tag only.
    fn loose(&mut self, body: &str, last: bool) -> Flow {
        while let Some((tag, length)) = self.next_tag(body, last)? {
            if tag.ends(self.form) {
                return Break(self.ends_at(&tag, length));
            }
            self.at += length;
        }
        let text = body.trim_end_matches([' ', '\t', '\n', '\r', '`']);
        let end = ends(body.len(), body.len(), text.ends_with(['}', ']']));
        Break(if last { end } else { Step::More })
    }

    /// Looks for the closing tag between arguments, and for the end of an argument within one.
    fn fields(&mut self, body: &str, last: bool, mut inside: bool) -> Flow {
        while let Some((tag, length)) = self.next_tag(body, last)? {
            match tag {
                Tag::ParameterEnd => (inside, self.inner) = (false, None),
                Tag::Parameter(_) => inside = true,
                tag if tag.ends(self.form) => {
                    if !inside || self.lenient {
                        return Break(self.ends_at(&tag, length));
                    }
                    let skip = self.skip(&tag, length);
                    self.inner.get_or_insert((self.at, skip));
                }
                _ => {}
            }
            self.at += length;
            self.state = State::Fields { inside };
        }
        match self.inner {
            _ if !last => Break(Step::More),
            Some((body, skip)) => {
                Break(Step::Ends(End { body, after: body + skip, whole: true, lenient: true }))
            }
            None => Break(ends(body.len(), body.len(), !inside)),
        }
    }

    /// Behind a tag that no call follows: it was meant as one only if it stands where a line begins
    /// and is closed soon, or ends the answer.
    fn doubt(&mut self, body: &str, last: bool) -> Flow {
        if !self.line_start {
            return Break(Step::Mention);
        }
        while let Some((tag, length)) = self.next_tag(body, last)? {
            if self.at >= DOUBT || matches!(tag, Tag::Open(..)) {
                return Break(Step::Mention);
            }
            if tag.ends(self.form) {
                return Break(self.ends_at(&tag, length));
            }
            self.at += length;
        }
        match body.len() {
            DOUBT.. => Break(Step::Mention),
            _ if last => Break(ends(body.len(), body.len(), false)),
            _ => Break(Step::More),
        }
    }

    /// Goes to the next tag, or to the end of what is there.
    fn next_tag(&mut self, body: &str, last: bool) -> Flow<Option<(Tag, usize)>> {
        while let Some(found) = body[self.at..].find(['<', '[']) {
            self.at += found;
            match look(&body[self.at..]) {
                Look::Is(tag, length) => return Continue(Some((tag, length))),
                Look::Maybe { .. } if !last => return Break(Step::More),
                _ => self.at += 1,
            }
        }
        self.at = body.len();
        Continue(None)
    }

    fn skip_blanks<'a>(&mut self, body: &'a str) -> &'a str {
        let text = body[self.at..].trim_ascii_start();
        self.at = body.len() - text.len();
        text
    }

    /// Ends the call at the tag that was found.
    fn ends_at(&self, tag: &Tag, length: usize) -> Step {
        ends(self.at, self.at + self.skip(tag, length), true)
    }

    /// How much of a tag belongs to the call: all of it if it is the right closing tag, or nothing.
    fn skip(&self, tag: &Tag, length: usize) -> usize {
        if *tag == Tag::Close(self.form) { length } else { 0 }
    }
}

fn ends(body: usize, after: usize, whole: bool) -> Step {
    Step::Ends(End { body, after, whole, lenient: false })
}

/// The largest place of `text`, up to `most`, between two characters.
fn boundary(text: &str, most: usize) -> usize {
    (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
