use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::*;
use crate::auth::gate::Access;
use crate::auth::words::{access, message};

/// A Monday in 2026, in seconds since 1970.
const MONDAY: u64 = 1_790_000_000;

const DAY: Terms =
    Terms { interval: Some(Duration::from_secs(600)), grace: Duration::from_secs(86_400) };
const NO_INTERVAL: Terms = Terms { interval: None, ..DAY };

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A clock that both kinds of time are read from.
#[derive(Clone, Copy)]
struct Clock(Moment);

impl Clock {
    fn new() -> Self {
        Self(Moment { at: Instant::now(), wall: MONDAY * 1000 })
    }

    fn go(&mut self, seconds: u64) -> Moment {
        self.0.at += secs(seconds);
        self.jump(i64::try_from(seconds).expect("a short time"))
    }

    /// Sets the wall clock alone.
    fn jump(&mut self, seconds: i64) -> Moment {
        self.0.wall = self.0.wall.saturating_add_signed(seconds * 1000);
        self.0
    }
}

fn good(expires_at: Option<u64>) -> Verdict {
    Verdict::Good(Grant { expires_at, ..Grant::default() })
}

fn away() -> Verdict {
    Verdict::Unreachable("no connection can be made".to_owned())
}

fn no() -> Verdict {
    Verdict::Denied(Denial::new("it was revoked"))
}

/// A standing that has heard one word.
fn after(word: Verdict, terms: Terms, now: Moment) -> Standing {
    let mut standing = Standing::new(None, now);
    standing.hear(word, terms, now, 1.0);
    standing
}

#[test]
fn what_follows_from_a_first_word() {
    let now = Clock::new().0;
    let past = Some(MONDAY - 1);
    let expired = Verdict::Denied(Denial::expired("it has expired"));
    let table = [
        (good(None), DAY, AuthState::Verified, Some(600)),
        (good(None), NO_INTERVAL, AuthState::Verified, None),
        (good(Some(MONDAY + 100)), DAY, AuthState::Verified, Some(100)),
        (good(Some(MONDAY + 1000)), DAY, AuthState::Verified, Some(600)),
        (good(Some(MONDAY + 1000)), NO_INTERVAL, AuthState::Verified, Some(1000)),
        (good(past), DAY, AuthState::Expired, Some(600)),
        (good(Some(MONDAY)), NO_INTERVAL, AuthState::Expired, Some(600)),
        (away(), DAY, AuthState::Unverified, Some(10)),
        (away(), NO_INTERVAL, AuthState::Unverified, Some(10)),
        (no(), DAY, AuthState::Denied, Some(600)),
        (no(), NO_INTERVAL, AuthState::Denied, Some(600)),
        (no(), Terms { interval: Some(secs(60)), ..DAY }, AuthState::Denied, Some(60)),
        (expired, DAY, AuthState::Expired, Some(600)),
    ];
    for (word, terms, state, next) in table {
        let standing = after(word.clone(), terms, now);
        assert_eq!(standing.state(terms, now), state, "{word:?}");
        assert_eq!(standing.until_check(now), next.map(secs), "{word:?} {terms:?}");
    }
}

#[test]
fn an_outage_is_bridged_for_the_grace_and_not_longer() {
    let mut clock = Clock::new();
    let mut standing = after(good(None), DAY, clock.0);
    standing.hear(away(), DAY, clock.go(600), 1.0);
    assert_eq!(standing.state(DAY, clock.0), AuthState::Grace);
    assert_eq!(access(&standing, DAY, clock.0), Access::Open);
    for wait in [10, 20, 40, 80, 160, 300, 300] {
        assert_eq!(standing.until_check(clock.0), Some(secs(wait)));
        standing.hear(away(), DAY, clock.go(wait), 1.0);
    }
    let left = standing.until_change(DAY, clock.0);
    assert_eq!(left, LOOK, "the wall clock is looked at");
    let spent = 910;
    standing.hear(away(), DAY, clock.go(86_400 - spent - 1), 1.0);
    assert_eq!(standing.state(DAY, clock.0), AuthState::Grace);
    assert_eq!(standing.until_change(DAY, clock.0), secs(1));
    assert_eq!(standing.until_check(clock.0), Some(secs(1)), "it is asked at the end");
    clock.go(1);
    assert_eq!(standing.state(DAY, clock.0), AuthState::Unverified);
    standing.hear(away(), DAY, clock.0, 1.0);
    assert_eq!(standing.until_check(clock.0), Some(AGAIN));
    assert!(matches!(access(&standing, DAY, clock.0), Access::Away(_)));
    standing.hear(good(None), DAY, clock.go(10), 1.0);
    assert_eq!(standing.state(DAY, clock.0), AuthState::Verified);
}

