//! Tokens of calls, counted by size.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the buckets, in tokens; the last bucket has none. They are the bounds that the
/// semantic conventions for generative AI advise for the tokens of a call.
pub const TOKEN_BOUNDS: [u64; 14] = [
    1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
    67_108_864,
];

const BUCKETS: usize = TOKEN_BOUNDS.len() + 1;

/// How many calls had so many tokens, at one instant: no more than each of [`TOKEN_BOUNDS`], and
/// more than the bound before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenSizes {
    /// How many calls fell into each bucket.
    pub counts: [u64; BUCKETS],
    /// The tokens of all of them.
    pub sum: u64,
}

/// The tokens that upstreams have counted of the calls of one model; estimates are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenUsage {
    /// Of requests.
    pub prompt: TokenSizes,
    /// Of answers.
    pub completion: TokenSizes,
}

/// Takes room only once something was counted.
#[derive(Debug, Default)]
pub(super) struct Usage {
    filled: OnceLock<Box<[Buckets; 2]>>,
}

#[derive(Debug, Default)]
struct Buckets {
    counts: [AtomicU64; BUCKETS],
    sum: AtomicU64,
}

impl Usage {
    pub(super) fn add(&self, prompt: u64, completion: u64) {
        let [of_prompts, of_completions] = &**self.filled.get_or_init(Box::default);
        of_prompts.add(prompt);
        of_completions.add(completion);
    }

    pub(super) fn snapshot(&self) -> TokenUsage {
        let Some(filled) = self.filled.get() else { return TokenUsage::default() };
        TokenUsage { prompt: filled[0].snapshot(), completion: filled[1].snapshot() }
    }
}

impl Buckets {
    fn add(&self, tokens: u64) {
        let bucket = TOKEN_BOUNDS.partition_point(|bound| *bound < tokens);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(tokens, Ordering::Relaxed);
    }

    fn snapshot(&self) -> TokenSizes {
        TokenSizes {
            counts: std::array::from_fn(|at| self.counts[at].load(Ordering::Relaxed)),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_on_a_bound_is_below_it() {
        let usage = Usage::default();
        assert_eq!(usage.snapshot(), TokenUsage::default());
        usage.add(16, 17);
        usage.add(0, u64::from(u32::MAX));
        let TokenUsage { prompt, completion } = usage.snapshot();
        assert_eq!((prompt.counts[0], prompt.counts[2], prompt.sum), (1, 1, 16));
        assert_eq!((completion.counts[3], completion.counts[BUCKETS - 1]), (1, 1));
    }
}
