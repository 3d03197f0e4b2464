//! Reads what was meant as JSON, in one pass, and writes it as JSON.

use super::look::{Place, is_of_name, name, past_blanks};
use super::quote::Quote;
use super::string::{StringReader, push_escaped};
use super::{MOST_DEPTH, word};

/// A container that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Object,
    Array,
}

impl Open {
    fn brackets(self) -> (char, char) {
        match self {
            Self::Object => ('{', '}'),
            Self::Array => ('[', ']'),
        }
    }
}

/// What stands there is no JSON, however much is forgiven.
#[derive(Debug)]
pub(super) struct Unreadable;

/// A reader of one value.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    out: String,
    open: Vec<Open>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at, out: String::new(), open: Vec::new() }
    }

    /// Returns the place that was reached.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Returns what was read, as JSON.
    pub(super) fn into_json(self) -> String {
        self.out
    }

    /// Says whether something was read that is more than an opening bracket.
    pub(super) fn has_read(&self) -> bool {
        self.out.len() > 2 || !self.rest().is_empty()
    }

    /// Reads one value; the end of the text ends it as well.
    pub(super) fn value(&mut self) -> Result<(), Unreadable> {
        self.skip_blanks();
        match self.peek() {
            Some('{') => self.container(Open::Object),
            Some('[') => self.container(Open::Array),
            Some(c) => match Quote::opened_by(c) {
                Some(quote) => {
                    self.string(quote, self.place());
                    Ok(())
                }
                None => self.word(),
            },
            None => Err(Unreadable),
        }
    }

    /// Skips blanks, comments, and what closes nothing; says whether the text ends there.
    pub(super) fn only_rubbish_follows(&mut self) -> bool {
        self.skip_blanks();
        while self.peek().is_some_and(|c| matches!(c, '}' | ']' | ')' | ',' | ';')) {
            self.at += 1;
            self.skip_blanks();
        }
        self.ended()
    }

    fn container(&mut self, kind: Open) -> Result<(), Unreadable> {
        if self.open.len() == MOST_DEPTH {
            return Err(Unreadable);
        }
        let (opening, closing) = kind.brackets();
        self.open.push(kind);
        self.at += opening.len_utf8();
        self.out.push(opening);
        let empty = self.out.len();
        loop {
            self.skip_separators();
            if self.closes(closing) {
                break;
            }
            let before = self.out.len();
            if before > empty {
                self.out.push(',');
            }
            let whole = match kind {
                Open::Object => self.member()?,
                Open::Array => self.value().map(|()| true)?,
            };
            if !whole {
                self.out.truncate(before);
            }
        }
        self.open.pop();
        self.out.push(closing);
        Ok(())
    }

    /// Says whether the innermost container ends here. A bracket of the other kind ends it too: it
    /// belongs to a container further out, or was mistaken for this one's.
    fn closes(&mut self, closing: char) -> bool {
        let Some(c) = self.peek().filter(|_| !self.ended()) else {
            return true;
        };
        let closes = matches!(c, '}' | ']');
        let outer = &self.open[..self.open.len() - 1];
        let belongs_further_out = c != closing && outer.iter().any(|open| open.brackets().1 == c);
        if closes && !belongs_further_out {
            self.at += 1;
        }
        closes
    }

    /// Reads a key and its value; says no where the text ends before there is a value.
    fn member(&mut self) -> Result<bool, Unreadable> {
        self.key()?;
        self.skip_blanks();
        if self.ended() {
            return Ok(false);
        }
        let colon = self.peek().filter(|c| matches!(c, ':' | '：')).ok_or(Unreadable)?;
        self.at += colon.len_utf8();
        self.out.push(':');
        self.skip_blanks();
        match self.peek() {
            _ if self.ended() => return Ok(false),
            Some(',' | '}' | ']') => self.out.push_str("null"),
            _ => self.value()?,
        }
        Ok(true)
    }

    fn key(&mut self) -> Result<(), Unreadable> {
        if let Some(quote) = self.peek().and_then(Quote::opened_by) {
            self.string(quote, Place::Key);
            return Ok(());
        }
        let key = name(self.rest());
        if key.is_empty() {
            return Err(Unreadable);
        }
        self.quoted(key);
        Ok(())
    }

    fn string(&mut self, quote: Quote, place: Place) {
        if let Some(body) = self.tripled(quote) {
            self.at += 3;
            self.quoted(body);
            self.at += 3;
            return;
        }
        let opening = self.peek().map_or(0, char::len_utf8);
        let reader = StringReader::new(self.text, self.at + opening, &mut self.out);
        self.at = reader.read(quote, place, self.open.len());
    }

    /// Returns the text between three marks and three marks, if that stands here.
    fn tripled(&self, quote: Quote) -> Option<&'a str> {
        let mark = quote.tripled()?;
        let body = self.rest().strip_prefix(mark)?;
        body.find(mark).map(|end| &body[..end])
    }

    /// Reads a text that goes on to the end of `text` as it is.
    fn quoted(&mut self, text: &str) {
        self.at += text.len();
        self.out.push('"');
        text.chars().for_each(|c| push_escaped(&mut self.out, c));
        self.out.push('"');
    }

    /// Reads a literal, a number, or, inside an object, a name that lacks its marks.
    fn word(&mut self) -> Result<(), Unreadable> {
        let word = self.bare_word();
        let cut = word.len() == self.rest().len();
        if let Some(json) = word::read(word, cut) {
            self.at += word.len();
            self.out.push_str(&json);
            return Ok(());
        }
        let named = word.starts_with(is_of_name) && !word.ends_with(':');
        if !named || !self.open.contains(&Open::Object) {
            return Err(Unreadable);
        }
        self.quoted(word);
        Ok(())
    }

    fn bare_word(&self) -> &'a str {
        let ends = |c: char| {
            let bracket = matches!(c, ',' | '{' | '}' | '[' | ']');
            c.is_whitespace() || bracket || Quote::opened_by(c).is_some()
        };
        let rest = self.rest();
        &rest[..rest.find(ends).unwrap_or(rest.len())]
    }

    fn place(&self) -> Place {
        match self.open.last() {
            Some(Open::Object) => Place::Member,
            Some(Open::Array) => Place::Item,
            None => Place::Alone,
        }
    }

    /// Skips commas, as many as there are, and the dots that stand for what was left out.
    fn skip_separators(&mut self) {
        loop {
            self.skip_blanks();
            let rest = self.rest();
            let separator = [",", "...", "…"].into_iter().find(|mark| rest.starts_with(mark));
            match separator {
                Some(separator) => self.at += separator.len(),
                None => return,
            }
        }
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - past_blanks(self.rest()).len();
    }

    /// Says whether the text ends here; so does one that stands in a fence, with the fence. A sign
    /// whose number was cut off is nothing.
    fn ended(&self) -> bool {
        let rest = self.rest();
        matches!(rest, "" | "-" | "+") || rest.starts_with("```")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
}
