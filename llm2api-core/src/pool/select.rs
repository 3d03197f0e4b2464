//! The choice among credentials: pure, with the time and the randomness given.

use super::rules::Strategy;

/// A credential that may take a call now, as the choice sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Calls that it carries.
    pub(super) in_flight: u32,
    /// Its share of the calls, in hundredths: the weight, less after a rest.
    pub(super) share: u32,
    /// Microseconds to the first content of late; 0 where nothing is known.
    pub(super) latency: u32,
    /// How much of its share it has had; the lowest is next.
    pub(super) turn: u64,
}

/// Those there are to choose from.
pub(super) trait Field {
    /// How many there are, usable or not.
    fn len(&self) -> usize;

    /// Draws one at random, each as often as its weight says.
    fn draw(&self, random: u64) -> usize;

    /// Returns one, if it may take a call now.
    fn usable(&self, at: usize) -> Option<Candidate>;
}

/// What a choice goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) strategy: Strategy,
    /// The one that knows the conversation already: a bonus, not a pin.
    pub(super) favourite: Option<usize>,
    /// Where a round goes on.
    pub(super) cursor: usize,
}

/// Draws that may fall on the unusable before all are looked at.
const DRAWS: u32 = 12;
/// Latencies below this are all the same.
const FLOOR_MICROS: u32 = 50_000;
/// What one call weighs. The favourite's bonus is as much, and so is bounded.
const CALL: u64 = 6400;

/// What a choice came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Selected {
    pub(super) at: usize,
    /// The favourite was taken in the place of another.
    pub(super) favoured: bool,
}

/// Chooses; none where nobody may take a call.
pub(super) fn select(
    field: &impl Field,
    wish: Wish,
    mut random: impl FnMut() -> u64,
) -> Option<Selected> {
    let best = match wish.strategy {
        Strategy::RoundRobin => next_from(field, wish.cursor, None)?.0,
        Strategy::LeastLoaded => {
            let (first, one) = draw(field, None, &mut random)?;
            match draw(field, Some(first), &mut random) {
                Some((second, other)) if is_better(&other, &one) => second,
                _ => first,
            }
        }
    };
    let at = favoured(field, wish.favourite, best);
    Some(Selected { at, favoured: at != best })
}

/// Draws a usable one other than `except`; looks at all where luck does not find one.
fn draw(
    field: &impl Field,
    except: Option<usize>,
    random: &mut impl FnMut() -> u64,
) -> Option<(usize, Candidate)> {
    for _ in 0..DRAWS {
        let at = field.draw(random());
        if Some(at) != except
            && let Some(candidate) = field.usable(at)
        {
            return Some((at, candidate));
        }
    }
    let from = usize::try_from(random() % field.len().max(1) as u64).unwrap_or_default();
    next_from(field, from, except)
}

/// Goes round once, from a place on.
fn next_from(field: &impl Field, from: usize, except: Option<usize>) -> Option<(usize, Candidate)> {
    let (before, after) = (0..from.min(field.len()), from.min(field.len())..field.len());
    let mut round = after.chain(before).filter(|at| Some(*at) != except);
    round.find_map(|at| Some((at, field.usable(at)?)))
}

fn favoured(field: &impl Field, favourite: Option<usize>, best: usize) -> usize {
    let Some(favourite) = favourite.filter(|favourite| *favourite != best) else { return best };
    let (Some(wanted), Some(other)) = (field.usable(favourite), field.usable(best)) else {
        return best;
    };
    let (wanted, other) = costs(&wanted, &other);
    if wanted.saturating_sub(CALL) <= other { favourite } else { best }
}

/// Says whether `one` should have the call rather than `other`: what carries less for its share and
/// answers sooner, and among equals whose turn it is.
fn is_better(one: &Candidate, other: &Candidate) -> bool {
    let (cost, other_cost) = costs(one, other);
    (cost, one.turn) < (other_cost, other.turn)
}

/// What a call more would cost, beside one whose latency is `fastest`.
pub(super) fn cost(candidate: &Candidate, fastest: u32) -> u64 {
    let (slow, fast) = (candidate.latency.max(FLOOR_MICROS), fastest.max(FLOOR_MICROS));
    load(candidate) << (slow / fast).ilog2_or_zero()
}

/// What a call more would cost at each. Idle ones cost the same, whatever their share: the turn
/// deals that out. The slower pays double where it takes twice as long, and so on.
fn costs(one: &Candidate, other: &Candidate) -> (u64, u64) {
    (cost(one, other.latency), cost(other, one.latency))
}

fn load(candidate: &Candidate) -> u64 {
    CALL + u64::from(candidate.in_flight) * CALL * 100 / u64::from(candidate.share.max(1))
}

trait Log2 {
    fn ilog2_or_zero(self) -> u32;
}

impl Log2 for u32 {
    fn ilog2_or_zero(self) -> u32 {
        self.checked_ilog2().unwrap_or(0).min(8)
    }
}

#[cfg(test)]
mod tests;
