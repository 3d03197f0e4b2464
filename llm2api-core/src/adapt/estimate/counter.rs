//! The estimate, kept up while a text grows.

use super::kind::Kind;

/// What costs one token, in the unit that costs are counted in.
const TOKEN: u64 = 100;

/// Estimates the tokens of a text that arrives in pieces.
///
/// However the text is cut, the estimate is that of the whole.
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
    /// The cost of all runs that have ended.
    cost: u64,
    /// What stood before the run.
    before: Kind,
    run: Run,
}

/// Characters that stand together and are of one kind, or make a word.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    kind: Kind,
    length: u64,
    /// How many of them are capital letters.
    capitals: u64,
}

impl TokenCounter {
    /// Makes a counter that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next piece.
    pub fn push(&mut self, piece: &str) {
        for c in piece.chars() {
            self.read(Kind::of(c));
        }
    }

    /// Returns the estimate for what was read so far.
    pub fn tokens(&self) -> u64 {
        let cost = self.cost + self.run.cost(self.before, Kind::Start);
        // Rounded down, but for the first: a piece counted apart is mostly one token.
        (cost / TOKEN).max(cost.min(1))
    }

    fn read(&mut self, kind: Kind) {
        if !self.run.goes_on_with(kind) {
            self.cost += self.run.cost(self.before, kind);
            self.before = self.run.kind;
            self.run = Run { kind, ..Run::default() };
        }
        self.run.kind = kind;
        self.run.length += 1;
        self.run.capitals += u64::from(kind == Kind::Upper);
    }
}

impl Run {
    /// A capital behind small letters begins a word: `camelCase` is two.
    fn goes_on_with(self, kind: Kind) -> bool {
        self.kind == kind || (self.kind == Kind::Upper && kind == Kind::Lower)
    }

    /// Returns what the run costs between what stands before and behind it.
    fn cost(self, before: Kind, after: Kind) -> u64 {
        match self.kind {
            Kind::Start => 0,
            Kind::Space => self.spaces(after),
            Kind::Line => match before {
                // A line break sticks to the punctuation before it.
                Kind::Sign | Kind::Mark => 15,
                _ => TOKEN,
            },
            Kind::Lower | Kind::Upper => self.word(before),
            Kind::Digit => self.length.div_ceil(3) * TOKEN,
            Kind::Sign => self.signs(after),
            Kind::Han => self.length * 80,
            Kind::Traditional => self.length * 145,
            Kind::Syllable => self.length * 70,
            Kind::Letter => TOKEN + self.length.saturating_sub(3) * 28,
            Kind::Mark => self.length * 90,
            Kind::Symbol => self.length * 2 * TOKEN,
        }
    }

    /// One blank belongs to the word behind it, but not to a number.
    fn spaces(self, after: Kind) -> u64 {
        match (self.length, after) {
            (1, Kind::Digit | Kind::Start) => TOKEN,
            (1, _) => 0,
            _ => TOKEN,
        }
    }

    /// Most words are one token, long ones and those in capitals more.
    fn word(self, before: Kind) -> u64 {
        let small = self.length - self.capitals;
        let shouted = self.capitals.saturating_sub(2) * 30;
        let long = small.saturating_sub(match before {
            Kind::Space => 8,
            _ => 6,
        }) * 14;
        TOKEN + shouted + long
    }

    /// One sign sticks to the word behind it, and two or three that often stand together are one.
    fn signs(self, after: Kind) -> u64 {
        match self.length {
            1 if after.is_latin() => 45,
            length => TOKEN + length.saturating_sub(2) * 30,
        }
    }
}