#[test]
fn an_expiry_ends_the_grace() {
    let mut clock = Clock::new();
    let mut standing = after(good(Some(MONDAY + 100)), DAY, clock.0);
    standing.hear(away(), DAY, clock.go(90), 1.0);
    assert_eq!(standing.state(DAY, clock.0), AuthState::Grace);
    assert_eq!(standing.until_change(DAY, clock.0), secs(10));
    clock.go(10);
    assert_eq!(standing.state(DAY, clock.0), AuthState::Expired);
    assert!(matches!(access(&standing, DAY, clock.0), Access::Expired(_)));
    assert_eq!(standing.until_check(clock.0), Some(Duration::ZERO));
    standing.hear(away(), DAY, clock.0, 1.0);
    assert_eq!(standing.state(DAY, clock.0), AuthState::Expired);
    assert_ne!(standing.until_check(clock.0), Some(Duration::ZERO), "it is asked once");
}

#[test]
fn a_code_that_was_prolonged_goes_on() {
    let mut clock = Clock::new();
    let mut standing = after(good(Some(MONDAY + 100)), NO_INTERVAL, clock.0);
    clock.go(100);
    assert_eq!(standing.until_check(clock.0), Some(Duration::ZERO));
    standing.hear(good(Some(MONDAY + 500)), NO_INTERVAL, clock.0, 1.0);
    assert_eq!(standing.state(NO_INTERVAL, clock.0), AuthState::Verified);
    assert_eq!(standing.until_check(clock.0), Some(secs(400)));
}

#[test]
fn a_refusal_holds_over_an_outage_until_a_good_answer_comes() {
    let mut clock = Clock::new();
    let mut standing = after(good(None), DAY, clock.0);
    standing.hear(no(), DAY, clock.go(600), 1.0);
    assert_eq!(standing.kept(), None, "a restart must not open");
    standing.hear(away(), DAY, clock.go(600), 1.0);
    assert_eq!(access(&standing, DAY, clock.0), Access::Denied("it was revoked".into()));
    standing.hear(good(None), DAY, clock.go(10), 1.0);
    assert_eq!(access(&standing, DAY, clock.0), Access::Open);
}

#[test]
fn a_restart_goes_on_within_the_same_grace() {
    let mut clock = Clock::new();
    let mut standing = after(good(None), DAY, clock.0);
    standing.hear(away(), DAY, clock.go(600), 1.0);
    let kept = standing.kept();
    let mut again = Standing::new(kept.clone(), clock.go(86_399));
    again.hear(away(), DAY, clock.0, 1.0);
    assert_eq!(again.state(DAY, clock.0), AuthState::Grace);
    assert_eq!(again.kept(), kept, "it does not begin anew");
    clock.go(1);
    assert_eq!(again.state(DAY, clock.0), AuthState::Unverified);
}

#[test]
fn a_clock_that_stands_still_prolongs_nothing() {
    let mut clock = Clock::new();
    let mut standing = after(good(None), DAY, clock.0);
    standing.hear(away(), DAY, clock.0, 1.0);
    clock.go(86_400);
    clock.jump(-86_400);
    assert_eq!(standing.state(DAY, clock.0), AuthState::Unverified, "by the timer");
    let mut standing = after(good(None), DAY, clock.0);
    standing.hear(away(), DAY, clock.0, 1.0);
    clock.jump(86_400);
    assert_eq!(standing.state(DAY, clock.0), AuthState::Unverified, "by the date");
}

#[test]
fn figures_beyond_all_clocks_do_no_harm() {
    let terms = Terms { interval: Some(Duration::MAX), grace: Duration::MAX };
    let mut clock = Clock::new();
    let mut standing = after(good(Some(u64::MAX)), terms, clock.0);
    standing.hear(away(), terms, clock.go(1), 1.1);
    assert_eq!(standing.state(terms, clock.0), AuthState::Grace);
    let nothing = Terms { interval: Some(Duration::from_nanos(1)), grace: Duration::ZERO };
    let mut standing = after(good(None), nothing, clock.0);
    assert_eq!(standing.until_check(clock.0), Some(SHORTEST));
    standing.hear(away(), nothing, clock.go(1), 1.0);
    assert_eq!(standing.state(nothing, clock.0), AuthState::Unverified);
}

