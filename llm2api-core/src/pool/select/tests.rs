use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
use proptest::strategy::Strategy as _;

use super::super::rules::Strategy;
use super::*;

/// Candidates that may be out, all of weight 1.
struct Row(Vec<Option<Candidate>>);

impl Field for Row {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn draw(&self, random: u64) -> usize {
        usize::try_from(random % self.0.len().max(1) as u64).unwrap_or_default()
    }

    fn usable(&self, at: usize) -> Option<Candidate> {
        self.0.get(at).copied().flatten()
    }
}

fn idle() -> Candidate {
    Candidate { in_flight: 0, share: 100, latency: 0, turn: 0 }
}

fn wish(strategy: Strategy) -> Wish {
    Wish { strategy, favourite: None, cursor: 0 }
}

fn candidates() -> impl proptest::strategy::Strategy<Value = Vec<Option<Candidate>>> {
    let one = (0..20u32, 1..10_000u32, 0..5_000_000u32, any::<u64>());
    let one = one.prop_map(|(in_flight, share, latency, turn)| Candidate {
        in_flight,
        share,
        latency,
        turn,
    });
    prop::collection::vec(prop::option::of(one), 0..40)
}

fn at(chosen: Option<Selected>) -> Option<usize> {
    chosen.map(|chosen| chosen.at)
}

proptest! {
    /// Whoever is out is never chosen, and somebody is chosen where anybody may be.
    #[test]
    fn the_unusable_are_never_chosen(
        all in candidates(),
        seed in any::<u64>(),
        cursor in 0..50usize,
        favourite in prop::option::of(0..50usize),
        round in any::<bool>(),
    ) {
        let mut random = fastrand::Rng::with_seed(seed);
        let strategy = if round { Strategy::RoundRobin } else { Strategy::LeastLoaded };
        let wish = Wish { strategy, favourite, cursor };
        let chosen = select(&Row(all.clone()), wish, || random.u64(..));
        prop_assert_eq!(chosen.is_some(), all.iter().any(Option::is_some));
        if let Some(Selected { at, favoured }) = chosen {
            prop_assert!(all[at].is_some());
            prop_assert!(!favoured || favourite == Some(at));
        }
    }

    /// Of two that are alike, the one with fewer calls has it; of two with as many, the quicker.
    #[test]
    fn the_better_of_two_has_it(calls in 0..50u32, more in 1..50u32, seed in any::<u64>()) {
        let mut random = fastrand::Rng::with_seed(seed);
        let light = Candidate { in_flight: calls, ..idle() };
        let heavy = Candidate { in_flight: calls + more, ..idle() };
        let field = Row(vec![Some(heavy), Some(light)]);
        let chosen = at(select(&field, wish(Strategy::LeastLoaded), || random.u64(..)));
        prop_assert_eq!(chosen, Some(1));
        let slow = Candidate { latency: 400_000, ..light };
        let field = Row(vec![Some(light), Some(slow)]);
        let chosen = at(select(&field, wish(Strategy::LeastLoaded), || random.u64(..)));
        prop_assert_eq!(chosen, Some(0));
    }

    /// Calls are dealt out by weight, whatever the seed: nobody gets less than half his share.
    #[test]
    fn turns_are_fair(count in 2..8usize, seed in any::<u64>()) {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut all = vec![idle(); count];
        let mut got = vec![0usize; count];
        for _ in 0..count * 100 {
            let field = Row(all.iter().copied().map(Some).collect());
            let chosen = select(&field, wish(Strategy::LeastLoaded), || random.u64(..));
            let at = at(chosen).expect("all may");
            all[at].turn += 1;
            got[at] += 1;
        }
        prop_assert!(got.iter().all(|calls| (50..=150).contains(calls)), "{:?}", got);
    }
}

#[test]
fn the_favourites_bonus_is_one_call() {
    let mut random = fastrand::Rng::with_seed(1);
    let busy = |in_flight| Candidate { in_flight, ..idle() };
    let wish = Wish { favourite: Some(0), ..wish(Strategy::LeastLoaded) };
    let mut chosen = |in_flight| {
        let field = Row(vec![Some(busy(in_flight)), Some(busy(0))]);
        at(select(&field, wish, || random.u64(..)))
    };
    assert_eq!(chosen(0), Some(0));
    assert_eq!(chosen(1), Some(0));
    assert_eq!(chosen(2), Some(1));
}

#[test]
fn latencies_that_differ_by_less_than_double_are_the_same() {
    let near = Candidate { latency: 190_000, turn: 0, ..idle() };
    let far = Candidate { latency: 100_000, turn: 1, ..idle() };
    assert!(is_better(&near, &far), "it is its turn");
}
