use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, advance, sleep};

use super::model::{Kind, Series};
use super::recent::Recent;
use super::{Ledger, Statistics};
use crate::chat::Outcome;
use crate::clock::unix_seconds;
use crate::error::ErrorKind;
use crate::metrics::{Metrics, TokenCount};
use crate::store::moody::{Mood, Moody};
use crate::store::{Keyring, PointsAsk, Span, Vault};

/// Servers on one store have one.
const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const SECOND: Duration = Duration::from_secs(1);

/// A server on a store: its counters, and what is made of them.
struct Server {
    metrics: Metrics,
    vault: Vault,
    ledger: Ledger,
    statistics: Statistics,
}

impl Server {
    async fn start(store: &Moody) -> Self {
        let keyring = Keyring::parse(MASTER_KEY).expect("32 bytes");
        let vault = Vault::open(Arc::new(store.clone()), keyring).await.expect("a vault");
        let metrics = Metrics::default();
        let ledger = Ledger::new(metrics.clone(), vault.clone());
        Self { metrics, vault, ledger: ledger.clone(), statistics: Statistics::new(ledger) }
    }

    /// Counts calls that are over, of a model and in all.
    fn count(&self, calls: usize) {
        let tally = self.metrics.model("llama");
        for _ in 0..calls {
            self.metrics.start();
            self.metrics.end(Outcome::Completed, SECOND, &TokenCount::default());
            tally.begin();
            tally.end(Outcome::Completed, SECOND);
        }
    }

    async fn hand_over(&self) {
        self.ledger.hand_over(unix_seconds()).await.map(drop).expect("it works");
    }

    async fn requests(&self) -> (u64, u64) {
        let models = self.statistics.totals(Kind::Model).await;
        let llama = models.iter().find(|(name, _)| name == "llama");
        (self.statistics.total().await.requests, llama.map_or(0, |(_, llama)| llama.requests))
    }

    async fn of_the_last_hour(&self) -> u64 {
        let points = self.statistics.points(&Series::Total, Span::Minute, 60).await;
        points.iter().map(|point| point.figures.requests).sum()
    }
}

#[tokio::test(start_paused = true)]
async fn totals_are_those_of_all_servers_and_outlive_restarts() {
    let store = Moody::default();
    let (first, second) = (Server::start(&store).await, Server::start(&store).await);
    first.count(3);
    assert_eq!(first.requests().await, (3, 3), "before anything was handed over");
    first.hand_over().await;
    assert_eq!(first.requests().await, (3, 3), "and after");
    second.count(2);
    assert_eq!(second.requests().await, (5, 5));
    second.hand_over().await;
    assert_eq!(first.requests().await, (3, 3), "what was read a moment ago holds");
    advance(6 * SECOND).await;
    assert_eq!(first.requests().await, (5, 5));
    assert_eq!(Server::start(&store).await.requests().await, (5, 5), "a server that starts anew");
}

