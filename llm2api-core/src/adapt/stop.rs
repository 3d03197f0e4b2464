//! Ends a text at a stop sequence.

use crate::chat::Stop;

/// Looks for stop sequences in a text that arrives in pieces.
///
/// The text ends before the sequence that is complete first, as it would with a model that stops
/// there itself. What may be the beginning of one is held back until that is known, and no longer.
///
/// # Example
/// ```
/// use llm2api_core::adapt::StopSearch;
///
/// let mut search = StopSearch::new(["END"]);
/// assert_eq!(search.push("One. E"), "One. ");
/// assert_eq!(search.push("very. EN"), "Every. ");
/// assert_eq!(search.push("D. Two."), "");
/// assert_eq!(search.met(), Some("END"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct StopSearch {
    sequences: Vec<String>,
    held: String,
    met: Option<usize>,
}

impl StopSearch {
    /// Looks for these; empty ones are passed over.
    pub fn new(sequences: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let sequences =
            sequences.into_iter().map(Into::into).filter(|one: &String| !one.is_empty());
        Self { sequences: sequences.collect(), ..Self::default() }
    }

    /// Takes the next piece and gives what is certain to come before any sequence.
    pub fn push(&mut self, piece: &str) -> String {
        if self.met.is_some() {
            return String::new();
        }
        self.held.push_str(piece);
        if let Some((start, sequence)) = self.first() {
            self.met = Some(sequence);
            self.held.truncate(start);
            return std::mem::take(&mut self.held);
        }
        let certain = self.held.len() - self.possible();
        let rest = self.held.split_off(certain);
        std::mem::replace(&mut self.held, rest)
    }

    /// Gives what was held back, when no more pieces come.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Returns the sequence that was met.
    pub fn met(&self) -> Option<&str> {
        self.met.map(|sequence| self.sequences[sequence].as_str())
    }

    /// Where the sequence begins that ends first, and which it is; of several that end there, the
    /// longest.
    fn first(&self) -> Option<(usize, usize)> {
        let found = |(number, one): (usize, &String)| {
            self.held.find(one).map(|start| (start + one.len(), start, number))
        };
        let first = self.sequences.iter().enumerate().filter_map(found).min();
        first.map(|(_, start, number)| (start, number))
    }

    /// The length of the longest end of the text that may begin a sequence.
    fn possible(&self) -> usize {
        self.sequences.iter().map(|one| overlap(&self.held, one)).max().unwrap_or(0)
    }
}

impl From<&Stop> for StopSearch {
    fn from(stop: &Stop) -> Self {
        match stop {
            Stop::One(one) => Self::new([one]),
            Stop::Many(many) => Self::new(many),
        }
    }
}

/// The length of the longest end of `text` that is a beginning of `sequence`, but not all of it.
pub(super) fn overlap(text: &str, sequence: &str) -> usize {
    let longest = (sequence.len() - 1).min(text.len());
    let begins = |length: &usize| text.as_bytes().ends_with(&sequence.as_bytes()[..*length]);
    (1..=longest).rev().find(begins).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&str], sequences: &[&str]) -> (String, bool) {
        let mut search = StopSearch::new(sequences.iter().copied());
        let mut text: String = pieces.iter().map(|piece| search.push(piece)).collect();
        text.push_str(&search.finish());
        (text, search.met().is_some())
    }

    #[test]
    fn the_text_ends_before_the_sequence_that_is_complete_first() {
        let cases: [(&str, &[&str], &str, bool); 7] = [
            ("one\n\ntwo", &["\n\n"], "one", true),
            ("one\ntwo\n", &["\n\n"], "one\ntwo\n", false),
            ("xabcx", &["abc", "b"], "xa", true),
            ("xab", &["ab", "b"], "x", true),
            ("aaab", &["aab"], "a", true),
            ("日本語", &["本"], "日", true),
            ("text", &["", "text"], "", true),
        ];
        for (text, sequences, expected, over) in cases {
            assert_eq!(read(&[text], sequences), (expected.into(), over), "{text}");
        }
    }

    #[test]
    fn only_what_may_begin_a_sequence_is_held_back() {
        let mut search = StopSearch::new(["</end>"]);
        assert_eq!(search.push("a <b> <"), "a <b> ");
        assert_eq!(search.push("/e"), "");
        assert_eq!(search.push("m>"), "</em>");
        assert_eq!(search.finish(), "");
    }

    proptest! {
        #[test]
        fn every_cut_gives_the_same(
            pieces in proptest::collection::vec("[abé]{0,4}", 0..8),
            sequences in proptest::collection::vec("[abé]{1,4}", 0..4),
        ) {
            let sequences: Vec<&str> = sequences.iter().map(String::as_str).collect();
            let cut: Vec<&str> = pieces.iter().map(String::as_str).collect();
            prop_assert_eq!(read(&cut, &sequences), read(&[&pieces.concat()], &sequences));
        }
    }
}
