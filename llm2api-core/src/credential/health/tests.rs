use proptest::prelude::*;

use super::*;

fn rules() -> HealthRules {
    let seconds = Duration::from_secs;
    HealthRules {
        limit: (seconds(30), seconds(600)),
        longest: seconds(3600),
        weak_errors: 5,
        weak_window: seconds(30),
        weak: (seconds(5), seconds(60)),
    }
}

const LIMITED: Signal = Signal::Limited { named: None, default: None, reason: "rate_limited" };
const WEAK: Signal = Signal::Weak { reason: "upstream_errors" };
const DOUBTED: Signal = Signal::Doubted { reason: "forbidden" };

fn named(seconds: u64) -> Signal {
    let named = Some(Duration::from_secs(seconds));
    Signal::Limited { named, default: None, reason: "rate_limited" }
}

/// A credential, a clock, and what happens to it.
struct Life {
    health: Health,
    now: Instant,
}

impl Life {
    fn new() -> Self {
        Self { health: Health::default(), now: Instant::now() }
    }

    fn learn(&mut self, signal: &Signal) -> bool {
        self.health.learn(signal, self.now, &rules())
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn state(&self) -> HealthState {
        self.health.state(self.now)
    }

    /// How long it still rests, in seconds.
    fn left(&self) -> u64 {
        self.health.until().map_or(0, |until| until.saturating_duration_since(self.now).as_secs())
    }
}

#[test]
fn g21_a_rest_without_a_time_doubles_to_ten_minutes_while_it_goes_on() {
    let mut life = Life::new();
    let mut rests = Vec::new();
    for _ in 0..7 {
        assert!(life.learn(&LIMITED));
        rests.push(life.left());
        life.pass(life.left());
        assert_eq!(life.state(), HealthState::HalfOpen);
    }
    assert_eq!(rests, [30, 60, 120, 240, 480, 600, 600]);
    life.learn(&Signal::Worked);
    assert_eq!(life.state(), HealthState::Active);
    life.pass(601);
    life.learn(&LIMITED);
    assert_eq!(life.left(), 30, "trouble after a long peace is new trouble");
}

#[test]
fn g21_the_deadline_is_the_latest_of_all_evidence_and_capped() {
    let mut life = Life::new();
    life.learn(&named(100));
    life.learn(&named(10));
    life.learn(&LIMITED);
    assert_eq!(life.left(), 100);
    life.learn(&named(1_000_000));
    assert_eq!(life.left(), 3600);
    life.learn(&Signal::Worked);
    assert_eq!(life.left(), 3600, "a call that began before does not end a rest");
}

#[test]
fn weak_errors_count_within_their_window_only() {
    let mut life = Life::new();
    for _ in 0..20 {
        assert!(!life.learn(&WEAK));
        life.pass(8);
    }
    assert_eq!(life.state(), HealthState::Active);
    life.pass(30);
    for _ in 0..4 {
        assert!(!life.learn(&WEAK));
    }
    assert!(life.learn(&WEAK));
    assert_eq!(life.left(), 5);
    life.pass(5);
    assert!(life.learn(&WEAK), "the trial call failed");
    assert_eq!(life.left(), 10);
}

#[test]
fn g20_only_a_check_kills_and_only_a_check_revives() {
    let mut life = Life::new();
    for _ in 0..50 {
        life.learn(&DOUBTED);
        life.pass(1);
    }
    assert_ne!(life.state(), HealthState::Invalid);
    life.learn(&Signal::CheckRefused("signed out".into()));
    assert_eq!((life.state(), life.health.reason()), (HealthState::Invalid, Some("signed out")));
    for signal in [LIMITED, WEAK, DOUBTED, Signal::Worked, Signal::Cleared] {
        life.learn(&signal);
        life.pass(100_000);
        assert_eq!(life.state(), HealthState::Invalid, "{signal:?}");
    }
    life.learn(&Signal::CheckPassed);
    assert_eq!(life.state(), HealthState::Active);
}

#[test]
fn a_passed_check_ends_the_first_doubt_and_not_the_second() {
    let mut life = Life::new();
    life.learn(&DOUBTED);
    assert_eq!(life.state(), HealthState::Cooling);
    life.learn(&Signal::CheckPassed);
    assert_eq!(life.state(), HealthState::HalfOpen);
    life.learn(&DOUBTED);
    life.learn(&Signal::CheckPassed);
    assert_eq!(life.state(), HealthState::Cooling);
    let mut limited = Life::new();
    limited.learn(&LIMITED);
    limited.learn(&Signal::CheckPassed);
    assert_eq!(limited.state(), HealthState::Cooling, "a check says nothing about a limit");
}

#[test]
fn g17_the_operators_switch_keeps_what_was_before() {
    let mut life = Life::new();
    life.learn(&named(50));
    life.health.set_disabled(true);
    assert_eq!(life.state(), HealthState::Disabled);
    life.pass(10);
    life.health.set_disabled(false);
    assert_eq!((life.state(), life.left()), (HealthState::Cooling, 40));
    life.learn(&Signal::Cleared);
    assert_eq!(life.state(), HealthState::Active);
}

#[test]
fn a_fault_of_the_upstream_is_forgiven() {
    let mut life = Life::new();
    let before = life.now;
    life.pass(1);
    life.learn(&DOUBTED);
    life.health.forgive("forbidden", before);
    assert_eq!(life.state(), HealthState::Active);
    life.learn(&DOUBTED);
    assert_eq!(life.left(), 30, "as if it were the first time");
    life.health.forgive("rate_limited", before);
    assert_eq!(life.state(), HealthState::Cooling, "another reason stays");
}

#[test]
fn g17_a_restart_keeps_rests_and_a_clock_set_back_cannot_stretch_them() {
    let mut life = Life::new();
    life.learn(&named(100));
    let saved = life.health.save(life.now, 1_000_000);
    assert_eq!(saved.until_ms, Some(1_100_000));
    let longest = Duration::from_secs(3600);
    let mut again = Life::new();
    again.health.restore(&saved, again.now, 1_040_000, longest);
    assert_eq!((again.state(), again.left()), (HealthState::Cooling, 60));
    assert_eq!(again.health.reason(), Some("rate_limited"));
    again.health.restore(&saved, again.now, 0, Duration::from_secs(500));
    assert_eq!(again.left(), 500);
    again.health.restore(&saved, again.now, 9_000_000, longest);
    assert_eq!(again.state(), HealthState::HalfOpen);
}

#[test]
fn the_evidence_table_is_what_the_rules_say() {
    let table = ErrorKind::ALL.map(|kind| {
        let error = Error::new(kind, "chat", "failed");
        let signal = Signal::of(&error).map_or("-".into(), |signal| format!("{signal:?}"));
        format!("{kind:?} | {signal}")
    });
    insta::assert_snapshot!(table.join("\n"));
}

fn signals() -> impl Strategy<Value = Signal> {
    prop_oneof![
        Just(Signal::Worked),
        Just(LIMITED),
        (0..5000u64).prop_map(named),
        Just(WEAK),
        Just(DOUBTED),
        Just(Signal::CheckPassed),
        Just(Signal::CheckRefused("dead".into())),
        Just(Signal::Cleared),
    ]
}

proptest! {
    /// From any state a healthy upstream leads back to active: time, one good check, one good call.
    #[test]
    fn g17_active_is_reachable_from_everywhere(
        life in prop::collection::vec((signals(), 0..700u64), 0..60),
    ) {
        let mut credential = Life::new();
        for (signal, wait) in life {
            credential.learn(&signal);
            credential.pass(wait);
        }
        credential.learn(&Signal::CheckPassed);
        credential.pass(3600);
        credential.learn(&Signal::Worked);
        prop_assert_eq!(credential.state(), HealthState::Active);
    }

    /// No rest outlasts its bound, none is shortened but by a check or the operator, and only a
    /// refused check makes invalid.
    #[test]
    fn rests_are_bounded_and_only_grow(
        life in prop::collection::vec((signals(), 0..100u64), 0..60),
    ) {
        let mut credential = Life::new();
        for (signal, wait) in life {
            let (before, until) = (credential.state(), credential.health.until());
            credential.learn(&signal);
            let after = credential.state();
            prop_assert!(credential.left() <= 3600);
            let may_shorten = matches!(
                signal,
                Signal::CheckPassed | Signal::Cleared | Signal::CheckRefused(_)
            );
            if before == HealthState::Cooling && !may_shorten {
                prop_assert!(credential.health.until() >= until, "{:?}", signal);
            }
            if after == HealthState::Invalid && before != HealthState::Invalid {
                prop_assert!(matches!(signal, Signal::CheckRefused(_)));
            }
            credential.pass(wait);
        }
    }
}