#[tokio::test(start_paused = true)]
async fn points_have_what_is_on_its_way() {
    let server = Server::start(&Moody::default()).await;
    server.count(2);
    assert_eq!(server.of_the_last_hour().await, 2);
    server.hand_over().await;
    server.count(1);
    assert_eq!(server.of_the_last_hour().await, 3);
    let hours = server.statistics.points(&Series::Total, Span::Hour, 24).await;
    assert!(hours.iter().all(|hour| hour.at % 3600 == 0));
    assert_eq!(hours.iter().map(|hour| hour.figures.completed).sum::<u64>(), 3);
    let llama = Series::One(Kind::Model, "llama".to_owned());
    assert!(!server.statistics.points(&llama, Span::Minute, 5).await.is_empty());
    let unknown = Series::One(Kind::Model, "nobody".to_owned());
    assert_eq!(server.statistics.points(&unknown, Span::Minute, 5).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_leaves_what_is_known() {
    for mood in [Mood::Fails, Mood::Hangs] {
        let store = Moody::default();
        let server = Server::start(&store).await;
        server.count(2);
        server.hand_over().await;
        assert_eq!((server.requests().await, server.of_the_last_hour().await), ((2, 2), 2));
        store.set(mood);
        advance(10 * SECOND).await;
        server.count(1);
        assert_eq!(server.requests().await, (3, 3), "{mood:?}");
        assert_eq!(server.of_the_last_hour().await, 3, "{mood:?}");
        store.set(Mood::Works);
        server.hand_over().await;
        advance(10 * SECOND).await;
        assert_eq!((server.requests().await, server.of_the_last_hour().await), ((3, 3), 3));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_waited_for_once() {
    let store = Moody::default();
    let server = Server::start(&store).await;
    let (_stop, stopped) = watch::channel(());
    let ask = async {
        server.count(2);
        server.hand_over().await;
        assert_eq!(server.statistics.total().await.requests, 2);
        store.set(Mood::Hangs);
        let mut waited = Vec::new();
        for _ in 0..20 {
            sleep(SECOND).await;
            let asked = Instant::now();
            assert_eq!(server.statistics.total().await.requests, 2);
            waited.push(asked.elapsed());
        }
        waited.retain(|wait| *wait > SECOND / 100);
        assert_eq!(waited.len(), 1, "{waited:?}");

        store.set(Mood::Works);
        let other = Server::start(&store).await;
        other.count(3);
        other.hand_over().await;
        sleep(10 * SECOND).await;
        assert_eq!(server.statistics.total().await.requests, 5, "it was asked again meanwhile");
    };
    tokio::select! {
        () = ask => {}
        () = server.statistics.work(stopped) => unreachable!("nobody stops it"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_glance_at_one_minute_leaves_the_kept_chart_whole() {
    let store = Moody::default();
    let server = Server::start(&store).await;
    server.count(2);
    server.ledger.hand_over(unix_seconds() - 600).await.expect("it works");
    server.count(1);
    server.hand_over().await;
    assert_eq!(server.of_the_last_hour().await, 3);
    server.statistics.points(&Series::Total, Span::Minute, 1).await;
    store.set(Mood::Fails);
    assert_eq!(server.of_the_last_hour().await, 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_removed_while_it_waited_is_not_put_back() {
    let store = Moody::default();
    let server = Server::start(&store).await;
    server.metrics.credential("cred_1").begin();
    server.metrics.model("llama").begin();
    store.set(Mood::Fails);
    server.ledger.hand_over(unix_seconds()).await.expect_err("it is away");
    server.metrics.forget_credential("cred_1");
    store.set(Mood::Works);
    server.hand_over().await;
    let counts = server.vault.counts("").await.expect("it works");
    let series: Vec<_> = counts.iter().map(|count| count.series.as_str()).collect();
    assert_eq!(series, ["model:llama"]);
}

#[tokio::test(start_paused = true)]
async fn many_credentials_leave_room_for_the_points_of_models() {
    let server = Server::start(&Moody::default()).await;
    (0..1005).for_each(|at| server.metrics.credential(&format!("cred_{at}")).begin());
    server.metrics.model("llama").begin();
    server.hand_over().await;
    let points = async |name: &str, kind| {
        let series = Series::One(kind, name.to_owned());
        server.statistics.points(&series, Span::Minute, 5).await.len()
    };
    assert_eq!(points("llama", Kind::Model).await, 1);
    assert_eq!(points("other", Kind::Credential).await, 1, "what has no room is there together");
}

#[tokio::test(start_paused = true)]
async fn each_minute_of_an_outage_is_a_minute_of_its_own() {
    let store = Moody::default();
    let server = Server::start(&store).await;
    let start = unix_seconds().div_ceil(3600) * 3600 + 3600;
    let asked = server.ledger.hand_over(start).await.expect("it works");
    assert!(!asked, "nothing to hand over");
    store.set(Mood::Fails);
    for second in (5..180).step_by(5) {
        server.count(1);
        let error = server.ledger.hand_over(start + second).await.expect_err("it is away");
        assert_eq!(error.kind(), ErrorKind::Store);
    }
    store.set(Mood::Works);
    assert!(server.ledger.hand_over(start + 180).await.expect("it works"));
    let minute = Span::Minute.at(start);
    let ask = PointsAsk::new(vec!["total".to_owned()], Span::Minute, minute, minute + 9);
    let (points, pending) =
        server.ledger.read().await.points(&ask, start + 180).await.expect("it works");
    assert!(pending.is_empty());
    let requests = |figures: &[(String, u64)]| {
        figures.iter().find(|(name, _)| name == "requests").map(|(_, value)| *value)
    };
    let counts: Vec<_> =
        points.iter().map(|point| (point.at - minute, requests(&point.figures))).collect();
    assert_eq!(counts, [(0, Some(12)), (1, Some(12)), (2, Some(11))]);
}

#[tokio::test(start_paused = true)]
async fn what_waited_takes_the_latest_with_it() {
    let store = Moody::default();
    let server = Server::start(&store).await;
    let start = unix_seconds();
    server.count(1);
    store.set(Mood::Fails);
    server.ledger.hand_over(start).await.expect_err("it is away");
    store.set(Mood::Works);
    server.count(1);
    // The server ends: there is no other time.
    server.ledger.hand_over(start).await.expect("it works");
    assert_eq!(Server::start(&store).await.requests().await, (2, 2));
}

#[tokio::test(start_paused = true)]
async fn credentials_have_medians_minute_by_minute() {
    let store = Moody::default();
    let server = Server::start(&store).await;
    server.metrics.credential("cred_1").first_content(Duration::from_millis(200));
    server.metrics.credential("cred_2").begin();
    server.hand_over().await;
    let ids = ["cred_1", "cred_2", "cred_3"].map(str::to_owned);
    let medians = server.statistics.first_content(&ids, 60).await.expect("an answer");
    let [(id, minutes)] = &medians[..] else { panic!("one was used: {medians:?}") };
    assert_eq!((id.as_str(), minutes.len()), ("cred_1", 60));
    let measured: Vec<_> = minutes.iter().flatten().collect();
    assert_eq!(measured.len(), 1);
    assert!((160..=227).contains(&measured[0].as_millis()), "{measured:?}");
    for mood in [Mood::Fails, Mood::Hangs] {
        store.set(mood);
        let error = server.statistics.first_content(&ids, 60).await.expect_err("half is not told");
        assert_eq!(error.kind(), ErrorKind::Store);
    }
}

#[tokio::test(start_paused = true)]
async fn rates_are_of_the_last_seconds_and_quantiles_of_the_last_minutes() {
    let server = Server::start(&Moody::default()).await;
    let (statistics, metrics) = (&server.statistics, &server.metrics);
    assert_eq!(statistics.now().requests_per_second.to_bits(), 0, "no time has passed");
    for _ in 0..20 {
        server.count(2);
        advance(SECOND).await;
        statistics.look();
    }
    metrics.start();
    metrics.end(Outcome::Failed(ErrorKind::Timeout), SECOND, &TokenCount::default());
    metrics.start();
    metrics.begin_stream();
    let now = statistics.now();
    assert!((2.0..2.5).contains(&now.requests_per_second), "{now:?}");
    assert_eq!((now.in_flight, now.streams, now.latency.count()), (1, 1, 41));
    assert_eq!(now.success, Some(40.0 / 41.0));
    for _ in 0..311 {
        advance(SECOND).await;
        statistics.look();
    }
    let now = statistics.now();
    assert_eq!((now.requests_per_second.to_bits(), now.success, now.latency.count()), (0, None, 0));
    assert_eq!(now.in_flight, 1, "it is still under way");
}

#[test]
fn looks_take_no_more_room_than_they_need() {
    let (mut recent, metrics, start) = (Recent::default(), Metrics::default(), Instant::now());
    for second in 0..10_000 {
        recent.look(start + second * SECOND, &metrics.snapshot(), metrics.total());
    }
    assert_eq!(recent.looks(), 40);
}
