//! Ends an answer at a number of tokens.

use super::TokenCounter;

/// Room for so many tokens, by estimate.
///
/// # Example
/// ```
/// use llm2api_core::adapt::TokenRoom;
///
/// let mut room = TokenRoom::new(2);
/// assert_eq!(room.take("one two three"), "one two");
/// assert!(room.is_used_up());
/// ```
#[derive(Clone, Debug)]
pub struct TokenRoom {
    most: u64,
    counter: TokenCounter,
    used_up: bool,
}

impl TokenRoom {
    /// Makes room for `most` tokens.
    pub fn new(most: u64) -> Self {
        Self { most, counter: TokenCounter::new(), used_up: false }
    }

    /// Gives as much of the next piece as there is room for.
    pub fn take<'p>(&mut self, piece: &'p str) -> &'p str {
        if self.used_up {
            return "";
        }
        let before = self.counter.clone();
        self.counter.push(piece);
        if self.counter.tokens() <= self.most {
            return piece;
        }
        self.used_up = true;
        let end = self.end(before, piece);
        &piece[..end]
    }

    /// Says whether something had no room.
    pub fn is_used_up(&self) -> bool {
        self.used_up
    }

    /// Where the first character stands that has no room.
    fn end(&self, mut counter: TokenCounter, piece: &str) -> usize {
        let mut bytes = [0; 4];
        let mut fits = |(_, c): &(usize, char)| {
            counter.push(c.encode_utf8(&mut bytes));
            counter.tokens() <= self.most
        };
        piece.char_indices().find(|at| !fits(at)).map_or(piece.len(), |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_passes_unchanged_and_the_rest_does_not() {
        let mut room = TokenRoom::new(4);
        assert_eq!(room.take("one two "), "one two ");
        assert_eq!(room.take("three"), "three");
        assert!(!room.is_used_up());
        assert_eq!(room.take(" four five"), " four");
        assert!(room.is_used_up());
        assert_eq!(room.take("more"), "");
    }

    #[test]
    fn a_cut_falls_between_characters() {
        let mut room = TokenRoom::new(2);
        assert_eq!(room.take("日本語"), "日本");
    }
}
