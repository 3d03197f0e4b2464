//! Every interleaving of calls that take and give back places, by loom.

use loom::sync::Arc;
use loom::thread;

/// The atomics that the counting is run with here.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
}
#[path = "../src/pool/seats.rs"]
mod seats;

use seats::Seats;

/// Runs `work` in two threads and here, over all interleavings in which no thread is interrupted more
/// than three times.
fn in_three(work: fn(&Seats)) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let seats = Arc::new(Seats::new());
        let others: Vec<_> = (0..2)
            .map(|_| {
                let seats = seats.clone();
                thread::spawn(move || work(&seats))
            })
            .collect();
        work(&seats);
        for other in others {
            other.join().expect("the thread does not panic");
        }
        assert_eq!(seats.taken(), 0, "every place was given back");
        assert!(!seats.is_on_trial());
    });
}

#[test]
fn g04_no_more_than_the_limit_and_all_come_back() {
    in_three(|seats| {
        if seats.take(2) {
            assert!((1..=2).contains(&seats.taken()));
            seats.give_back();
        }
    });
}

#[test]
fn g04_one_trial_at_a_time_even_where_places_are_taken() {
    in_three(|seats| {
        if seats.take_for_trial(1) {
            assert_eq!(seats.taken(), 1, "nobody else has a place");
            assert!(seats.is_on_trial());
            // As a lease does it: the trial ends first, then the place comes free.
            seats.end_trial();
            seats.give_back();
        }
    });
}
