//! The count by the vocabulary itself.

use bpe_openai::o200k_base;

/// How much text is held at most before it is counted, in bytes.
const HELD: usize = 4096;

/// Counts the tokens of a text that arrives in pieces, by the vocabulary o200k_base.
///
/// However the text is cut, the count is that of the whole, up to one token for every four kilobytes
/// without a blank.
///
/// # Example
/// ```
/// use llm2api_core::adapt::{TokenCounter, estimate_tokens};
///
/// let mut counter = TokenCounter::new();
/// for piece in ["Hel", "lo, wor", "ld!"] {
///     counter.push(piece);
/// }
/// assert_eq!(counter.tokens(), estimate_tokens("Hello, world!"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct TokenCounter {
    counted: u64,
    held: String,
}

impl TokenCounter {
    /// Makes a counter that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next piece.
    pub fn push(&mut self, piece: &str) {
        self.held.push_str(piece);
        if self.held.len() > HELD {
            let rest = self.held.split_off(border(&self.held));
            self.counted += count(&self.held);
            self.held = rest;
        }
    }

    /// Returns the count of what was read so far.
    pub fn tokens(&self) -> u64 {
        self.counted + count(&self.held)
    }
}

fn count(text: &str) -> u64 {
    o200k_base().count(text) as u64
}

/// Returns the last place where a token surely ends: between a letter and a blank. Where there is
/// none, the end.
fn border(text: &str) -> usize {
    let ends = |at: &usize| text[..*at].ends_with(char::is_alphanumeric);
    text.rmatch_indices(' ').map(|(at, _)| at).find(ends).unwrap_or(text.len())
}
