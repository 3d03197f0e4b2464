//! Tells the code in a Markdown text from the rest.

/// Backticks that begin a fence at least.
const FENCE: usize = 3;

/// Where a text stands that arrives by characters.
///
/// Code between backticks is known to be code at its end only: until then it is
/// [doubtful](Self::is_doubtful). A paragraph that ends first makes it text, and only text.
#[derive(Clone, Debug, Default)]
pub(super) struct Code {
    place: Place,
    line: Line,
    /// Backticks that were read one after the other.
    ticks: usize,
    escaped: bool,
    closed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Text,
    /// Behind so many backticks, which as many would close.
    Span(usize),
    /// On the line of what may be a fence of so many backticks: another backtick makes it a span.
    Info(usize),
    /// In a block behind a fence of so many backticks.
    Block(usize),
    /// Behind a fence that closes a block unless its line goes on.
    Closing(usize),
}

/// What a line has held so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    #[default]
    Blank,
    /// Marks of quotes and lists, behind which a block may begin.
    Marks,
    Words,
}

impl Code {
    /// Takes the next character.
    pub(super) fn read(&mut self, c: char) {
        self.closed = false;
        if c == '`' && !self.escaped {
            self.ticks += 1;
            return;
        }
        self.end_run();
        self.escaped = c == '\\' && self.place == Place::Text && !self.escaped;
        match c {
            '\n' => self.end_line(),
            c if c.is_whitespace() => {}
            c => self.word(c),
        }
    }

    /// Takes the end of the text.
    pub(super) fn finish(&mut self) {
        self.closed = false;
        self.end_run();
        if let Place::Span(_) = self.place {
            self.place = Place::Text;
        }
    }

    /// Says whether the last character is text, for all that is known.
    pub(super) fn may_be_text(&self) -> bool {
        self.ticks == 0 && matches!(self.place, Place::Text | Place::Span(_))
    }

    /// Says whether it depends on what follows.
    pub(super) fn is_doubtful(&self) -> bool {
        matches!(self.place, Place::Span(_))
    }

    /// Says whether all that was doubtful has turned out to be code with the last character.
    pub(super) fn was_code(&self) -> bool {
        self.closed
    }

    fn end_run(&mut self) {
        let ticks = std::mem::take(&mut self.ticks);
        if ticks == 0 {
            return;
        }
        let begins = self.line != Line::Words;
        self.place = match self.place {
            Place::Text if begins && ticks >= FENCE => Place::Info(ticks),
            Place::Text => Place::Span(ticks),
            Place::Span(open) | Place::Info(open) if ticks == open => Place::Text,
            Place::Info(open) => Place::Span(open),
            Place::Block(open) if begins && ticks >= open => Place::Closing(open),
            Place::Closing(open) => Place::Block(open),
            place => place,
        };
        self.closed = self.place == Place::Text;
        self.line = Line::Words;
    }

    fn end_line(&mut self) {
        self.place = match self.place {
            Place::Info(open) => Place::Block(open),
            Place::Span(_) if self.line == Line::Blank => Place::Text,
            Place::Closing(_) => Place::Text,
            place => place,
        };
        self.line = Line::Blank;
    }

    fn word(&mut self, c: char) {
        if let Place::Closing(open) = self.place {
            self.place = Place::Block(open);
        }
        let marks = match self.place {
            Place::Block(_) => c == '>',
            _ => matches!(c, '>' | '-' | '*' | '+' | '.' | ')' | '0'..='9'),
        };
        self.line = if marks && self.line != Line::Words { Line::Marks } else { Line::Words };
    }
}
