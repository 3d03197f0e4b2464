//! Gathers what was found, and puts text together where something was taken out of it.

use super::parser::Found;

/// Stands where a tag was left out and the texts around it could form another one.
const LEFT_OUT: &str = "…";
/// Stands between the text before calls and the text after them.
const BREAK: &str = "\n\n";

/// How many blanks before tags that were left out are kept, in bytes.
const MOST_BLANKS: usize = 128;

/// What was found since it was taken last.
#[derive(Debug)]
pub(super) struct Output {
    found: Vec<Found>,
    gap: Gap,
    /// Blanks before a tag that was left out; they count if no call follows.
    blanks: String,
    /// The text ends in what may be the beginning of a tag.
    open: bool,
    /// The text's last line is blank so far.
    blank_line: bool,
    /// There was text before.
    spoken: bool,
}

/// What stood between the last text and the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    Nothing,
    LeftOut,
    Call,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            found: Vec::new(),
            gap: Gap::Nothing,
            blanks: String::new(),
            open: false,
            blank_line: true,
            spoken: false,
        }
    }
}

impl Output {
    pub(super) fn take(&mut self) -> Vec<Found> {
        std::mem::take(&mut self.found)
    }

    /// Adds text; blanks that follow a call are left away.
    pub(super) fn text(&mut self, text: &str) {
        let text = if self.gap == Gap::Call { text.trim_ascii_start() } else { text };
        if text.is_empty() {
            return;
        }
        let blanks = std::mem::take(&mut self.blanks);
        if !blanks.is_empty() {
            self.append(&blanks);
        }
        match std::mem::replace(&mut self.gap, Gap::Nothing) {
            Gap::Call if self.spoken => self.append(BREAK),
            Gap::LeftOut if self.open => self.append(LEFT_OUT),
            _ => {}
        }
        self.append(text);
        self.spoken = true;
    }

    fn append(&mut self, text: &str) {
        if let Some(last) = text.rfind(['<', '>', '[', ']']) {
            self.open = matches!(text.as_bytes()[last], b'<' | b'[');
        }
        let line = text.rfind('\n').map(|end| &text[end..]);
        let blank = line.unwrap_or(text).trim_ascii().is_empty();
        self.blank_line = blank && (self.blank_line || line.is_some());
        match self.found.last_mut() {
            Some(Found::Text(before)) => before.push_str(text),
            _ => self.found.push(Found::Text(text.to_owned())),
        }
    }

    /// Notes that a tag was left out, and the blanks before it.
    pub(super) fn leave_out(&mut self, blanks: &str) {
        if self.gap == Gap::Call {
            return;
        }
        self.gap = Gap::LeftOut;
        if self.blanks.len() + blanks.len() <= MOST_BLANKS {
            self.blanks.push_str(blanks);
        }
    }

    /// Says whether nothing but blanks came since the last call.
    pub(super) fn after_call(&self) -> bool {
        self.gap == Gap::Call
    }

    /// Adds a call, or what was meant as one.
    pub(super) fn found(&mut self, found: Found) {
        self.found.push(found);
        self.blanks.clear();
        self.gap = Gap::Call;
        self.blank_line = true;
    }

    pub(super) fn at_line_start(&self) -> bool {
        self.blank_line
    }

    pub(super) fn set_line_start(&mut self, line_start: bool) {
        self.blank_line = line_start;
    }
}
