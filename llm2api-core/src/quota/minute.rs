//! Requests in a minute: the generic cell rate algorithm (GCRA), with its state given.
//!
//! The state is one duration: how long a subject has to be idle until all requests of a minute may
//! begin at once again. It stays what it is when the limit changes: whoever had used half of the old
//! limit has used half of the new one.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

/// What the limit is counted over.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// The limiter of one subject, for one question.
type Limiter = RateLimiter<NotKeyed, State, Now, NoOpMiddleware<Nanos>>;

/// Begins a request; returns the state after it, or how long to wait for one.
pub(super) fn begin(limit: u32, full_in: Duration) -> Result<Duration, Duration> {
    let limit = NonZeroU32::new(limit).ok_or(MINUTE)?;
    let state = State(Cell::new(full_in.min(MINUTE).into()));
    let limiter = Limiter::new(Quota::per_minute(limit), state, Now);
    let begun = limiter.check().map_err(|refused| refused.wait_time_from(Now.now()));
    begun.map(|()| limiter.into_state_store().0.get().into())
}

/// Returns how many requests may begin at once.
pub(super) fn remaining(limit: u32, full_in: Duration) -> u64 {
    let Some(limit) = NonZeroU32::new(limit) else { return 0 };
    let quota = Quota::per_minute(limit);
    let left = quota.burst_size_replenished_in().saturating_sub(full_in).as_nanos();
    u64::try_from(left / quota.replenish_interval().as_nanos()).unwrap_or(u64::MAX)
}

/// Returns by how much one request fills the minute.
pub(super) fn interval(limit: u32) -> Duration {
    NonZeroU32::new(limit).map_or(MINUTE, |limit| Quota::per_minute(limit).replenish_interval())
}

/// What a limiter keeps of its subject, told from now on.
struct State(Cell<Nanos>);

impl StateStore for State {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (answer, next) = decide(Some(self.0.get()))?;
        self.0.set(next);
        Ok(answer)
    }
}

/// A clock that stands at 0: the caller says how much time has passed, in the state.
struct Now;

impl Clock for Now {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_whole_minute_may_begin_at_once_and_then_one_by_one() {
        let mut full_in = Duration::ZERO;
        for begun in 1..=6 {
            full_in = begin(6, full_in).expect("there is one left");
            assert_eq!(full_in, 10 * SECOND * begun);
            assert_eq!(remaining(6, full_in), u64::from(6 - begun));
        }
        assert_eq!(full_in, 60 * SECOND);
        assert_eq!(begin(6, full_in), Err(10 * SECOND));
        assert_eq!(begin(6, 51 * SECOND), Err(SECOND));
        assert_eq!(remaining(6, 51 * SECOND), 0);
        assert_eq!(begin(6, 50 * SECOND), Ok(full_in));
    }

    #[test]
    fn another_limit_leaves_the_share_that_is_used() {
        let half = begin(2, Duration::ZERO).expect("one");
        assert_eq!((half, remaining(2, half)), (30 * SECOND, 1));
        assert_eq!(remaining(10, half), 5);
        assert_eq!(remaining(1, half), 0);
        assert_eq!(begin(1, half), Err(30 * SECOND));
    }

    #[test]
    fn limits_that_do_not_divide_a_minute_are_kept_too() {
        for limit in [1, 7, 59, 61, 7001, 1_000_003] {
            let mut full_in = Duration::ZERO;
            for left in (0..limit.min(100)).rev() {
                full_in = begin(limit, full_in).expect("there is one left");
                let others = u64::from(limit - limit.min(100));
                assert_eq!(remaining(limit, full_in), u64::from(left) + others, "{limit}");
            }
            assert_eq!(begin(limit, full_in).is_err(), limit <= 100, "{limit}");
        }
    }

    #[test]
    fn a_limit_of_nothing_lets_nothing_begin_and_the_largest_does_not_overflow() {
        assert_eq!(begin(0, Duration::ZERO), Err(MINUTE));
        assert_eq!(remaining(0, Duration::ZERO), 0);
        assert!(begin(u32::MAX, Duration::MAX).is_err());
        assert!(begin(u32::MAX, Duration::ZERO).is_ok());
        assert_eq!(interval(60), SECOND);
    }
}