#[test]
fn other_figures_hold_at_once() {
    let mut clock = Clock::new();
    let mut standing = after(good(None), DAY, clock.0);
    standing.schedule(Terms { interval: Some(secs(60)), ..DAY }, clock.go(1), 1.0);
    assert_eq!(standing.until_check(clock.0), Some(secs(60)));
    standing.schedule(NO_INTERVAL, clock.0, 1.0);
    assert_eq!(standing.until_check(clock.0), None);
}

#[test]
fn what_is_said_of_each_state() {
    let mut clock = Clock::new();
    let mut texts = Vec::new();
    let mut note = |standing: &Standing, now: Moment| {
        texts.push(format!("{:?}: {:?}", standing.state(DAY, now), message(standing, DAY, now)));
    };
    note(&Standing::new(None, clock.0), clock.0);
    note(&after(away(), DAY, clock.0), clock.0);
    note(&after(no(), DAY, clock.0), clock.0);
    let mut standing = after(good(Some(MONDAY + 90_000)), DAY, clock.0);
    note(&standing, clock.0);
    standing.hear(away(), DAY, clock.go(600), 1.0);
    note(&standing, clock.0);
    note(&standing, clock.go(86_400));
    note(&standing, clock.go(86_400));
    insta::assert_snapshot!(texts.join("\n"));
}

/// What may happen, and after how many seconds.
fn event() -> impl Strategy<Value = (u64, Option<Verdict>)> {
    let expiry = prop_oneof![Just(None), (0u64..200_000).prop_map(|at| Some(MONDAY + at))];
    let word = prop_oneof![
        4 => Just(Some(away())),
        2 => expiry.prop_map(|at| Some(good(at))),
        1 => Just(Some(no())),
        2 => Just(None),
    ];
    (prop_oneof![0u64..30, 0u64..40_000], word)
}

proptest! {
    /// Never open for longer than the grace after the first failure, never after the expiry, never
    /// after a no; whatever happens in between, restarts and backward jumps of the clock included.
    #[test]
    fn the_gate_never_stays_open_for_too_long(
        events in prop::collection::vec((event(), any::<bool>(), 0i64..3600), 1..40),
        grace in 0u64..100_000,
    ) {
        let terms = Terms { interval: Some(secs(600)), grace: secs(grace) };
        let mut clock = Clock::new();
        let mut standing = Standing::new(None, clock.0);
        // By a second book-keeping: when the first failure was, and the last definite word.
        let (mut failed, mut word) = (None, None);
        for (((wait, verdict), restart, back), spread) in events.into_iter().zip([0.9, 1.1].into_iter().cycle()) {
            clock.go(wait);
            if restart {
                standing = Standing::new(standing.kept(), clock.0);
                // A refusal is not kept, but no good answer either.
                if matches!(word, Some(Verdict::Denied(_))) {
                    word = None;
                }
            } else {
                clock.jump(-back);
            }
            match verdict {
                None => {}
                Some(Verdict::Unreachable(reason)) => {
                    failed.get_or_insert(clock.0);
                    standing.hear(Verdict::Unreachable(reason), terms, clock.0, spread);
                }
                Some(definite) => {
                    (failed, word) = (None, Some(definite.clone()));
                    standing.hear(definite, terms, clock.0, spread);
                }
            }
            let open = standing.state(terms, clock.0).serves();
            prop_assert_eq!(open, access(&standing, terms, clock.0) == Access::Open);
            if open {
                let Some(Verdict::Good(grant)) = &word else {
                    return Err(TestCaseError::fail("open without a good word"));
                };
                prop_assert!(grant.expires_at.is_none_or(|at| clock.0.seconds() < at));
                let by_date = failed.map(|first| clock.0.wall.saturating_sub(first.wall) / 1000);
                prop_assert!(by_date.is_none_or(|spent| spent < grace));
            }
            // Never a wait that ends before it has begun, twice.
            prop_assert!(standing.until_change(terms, clock.0) > Duration::ZERO);
        }
    }
}
