//! Takes leading reasoning out of a text.

use super::stop::overlap;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";
/// Blanks that may stand before the tag, in bytes.
const MOST_BLANKS: usize = 1024;

/// A piece of a text: reasoning, or what is meant for the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thought {
    /// Between the tags.
    Reasoning(String),
    /// Everything else.
    Text(String),
}

/// Splits a text that arrives in pieces at a leading `<think>…</think>`.
///
/// Only a `<think>` at the very beginning, blanks aside, counts: a model may write the tag later as
/// text. No part of a tag ever comes out, wherever the pieces are cut.
///
/// # Example
/// ```
/// use llm2api_core::adapt::{ThinkSplitter, Thought};
///
/// let mut splitter = ThinkSplitter::new();
/// let mut thoughts = Vec::new();
/// for piece in ["<thi", "nk>Hm", "m.</think>", "Yes."] {
///     thoughts.extend(splitter.push(piece));
/// }
/// thoughts.extend(splitter.finish());
/// assert_eq!(thoughts, [
///     Thought::Reasoning("Hm".into()),
///     Thought::Reasoning("m.".into()),
///     Thought::Text("Yes.".into()),
/// ]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ThinkSplitter {
    state: State,
    held: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    Inside,
    Outside,
}

impl ThinkSplitter {
    /// Makes a splitter that stands before the text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece; gives at most one piece of reasoning and one of text.
    pub fn push(&mut self, piece: &str) -> impl Iterator<Item = Thought> + use<> {
        let mut reasoning = None;
        let mut text = None;
        if self.state == State::Outside && self.held.is_empty() {
            text = Some(piece.to_owned());
        } else {
            self.held.push_str(piece);
            self.start();
            reasoning = self.inside();
            text = text.or_else(|| self.outside());
        }
        both(reasoning, text)
    }

    /// Gives what was held back, when no more pieces come.
    pub fn finish(&mut self) -> impl Iterator<Item = Thought> + use<> {
        let held = Some(std::mem::take(&mut self.held));
        match self.state {
            State::Inside => both(held, None),
            State::Start | State::Outside => both(None, held),
        }
    }

    /// Says whether all that is still to come is meant for the reader, so that it need not be split.
    pub fn is_done(&self) -> bool {
        self.state == State::Outside && self.held.is_empty()
    }

    /// Decides whether the text begins with the tag, as soon as that can be known.
    fn start(&mut self) {
        if self.state != State::Start {
            return;
        }
        let text = self.held.trim_start();
        if text.is_empty() && self.held.len() > MOST_BLANKS {
            self.state = State::Outside;
        } else if let Some(rest) = text.strip_prefix(OPEN) {
            self.held = rest.to_owned();
            self.state = State::Inside;
        } else if !OPEN.starts_with(text) {
            self.state = State::Outside;
        }
    }

    fn inside(&mut self) -> Option<String> {
        if self.state != State::Inside {
            return None;
        }
        if let Some(end) = self.held.find(CLOSE) {
            let rest = self.held.split_off(end + CLOSE.len());
            let mut reasoning = std::mem::replace(&mut self.held, rest);
            reasoning.truncate(end);
            self.state = State::Outside;
            return Some(reasoning);
        }
        let keep = self.held.len() - overlap(&self.held, CLOSE);
        let rest = self.held.split_off(keep);
        Some(std::mem::replace(&mut self.held, rest))
    }

    fn outside(&mut self) -> Option<String> {
        (self.state == State::Outside).then(|| std::mem::take(&mut self.held))
    }
}

fn both(reasoning: Option<String>, text: Option<String>) -> impl Iterator<Item = Thought> + use<> {
    let reasoning = reasoning.filter(|piece| !piece.is_empty()).map(Thought::Reasoning);
    let text = text.filter(|piece| !piece.is_empty()).map(Thought::Text);
    reasoning.into_iter().chain(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(pieces: &[&str]) -> (String, String) {
        let mut splitter = ThinkSplitter::new();
        let mut thoughts: Vec<_> = pieces.iter().flat_map(|piece| splitter.push(piece)).collect();
        thoughts.extend(splitter.finish());
        let mut joined = (String::new(), String::new());
        for thought in thoughts {
            match thought {
                Thought::Reasoning(piece) => joined.0.push_str(&piece),
                Thought::Text(piece) => joined.1.push_str(&piece),
            }
        }
        joined
    }

    #[test]
    fn only_a_leading_tag_counts() {
        let cases = [
            ("<think>a</think>b", "a", "b"),
            (" \n<think>a</think>\n\nb", "a", "\n\nb"),
            ("x<think>a</think>", "", "x<think>a</think>"),
            ("<think>never closed", "never closed", ""),
            ("<think>a</think>b<think>c", "a", "b<think>c"),
            ("<thinker>", "", "<thinker>"),
            ("<thi", "", "<thi"),
            ("<think>a</thi", "a</thi", ""),
            ("", "", ""),
        ];
        for (text, reasoning, rest) in cases {
            assert_eq!(split(&[text]), (reasoning.into(), rest.into()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_cut_gives_the_same(
            text in "( |\n)?(<think>)?([a<>/é]|</think>|<think>){0,12}",
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        ) {
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            ends.retain(|end| text.is_char_boundary(*end));
            ends.push(text.len());
            ends.sort_unstable();
            let mut from = 0;
            let mut pieces = Vec::new();
            for end in ends {
                pieces.push(&text[from..end]);
                from = end;
            }
            prop_assert_eq!(split(&pieces), split(&[&text]));
        }
    }
}
