//! Finds JSON in what a model says.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use super::reader::Reader;

/// How many times the text's length may be looked at in vain.
const PATIENCE: usize = 16;

/// Finds the first JSON object or array in a text: in prose, or in a code fence.
///
/// It may be one that [`repair`](super::repair) would have to mend, and it may be cut off by the end
/// of the text. Where it stands in a fence, that comes before brackets in the prose above.
///
/// It takes time in proportion to the text.
///
/// # Example
/// ```
/// use llm2api_core::adapt::json::find;
///
/// let answer = "Sure! {\"city\": \"Paris\"} is what you want.";
/// assert_eq!(&answer[find(answer).unwrap()], "{\"city\": \"Paris\"}");
/// assert_eq!(find("No braces, and no {brackets} that mean anything."), None);
/// ```
pub fn find(text: &str) -> Option<Range<usize>> {
    let first = Finder::new(text, 0).next();
    let begins = first.as_ref().map_or(0, |first| first.end);
    let fenced = fenced(text).filter(|at| *at >= begins && first.is_some());
    let fenced =
        fenced.and_then(|at| Finder::new(text, at).next().filter(|range| range.start == at));
    fenced.or(first)
}

/// Finds every object and array, those in others left out.
pub(crate) fn find_all(text: &str) -> impl Iterator<Item = Range<usize>> {
    Finder::new(text, 0)
}

struct Finder<'a> {
    text: &'a str,
    at: usize,
    patience: usize,
}

impl<'a> Finder<'a> {
    fn new(text: &'a str, at: usize) -> Self {
        Self { text, at, patience: PATIENCE.saturating_mul(text.len()).saturating_add(4096) }
    }

    /// Takes what was looked at in vain from the patience.
    fn spend(&mut self, bytes: usize) {
        self.patience = self.patience.saturating_sub(bytes);
    }

    /// Returns the end of what begins here, if it is JSON as it stands.
    fn strict(&mut self, start: usize) -> Option<usize> {
        let rest = &self.text[start..];
        let mut values = Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        match values.next()? {
            Ok(_) => Some(start + values.byte_offset()),
            Err(error) => {
                let lines = rest.split_inclusive('\n').take(error.line().saturating_sub(1));
                self.spend(lines.map(str::len).sum::<usize>() + error.column());
                None
            }
        }
    }

    /// Returns the end of what begins here, if it was meant as JSON.
    fn lenient(&mut self, start: usize) -> Option<usize> {
        let mut reader = Reader::new(self.text, start);
        let found = reader.value().is_ok() && reader.has_read();
        if !found {
            self.spend(reader.at() - start);
        }
        found.then(|| reader.at())
    }
}

impl Iterator for Finder<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        while self.patience > 0 {
            let start = self.at + self.text[self.at..].find(['{', '['])?;
            let end = self.strict(start).or_else(|| self.lenient(start));
            if let Some(end) = end {
                self.at = end;
                return Some(start..start + self.text[start..end].trim_end().len());
            }
            self.at = start + 1;
        }
        None
    }
}

/// Returns the place of the first bracket that stands at the beginning of a fence.
fn fenced(text: &str) -> Option<usize> {
    let fences = text.match_indices("```").map(|(at, fence)| at + fence.len());
    let mut brackets = fences.filter_map(|at| {
        let body = text[at..].trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        let body = body.trim_start();
        body.starts_with(['{', '[']).then(|| text.len() - body.len())
    });
    brackets.next()
}
