//! Where to cut.

use std::env;

use llm2api_tests::cutter::{Answers, Cut};

/// Bytes of a recorded answer when it is taken up from its beginning, about.
const RESUMED: u64 = 1600;

/// Whether everything is to be run, however long it takes.
pub(crate) fn proof() -> bool {
    env::var_os("PROOF").is_some_and(|value| value == "true")
}

/// A plan for each byte of an answer of this length, from nothing at all to everything; with
/// `PROOF=true` two, one for each way to end a connection.
pub(crate) fn every(length: u64) -> Vec<Vec<Cut>> {
    let other = |offset| Cut::new(Answers::Sends, offset);
    let others = (0..=length).filter(|_| proof()).map(|offset| match offset.is_multiple_of(2) {
        true => other(offset).by_reset(),
        false => other(offset),
    });
    (0..=length).map(cut).chain(others).map(|cut| vec![cut]).collect()
}

/// A cut of the answer to a message, by reset at every second offset.
pub(crate) fn cut(offset: u64) -> Cut {
    alternate(Cut::new(Answers::Sends, offset), offset)
}

/// A connection that falls silent there.
pub(crate) fn silent(offset: u64) -> Cut {
    Cut::new(Answers::Sends, offset).by_silence()
}

/// So many cuts of one answer of this length: the first in the answer to the message, the others
/// in the streams that take it up again, which hold no padding and are shorter.
pub(crate) fn repeated(dice: &mut Dice, length: u64, cuts: usize) -> Vec<Cut> {
    let first = cut(dice.below(length));
    let later = (1..cuts).map(|_| {
        let offset = dice.below(RESUMED);
        alternate(Cut::new(Answers::Streams, offset), offset)
    });
    [first].into_iter().chain(later).collect()
}

/// A cut of one answer of this length, and another of the first read of what is stored of it.
pub(crate) fn unread(dice: &mut Dice, length: u64) -> Vec<Cut> {
    let first = cut(dice.below(length));
    let offset = dice.below(RESUMED);
    vec![first, alternate(Cut::new(Answers::Reads, offset), offset)]
}

fn alternate(cut: Cut, offset: u64) -> Cut {
    if offset.is_multiple_of(2) { cut } else { cut.by_reset() }
}

/// A sequence that looks random and is the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// So many plans of one cut, somewhere in an answer of this length.
    pub(crate) fn cuts(&mut self, count: usize, length: u64) -> Vec<Vec<Cut>> {
        (0..count).map(|_| vec![cut(self.below(length + 1))]).collect()
    }
}
