//! Finds in an answer where it cites its sources.

mod code;
mod marker;

use self::code::Code;
use self::marker::Marker;

/// Citations that are kept of one answer.
const MOST: usize = 100;

/// A place at which an answer cites a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Citation {
    /// The source's number less one.
    pub(crate) source: usize,
    /// Where the marker begins, in characters.
    pub(crate) start: usize,
    /// Where it ends.
    pub(crate) end: usize,
}

/// Finds citations in a text that arrives in pieces: `[1]`, `[1, 3]`, `【1】`.
///
/// Markers in code are none: there, `a[1]` is an element. The first [`MOST`] citations count.
#[derive(Clone, Debug)]
pub(crate) struct Citations {
    count: usize,
    length: usize,
    code: Code,
    marker: Marker,
    found: Vec<Citation>,
    /// How many were found outside of code; the rest stand behind a backtick that may yet turn out
    /// to begin code.
    sure: usize,
}

impl Citations {
    /// Begins before a text whose sources have the numbers from 1 to `count`.
    pub(crate) fn new(count: usize) -> Self {
        let (code, marker) = (Code::default(), Marker::default());
        Self { count, length: 0, code, marker, found: Vec::new(), sure: 0 }
    }

    /// Takes the next piece.
    pub(crate) fn push(&mut self, text: &str) {
        for c in text.chars() {
            self.read(c);
            self.length += 1;
        }
    }

    /// Returns how long the text is so far, in characters.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Returns the citations by their place, those of one marker by their source.
    pub(crate) fn finish(mut self) -> Vec<Citation> {
        self.code.finish();
        self.settle();
        self.found
    }

    fn read(&mut self, c: char) {
        self.code.read(c);
        self.settle();
        if !self.code.may_be_text() {
            self.marker = Marker::default();
        } else if let Some(start) = self.marker.read(c, self.length) {
            self.keep(start);
        }
    }

    /// Keeps to what has turned out to be code, or not to be.
    fn settle(&mut self) {
        if self.code.was_code() {
            self.found.truncate(self.sure);
        }
        if !self.code.is_doubtful() {
            self.sure = self.found.len();
        }
    }

    fn keep(&mut self, start: usize) {
        let end = self.length + 1;
        let mut sources: Vec<usize> = self.marker.numbers().collect();
        sources.retain(|number| (1..=self.count).contains(number));
        sources.sort_unstable();
        sources.dedup();
        let room = MOST - self.found.len();
        let citations = sources.into_iter().map(|number| number - 1);
        self.found.extend(citations.take(room).map(|source| Citation { source, start, end }));
    }
}

#[cfg(test)]
mod tests;
