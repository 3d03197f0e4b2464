use super::*;

const AT_ONCE: Duration = Duration::ZERO;

/// Judges a row of failures: (credential, seconds since the last, kind).
fn judge(credentials: usize, by_address: bool, row: &[(&str, u64, ErrorKind)]) -> Vec<bool> {
    let (mut blame, mut at) = (Blame::default(), Instant::now());
    let mut found = Vec::new();
    for (credential, wait, kind) in row {
        at += Duration::from_secs(*wait);
        let seen = Seen { at, credential: (*credential).into(), kind: *kind, named: None };
        let finding = blame.judge(seen, credentials, by_address, &PoolRules::default());
        found.push(finding != Finding::Own);
    }
    found
}

use ErrorKind::{CredentialRejected, QuotaExhausted, RateLimited, UpstreamFailed};

#[test]
fn the_threshold_is_three_or_all_if_fewer_and_never_one() {
    let failed = |name| (name, 0, UpstreamFailed);
    assert_eq!(judge(9, false, &[failed("a"), failed("b"), failed("c")]), [false, false, true]);
    assert_eq!(judge(2, false, &[failed("a"), failed("b")]), [false, true]);
    assert_eq!(judge(1, false, &[failed("a"), failed("a"), failed("a")]), [false; 3]);
    assert_eq!(judge(9, false, &[failed("a"), failed("a"), failed("b")]), [false; 3]);
}

#[test]
fn only_the_same_failure_within_ten_seconds_counts() {
    let row = [("a", 0, UpstreamFailed), ("b", 9, UpstreamFailed), ("c", 2, UpstreamFailed)];
    assert_eq!(judge(9, false, &row), [false; 3]);
    let row = [("a", 0, UpstreamFailed), ("b", 0, ErrorKind::Timeout), ("c", 0, UpstreamFailed)];
    assert_eq!(judge(9, false, &row), [false; 3]);
}

#[test]
fn limits_count_by_address_only_where_the_upstream_does() {
    let row = [("a", 0, RateLimited), ("b", 1, RateLimited)];
    assert_eq!(judge(9, true, &row), [false, true]);
    assert_eq!(judge(9, false, &row), [false, false]);
    assert_eq!(judge(2, false, &row), [false, true], "every key has met it");
}

#[test]
fn a_dead_login_and_an_empty_purse_are_each_accounts_own() {
    let dead = ["a", "b", "c"].map(|name| (name, 0, CredentialRejected));
    assert_eq!(judge(9, false, &dead), [false; 3]);
    let empty = ["a", "b", "c"].map(|name| (name, 0, QuotaExhausted));
    assert_eq!(judge(3, true, &empty), [false; 3]);
}

#[test]
fn a_call_that_worked_meanwhile_clears_the_upstream() {
    let (mut blame, at) = (Blame::default(), Instant::now());
    let rules = PoolRules::default();
    let fails = |blame: &mut Blame, credential: &str, wait| {
        let at = at + Duration::from_secs(wait);
        let kind = UpstreamFailed;
        blame.judge(Seen { at, credential: credential.into(), kind, named: None }, 9, false, &rules)
    };
    fails(&mut blame, "a", 0);
    fails(&mut blame, "b", 1);
    blame.worked(at - Duration::from_secs(60) + AT_ONCE);
    assert!(!blame.is_clean(), "it began before anything failed");
    blame.worked(at + Duration::from_secs(2));
    assert!(blame.is_clean());
    assert_eq!(fails(&mut blame, "c", 3), Finding::Own);
}

#[test]
fn the_pause_is_the_longest_rest_named_within_its_bound() {
    let rules = PoolRules::default();
    let pause = |named: [Option<u64>; 2]| {
        let (mut blame, at) = (Blame::default(), Instant::now());
        let mut last = Finding::Own;
        for (credential, named) in ["a", "b"].into_iter().zip(named) {
            let named = named.map(Duration::from_secs);
            let seen = Seen { at, credential: credential.into(), kind: RateLimited, named };
            last = blame.judge(seen, 9, true, &rules);
        }
        match last {
            Finding::Incident { pause, .. } => pause.map(|pause| pause.as_secs()),
            Finding::Own => None,
        }
    };
    assert_eq!(pause([None, None]), Some(30));
    assert_eq!(pause([Some(5), Some(20)]), Some(20));
    assert_eq!(pause([Some(5), None]), Some(5));
    assert_eq!(pause([Some(500), None]), Some(60));
}
