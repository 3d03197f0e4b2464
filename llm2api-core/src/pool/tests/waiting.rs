//! Who waits learns at once what concerns him, and waits for nothing else.

use futures::future::join_all;
use tokio::time::{advance, sleep, timeout};

use super::*;

/// Five credentials of one upstream, three of which have just failed alike.
async fn broken() -> Pool {
    let pool = many(5, 1);
    fail_alike(&pool, 3, &error(ErrorKind::UpstreamFailed)).await;
    pool
}

async fn take_of(pool: &Pool, upstreams: &[&str]) -> Result<Lease> {
    let routes: Vec<_> = upstreams.iter().map(|upstream| route(upstream)).collect();
    pool.lease(&routes, &Call::random()).await
}

#[tokio::test(start_paused = true)]
async fn a_retry_with_the_same_credential_waits_for_an_upstream_that_is_out() {
    let pool = many(3, 4);
    let (routes, call) = ([route("a")], Call::random());
    for _ in 0..3 {
        failed(&pool, &routes, &call, error(ErrorKind::UpstreamFailed)).await;
    }
    call.set_plan(RetryPlan::new(Some(Duration::from_millis(100)), Others::None));
    let before = Instant::now();
    let newcomer = async {
        sleep(Duration::from_millis(200)).await;
        take(&pool).await
    };
    let (again, other) = tokio::join!(pool.lease(&routes, &call), newcomer);
    drop((again.expect("the same again"), other));
    assert_eq!(before.elapsed().as_secs(), 2, "the first pause, and no longer");
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_answers_again_serves_all_who_wait() {
    let pool = broken().await;
    let before = Instant::now();
    let answered = async {
        let mut trial = take(&pool).await;
        sleep(Duration::from_millis(300)).await;
        trial.worked();
        sleep(Duration::from_secs(60)).await;
    };
    let others = join_all((0..4).map(|_| async {
        let lease = take(&pool).await;
        (before.elapsed().as_millis(), lease)
    }));
    let ((), others) = tokio::join!(answered, others);
    for (took, _) in &others {
        assert_eq!(*took, 2300, "as soon as the first content is there, not at its end");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_stays_out_keeps_nobody_waiting() {
    let pool = broken().await;
    let before = Instant::now();
    let tries = async {
        let mut trial = take(&pool).await;
        trial.settle(Ending::Failed(&error(ErrorKind::UpstreamFailed)));
    };
    let others = join_all((0..4).map(|_| async {
        let refused = take_of(&pool, &["a"]).await.expect_err("out for four seconds");
        (before.elapsed().as_secs(), refused.retry_after())
    }));
    let ((), others) = tokio::join!(tries, others);
    assert_eq!(others, [(2, Some(Duration::from_secs(4))); 4]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_one_upstream_holds_up_no_other() {
    let pool = pool(&[("a", 1), ("b", 1)]);
    let _busy = take(&pool).await;
    let waits = take_of(&pool, &["a"]);
    let newcomer = async {
        sleep(Duration::from_millis(1)).await;
        let before = Instant::now();
        let lease = take_of(&pool, &["a", "b"]).await.expect("b is idle");
        (lease.upstream().to_string(), before.elapsed())
    };
    let found = tokio::select! {
        _ = waits => panic!("a is busy"),
        found = newcomer => found,
    };
    assert_eq!(found, ("b".to_owned(), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn who_may_not_use_what_is_free_holds_up_nobody() {
    let pool = many(2, 1);
    let (routes, call) = ([route("a")], Call::random());
    failed(&pool, &routes, &call, error(ErrorKind::UpstreamFailed)).await;
    call.set_plan(RetryPlan::new(Some(Duration::from_millis(1500)), Others::None));
    let newcomers = async {
        sleep(Duration::from_millis(1)).await;
        timeout(Duration::from_millis(10), async { (take(&pool).await, take(&pool).await) }).await
    };
    let leases = tokio::select! {
        _ = pool.lease(&routes, &call) => panic!("not yet"),
        leases = newcomers => leases,
    };
    assert!(leases.is_ok(), "both are free");
}

#[tokio::test(start_paused = true)]
async fn a_busy_upstream_is_waited_for_where_another_is_out() {
    let pool = pool(&[("a", 1), ("b", 1), ("b", 1)]);
    pool.limits_by_address("b");
    let (call, minute) = (Call::random(), || limited().with_retry_after(Duration::from_secs(60)));
    for _ in 0..2 {
        failed(&pool, &[route("b")], &call, minute()).await;
    }
    let busy = take(&pool).await;
    let free = async {
        sleep(Duration::from_secs(5)).await;
        drop(busy);
    };
    let (lease, ()) = tokio::join!(take_of(&pool, &["a", "b"]), free);
    let lease = lease.expect("a place at a");
    assert_eq!(&**lease.upstream(), "a");
    let refused = take_of(&pool, &["a", "b"]).await.expect_err("a stays busy");
    assert_eq!(refused.kind(), ErrorKind::PoolExhausted);
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_upstream_is_passed_over_and_soon_tried_again() {
    let pool = pool(&[("a", 1), ("a", 1), ("b", 9)]);
    fail_alike(&pool, 2, &error(ErrorKind::Connect)).await;
    let lease = take_of(&pool, &["a", "b"]).await.expect("the other one");
    assert_eq!(&**lease.upstream(), "b");
    assert!(pool.list().iter().all(|status| status.state == HealthState::Active));
    for _ in 0..6 {
        advance(Duration::from_secs(8)).await;
        let mut lease = take_of(&pool, &["a", "b"]).await.expect("somebody");
        assert_eq!(&**lease.upstream(), "a", "every eight seconds at least");
        lease.settle(Ending::Failed(&error(ErrorKind::Connect)));
    }
}

#[tokio::test(start_paused = true)]
async fn g17_a_trial_that_has_passed_holds_nobody_up_however_long_it_streams() {
    let pool = many(1, 4);
    let rest = || limited().with_retry_after(Duration::from_secs(3));
    failed(&pool, &[route("a")], &Call::random(), rest()).await;
    advance(Duration::from_secs(3)).await;
    let mut trial = take(&pool).await;
    trial.worked();
    failed(&pool, &[route("a")], &Call::random(), rest()).await;
    advance(Duration::from_secs(3)).await;
    let second = timeout(Duration::ZERO, take(&pool)).await;
    assert!(second.is_ok(), "it is on trial anew, and the first answer still flows");
}

#[tokio::test(start_paused = true)]
async fn g04_a_replaced_credential_keeps_count_of_its_calls() {
    let pool = many(1, 2);
    let id = pool.list()[0].id.clone();
    let leases = (take(&pool).await, take(&pool).await);
    let new = Credential::with_id(id, "a", crate::credential::Material::Anonymous);
    pool.add([Member::new(new).with_max_concurrency(2)]);
    assert_eq!(pool.list()[0].in_flight, 2);
    assert!(timeout(Duration::from_secs(1), take(&pool)).await.is_err(), "both are taken");
    drop(leases);
    assert_eq!(pool.list()[0].in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_minute_is_told_truly() {
    let pool = Pool::new(PoolRules::default(), Duration::from_secs(5));
    pool.add([member("a", 9).with_requests_per_minute(2)]);
    drop((take(&pool).await, take(&pool).await));
    advance(Duration::from_secs(10)).await;
    let refused = take_of(&pool, &["a"]).await.expect_err("the minute is full");
    assert_eq!(refused.kind(), ErrorKind::PoolExhausted);
    assert!(refused.message().contains("requests_per_minute"), "{refused}");
    assert!(refused.retry_after() >= Some(Duration::from_secs(45)), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn our_own_time_limit_is_nobodys_fault() {
    let pool = many(3, 1);
    for _ in 0..9 {
        let ours = error(ErrorKind::UpstreamIncomplete).with_code("total_timeout");
        failed(&pool, &[route("a")], &Call::random(), ours).await;
    }
    assert!(timeout(Duration::ZERO, take(&pool)).await.is_ok());
    assert!(pool.list().iter().all(|status| status.reason.is_none()));
}
