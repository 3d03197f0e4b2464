use super::*;

const KIND: ErrorKind = ErrorKind::UpstreamFailed;

fn later(now: Instant, seconds: u64) -> Instant {
    now + Duration::from_secs(seconds)
}

#[test]
fn pauses_double_while_trials_fail_and_begin_anew_after_one_works() {
    let (mut breaker, mut now, rules) = (Breaker::default(), Instant::now(), PoolRules::default());
    for round in 0..2 {
        breaker.shut(KIND, None, now, &rules);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let Gate::Shut(Some(until)) = breaker.gate(now) else {
                panic!("shut in round {round}")
            };
            pauses.push((until - now).as_secs());
            now = until;
            assert_eq!(breaker.gate(now), Gate::Trial);
            breaker.begin_trial();
            assert_eq!(breaker.gate(now), Gate::Shut(None), "one trial at a time");
            breaker.shut(KIND, None, now, &rules);
        }
        assert_eq!(pauses, [2, 4, 8, 16, 30, 30]);
        breaker.worked();
        assert_eq!(breaker.gate(now), Gate::Open);
    }
}

#[test]
fn calls_that_were_under_way_do_not_make_the_pause_longer() {
    let (mut breaker, now, rules) = (Breaker::default(), Instant::now(), PoolRules::default());
    breaker.shut(KIND, None, now, &rules);
    for _ in 0..9 {
        breaker.shut(KIND, None, later(now, 1), &rules);
    }
    assert_eq!(breaker.gate(later(now, 2)), Gate::Trial);
}

#[test]
fn a_time_that_is_named_counts() {
    let (mut breaker, now, rules) = (Breaker::default(), Instant::now(), PoolRules::default());
    breaker.shut(ErrorKind::RateLimited, Some(Duration::from_secs(20)), now, &rules);
    breaker.shut(ErrorKind::RateLimited, Some(Duration::from_secs(40)), later(now, 1), &rules);
    assert_eq!(breaker.gate(now), Gate::Shut(Some(later(now, 41))));
}

#[test]
fn a_trial_without_an_answer_gives_way() {
    let (mut breaker, now, rules) = (Breaker::default(), Instant::now(), PoolRules::default());
    breaker.shut(KIND, None, now, &rules);
    breaker.begin_trial();
    breaker.end_trial();
    assert_eq!(breaker.gate(later(now, 2)), Gate::Trial);
}
