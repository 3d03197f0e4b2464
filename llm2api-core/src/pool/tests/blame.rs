//! Whose fault it is, and who comes back when.

use super::*;

#[tokio::test(start_paused = true)]
async fn g19_one_call_makes_at_most_one_credential_rest() {
    let pool = many(6, 1);
    let (call, routes) = (Call::random(), [route("a")]);
    for _ in 0..3 {
        failed(&pool, &routes, &call, limited()).await;
    }
    let resting = |pool: &Pool| {
        pool.list().iter().filter(|status| status.state == HealthState::Cooling).count()
    };
    assert_eq!(resting(&pool), 1);
    failed(&pool, &routes, &Call::random(), limited()).await;
    assert_eq!(resting(&pool), 2);
}

#[tokio::test(start_paused = true)]
async fn g19_what_hits_three_credentials_is_the_upstreams_fault() {
    let pool = many(5, 1);
    fail_alike(&pool, 3, &error(ErrorKind::CredentialForbidden)).await;
    assert!(pool.list().iter().all(|status| status.state == HealthState::Active));
    assert!(pool.list()[0].reason.as_deref().is_some_and(|reason| reason.contains("upstream")));
    // The first pause is short: a call waits for it and tries the upstream, and others for that.
    let before = Instant::now();
    let mut trial = take(&pool).await;
    assert_eq!(before.elapsed().as_secs(), 2);
    trial.settle(Ending::Completed);
    drop(trial);
    drop(take(&pool).await);
    assert_eq!(before.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_stays_out_is_tried_less_and_less() {
    let pool = many(5, 1);
    let routes = [route("a")];
    let mut tried = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(150) {
        match pool.lease(&routes, &Call::random()).await {
            Ok(mut lease) => {
                tried.push(begun.elapsed().as_secs());
                lease.settle(Ending::Failed(&error(ErrorKind::UpstreamFailed)));
            }
            Err(refusal) => {
                assert_eq!(refusal.kind(), ErrorKind::UpstreamFailed);
                let wait = refusal.retry_after().expect("a time");
                assert!(wait <= Duration::from_secs(30));
                tokio::time::advance(wait).await;
            }
        }
    }
    tried.retain(|second| *second > 0);
    assert_eq!(tried, [2, 6, 14, 30, 60, 90, 120], "2 s, doubling to 30 s");
    assert!(pool.list().iter().all(|status| status.state == HealthState::Active));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_two_cookies_meet_is_the_addresss() {
    let pool = many(5, 1);
    pool.limits_by_address("a");
    let (call, routes) = (Call::random(), [route("a")]);
    failed(&pool, &routes, &call, limited()).await;
    failed(&pool, &routes, &call, limited().with_retry_after(Duration::from_secs(45))).await;
    assert!(pool.list().iter().all(|status| status.state == HealthState::Active));
    let refusal = pool.lease(&routes, &Call::random()).await.expect_err("paused");
    assert_eq!(refusal.kind(), ErrorKind::PoolExhausted);
    assert_eq!(refusal.retry_after(), Some(Duration::from_secs(45)));
    tokio::time::advance(Duration::from_secs(45)).await;
    take(&pool).await.settle(Ending::Completed);
    assert!(pool.lease(&routes, &Call::random()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn keys_have_limits_of_their_own() {
    let pool = many(4, 1);
    let routes = [route("a")];
    for _ in 0..2 {
        failed(&pool, &routes, &Call::random(), limited()).await;
    }
    assert!(pool.lease(&routes, &Call::random()).await.is_ok(), "two others are free");
}

#[tokio::test(start_paused = true)]
async fn the_last_usable_credential_never_rests_for_weak_evidence() {
    let pool = many(1, 1);
    let routes = [route("a")];
    for _ in 0..20 {
        failed(&pool, &routes, &Call::random(), error(ErrorKind::UpstreamFailed)).await;
    }
    assert_eq!(pool.list()[0].state, HealthState::Active);
}

#[tokio::test(start_paused = true)]
async fn half_open_lets_one_call_through() {
    let pool = many(1, 4);
    let routes = [route("a")];
    let error = limited().with_retry_after(Duration::from_secs(3));
    let id = failed(&pool, &routes, &Call::random(), error).await;
    tokio::time::advance(Duration::from_secs(3)).await;
    let mut trial = take(&pool).await;
    let second = tokio::time::timeout(Duration::from_secs(1), take(&pool)).await;
    assert!(second.is_err(), "the second waits for what the first finds out");
    assert_eq!(state(&pool, &id), HealthState::HalfOpen);
    trial.settle(Ending::Completed);
    assert!(tokio::time::timeout(Duration::ZERO, take(&pool)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_trial_whose_caller_leaves_gives_way_to_the_next() {
    let pool = many(1, 4);
    let routes = [route("a")];
    let error = limited().with_retry_after(Duration::from_secs(1));
    failed(&pool, &routes, &Call::random(), error).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    drop(take(&pool).await);
    assert!(tokio::time::timeout(Duration::ZERO, take(&pool)).await.is_ok());
}

/// Sixty seconds in which the upstream refuses everybody, and one account that is really banned.
#[tokio::test(start_paused = true)]
async fn the_26_account_incident_benches_nobody_but_the_banned() {
    let pool = many(26, 4);
    let routes = [route("a")];
    let banned = pool.list()[7].id.clone();
    let begun = Instant::now();
    let incident = |now: Instant| now - begun < Duration::from_secs(60);
    let mut hits_of_banned = 0;
    while begun.elapsed() < Duration::from_secs(120) {
        tokio::time::advance(Duration::from_millis(100)).await;
        let call = Call::random();
        for _ in 0..2 {
            let Ok(mut lease) = pool.lease(&routes, &call).await else { break };
            let id = lease.credential().id().clone();
            call.begin(lease.upstream().clone(), id.shared());
            if incident(Instant::now()) || id == banned {
                hits_of_banned += u32::from(!incident(Instant::now()));
                lease.settle(Ending::Failed(&error(ErrorKind::CredentialForbidden)));
            } else {
                lease.settle(Ending::Completed);
                break;
            }
        }
        if begun.elapsed() > Duration::from_secs(91) {
            let out: Vec<_> =
                pool.list().into_iter().filter(|s| s.state != HealthState::Active).collect();
            assert!(out.iter().all(|status| status.id == banned), "{out:?}");
        }
    }
    assert!((1..=2).contains(&hits_of_banned), "{hits_of_banned}");
    assert_ne!(state(&pool, &banned), HealthState::Active);
}

#[tokio::test(start_paused = true)]
async fn older_news_of_the_store_undo_no_rest() {
    let pool = many(1, 1);
    let id = pool.list()[0].id.clone();
    let (before, _) = pool.health_to_keep(&id).expect("there");
    failed(&pool, &[route("a")], &Call::random(), limited()).await;
    pool.adopt(&id, &before);
    assert_eq!(state(&pool, &id), HealthState::Cooling, "nobody has kept the rest yet");
    let (_, mark) = pool.health_to_keep(&id).expect("there");
    pool.was_kept(&id, mark);
    pool.adopt(&id, &before);
    assert_eq!(state(&pool, &id), HealthState::Active, "what comes later is newer");
}

#[tokio::test(start_paused = true)]
async fn g21_a_shorter_limit_of_another_server_shortens_nothing() {
    let rest = |seconds| limited().with_retry_after(Duration::from_secs(seconds));
    let (pool, other) = (many(1, 1), many(1, 1));
    let id = pool.list()[0].id.clone();
    failed(&pool, &[route("a")], &Call::random(), rest(600)).await;
    let (_, mark) = pool.health_to_keep(&id).expect("there");
    pool.was_kept(&id, mark);
    let theirs = failed(&other, &[route("a")], &Call::random(), rest(30)).await;
    let (theirs, _) = other.health_to_keep(&theirs).expect("there");
    pool.adopt(&id, &theirs);
    let until = pool.status(&id).expect("there").until.expect("it rests");
    assert_eq!((until - Instant::now()).as_secs(), 600);
    assert_eq!(pool.unsaved(), [id], "the others have to hear of it");
}
