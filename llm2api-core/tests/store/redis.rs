use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use llm2api_core::CredentialId;
use llm2api_core::store::{
    Ask, Count, Inserted, Listing, Places, RedisStore, Row, Span, Standing, Store, Swapped, Taken,
    Version,
};
use llm2api_tests::processes::{Redis, eventually};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::gateway::Gateway;
use crate::points::{NOW, add, minute, minutes};
use crate::records::{FULL, news, set};
use crate::suite::{Home, entry, insert, row, run, suite};

/// How long a server may take to learn something of its store.
const SOON: Duration = Duration::from_secs(8);
/// How long a server that says nothing keeps its outbox.
const TWO_LEASES: Duration = Duration::from_secs(30);

const FIGURE: [(&str, u64); 1] = [("requests", 1)];

#[async_trait]
impl Home for Redis {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(connect(self).await)
    }

    async fn beside(&self) -> Arc<dyn Store> {
        Arc::new(connect(self).await)
    }

    async fn fill_log(&self, times: usize) {
        let act = format!(r#"[{},\"\",\"\",\"\"]"#, FULL.at);
        let fill =
            format!("for _ = 1, {times} do redis.call('LPUSH', 'llm2api:audit', '{act}') end");
        let filled = self.number(&format!(r#"EVAL "{fill} return {times}" 0"#)).await;
        assert_eq!(filled, Some(times as u64));
    }
}

suite!(Redis::start());
run!(
    Redis::start(),
    everything_is_there_after_opening_again,
    what_an_earlier_process_left_is_taken_once,
    records_are_there_after_opening_again,
    points_are_there_after_opening_again,
);

#[tokio::test]
async fn records_that_were_lost_are_never_taken_for_those_before() {
    let redis = Redis::start().await;
    let store = connect(&redis).await;
    assert_eq!(set(&store, "a", None, "before").await, Swapped::Done);
    let before = news(&store, None).await.expect("all").version;
    redis.forget().await;
    let lost = news(&store, Some(before)).await.expect("it is known to be lost");
    assert_eq!(lost, Listing::new(Vec::new(), Version(0)));
    assert_eq!(set(&store, "a", None, "after").await, Swapped::Done);
    let after =
        news(&store, Some(before)).await.expect("as many changes as before, and another history");
    assert!(after.version > before, "{after:?}");
    assert_eq!(after.records, [("a".to_owned(), "after".to_owned())]);
}

/// As after a failover to a copy that had not heard of the last change.
#[tokio::test]
async fn a_change_after_a_set_back_is_news_to_who_knew_the_change_that_was_lost() {
    let redis = Redis::start().await;
    let store = connect(&redis).await;
    assert_eq!(set(&store, "a", None, "kept").await, Swapped::Done);
    let kept = news(&store, None).await.expect("all").version;
    assert_eq!(set(&store, "a", Some("kept"), "lost").await, Swapped::Done);
    let lost = news(&store, Some(kept)).await.expect("news").version;
    set_version(&redis, kept.0).await;
    assert_eq!(set(&store, "a", Some("lost"), "instead").await, Swapped::Done);
    let instead = news(&store, Some(lost)).await.expect("another change than the one it knew");
    assert!(instead.version > lost, "{instead:?}");
    assert_eq!(instead.records, [("a".to_owned(), "instead".to_owned())]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_number_smaller() {
    let redis = Redis::start().await;
    let store = connect(&redis).await;
    assert_eq!(set(&store, "a", None, "1").await, Swapped::Done);
    let far = 9_007_199_254_740_000;
    set_version(&redis, far).await;
    for (number, texts) in ["1", "2", "3"].windows(2).enumerate() {
        let known = Version(far + number as u64);
        assert_eq!(news(&store, Some(known)).await, None);
        assert_eq!(set(&store, "a", Some(texts[0]), texts[1]).await, Swapped::Done);
        let listing = news(&store, Some(known)).await.expect("news");
        assert_eq!(listing.version, Version(known.0 + 1));
    }
}

async fn set_version(redis: &Redis, version: u64) {
    let set = format!("redis.call('SET', 'llm2api:records-version:client_key', '{version}')");
    let done = redis.number(&format!(r#"EVAL "{set} return 1" 0"#)).await;
    assert_eq!(done, Some(1));
}

#[tokio::test]
async fn the_outbox_of_a_killed_server_is_taken_after_two_leases() {
    let redis = Redis::start().await;
    let (killed, lives) = (connect(&redis).await, connect(&redis).await);
    killed.put_outbox(&entry("a", "first")).await.expect("kept");
    let places = lives.places().expect("a fleet");
    let begun = Instant::now();
    let taken = async || {
        let taken = lives.take_outbox().await.expect("an answer");
        (!taken.is_empty()).then_some(taken)
    };
    let taken = eventually("it is taken", TWO_LEASES + SOON, taken);
    let taken = tokio::select! {
        taken = taken => taken,
        () = places.tend() => unreachable!("it runs until dropped"),
    };
    assert_eq!(taken, [entry("a", "first")]);
    assert!(
        begun.elapsed() >= TWO_LEASES.saturating_sub(Duration::from_secs(1)),
        "its answers may go on"
    );
}

#[tokio::test]
async fn a_server_that_lives_keeps_its_outbox() {
    let redis = Redis::start().await;
    let (lives, other) = (connect(&redis).await, connect(&redis).await);
    lives.put_outbox(&entry("a", "first")).await.expect("kept");
    let places = lives.places().expect("a fleet");
    tokio::select! {
        () = tokio::time::sleep(TWO_LEASES + Duration::from_secs(2)) => {}
        () = places.tend() => unreachable!("it runs until dropped"),
    }
    assert_eq!(other.take_outbox().await.expect("an answer"), []);
}

async fn connect(redis: &Redis) -> RedisStore {
    RedisStore::connect(&redis.url()).await.expect("a store")
}

fn id(text: &str) -> CredentialId {
    CredentialId::from_text(text)
}

async fn set_profile(store: &dyn Store, row: &Row, profile: &str) {
    let set = store.set_profile(&row.id, &row.profile, profile).await;
    assert_eq!(set.expect("an answer"), Swapped::Done);
}

#[tokio::test]
async fn what_one_server_changes_is_news_to_the_other() {
    let redis = Redis::start().await;
    let (one, other) = (connect(&redis).await, connect(&redis).await);
    let (first, second) = (row("cred_1", "one", None), row("cred_2", "two", Some("7")));
    insert(&one, &first).await;
    let (known, version) = other.rows().await.expect("rows");
    assert_eq!(known, std::slice::from_ref(&first));
    let nothing = other.changes(version).await.expect("changes");
    assert!(nothing.rows.is_empty() && nothing.removed.is_empty() && !nothing.reset);

    insert(&one, &second).await;
    set_profile(&one, &first, "new").await;
    one.set_health(&[(first.id.clone(), "worse".into())]).await.expect("set");
    let news = other.changes(version).await.expect("changes");
    let first = Row { profile: "new".into(), health: "worse".into(), ..first };
    assert_eq!(news.rows, [second.clone(), first.clone()], "in the order of their last change");
    assert!(news.removed.is_empty() && !news.reset);

    assert!(one.remove(&first.id).await.expect("an answer"));
    assert!(one.remove(&second.id).await.expect("an answer"));
    assert_eq!(insert(&one, &second).await, Inserted::New);
    let news = other.changes(news.version).await.expect("changes");
    assert_eq!((news.rows, news.removed), (vec![second], vec![first.id]), "it has come back");
}

#[tokio::test]
async fn a_store_that_lost_its_data_says_so() {
    let redis = Redis::start().await;
    let (one, other) = (connect(&redis).await, connect(&redis).await);
    let (first, second) = (row("cred_1", "one", None), row("cred_2", "two", None));
    insert(&one, &first).await;
    let version = other.rows().await.expect("rows").1;
    redis.forget().await;
    insert(&one, &second).await;
    assert!(one.remove(&second.id).await.expect("an answer"));
    insert(&one, &row("cred_3", "three", None)).await;
    let news = other.changes(version).await.expect("changes");
    assert!(news.reset, "there are later changes, and yet what was before is lost");
    assert_eq!(news.rows, [row("cred_3", "three", None)]);
    assert_eq!(news.removed, [second.id], "what was removed since must not be put back");
    let again = other.changes(news.version).await.expect("changes");
    assert!(!again.reset && again.rows.is_empty());
}

#[tokio::test]
async fn after_a_new_connection_everything_is_told_again() {
    let mut redis = Redis::start().await;
    let store = connect(&redis).await;
    let first = row("cred_1", "one", None);
    insert(&store, &first).await;
    let version = store.rows().await.expect("rows").1;
    redis.kill().await;
    assert!(store.changes(version).await.is_err(), "it is away");
    assert!(store.insert(&row("cred_2", "two", None)).await.is_err(), "nothing is acknowledged");
    redis.resume().await;
    let news = async || store.changes(version).await.ok();
    let news = eventually("the store is back", SOON, news).await;
    assert!(news.reset && news.rows == [first], "{news:?}");
    assert!(!store.changes(version).await.expect("changes").reset);
}

#[tokio::test]
async fn servers_share_places() {
    let redis = Redis::start().await;
    let (one, other) = (places(&connect(&redis).await), places(&connect(&redis).await));
    let ask = Ask::new(id("cred_1"), 2);
    let Taken::Place(first) = one.take(&ask).await else { panic!("a place") };
    let Taken::Place(second) = other.take(&ask).await else { panic!("another") };
    assert!(matches!(one.take(&ask).await, Taken::Full(_)));
    assert!(matches!(one.take(&Ask::new(id("cred_2"), 1)).await, Taken::Place(_)), "another's");

    one.give_back(&ask.id, first);
    one.give_back(&ask.id, second + 1000);
    let again = async || match other.take(&ask).await {
        Taken::Place(token) => Some(token),
        _ => None,
    };
    let tended = async { tokio::join!(one.tend(), other.tend()) };
    tokio::select! {
        _ = tended => unreachable!("it has no end"),
        token = eventually("the place is free", SOON, again) => assert!(token > second),
    }
    assert!(matches!(one.take(&ask).await, Taken::Full(_)), "one was given back, not two");
    other.leave().await;
    assert!(matches!(one.take(&ask).await, Taken::Place(_)), "who leaves holds nothing");
    assert!(matches!(one.take(&ask).await, Taken::Place(_)));
}

#[tokio::test]
async fn servers_share_a_minute() {
    let redis = Redis::start().await;
    let (one, other) = (places(&connect(&redis).await), places(&connect(&redis).await));
    let mut ask = Ask::new(id("cred_1"), 9);
    ask.per_minute = 2;
    assert!(matches!(one.take(&ask).await, Taken::Place(_)));
    assert!(matches!(other.take(&ask).await, Taken::Place(_)));
    let Taken::Full(wait) = other.take(&ask).await else { panic!("the minute is full") };
    assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(60), "{wait:?}");
}

#[tokio::test]
async fn a_place_that_was_given_to_nobody_goes_back() {
    let redis = Redis::start().await;
    let places = places(&connect(&redis).await);
    let ask = Ask::new(id("cred_1"), 1);
    assert!(matches!(places.take(&Ask::new(id("warm"), 1)).await, Taken::Place(_)));
    {
        let asked = places.take(&ask);
        tokio::pin!(asked);
        assert!(futures::poll!(&mut asked).is_pending(), "the question is on its way");
    }
    let free = async || matches!(places.take(&ask).await, Taken::Place(_)).then_some(());
    tokio::select! {
        () = places.tend() => unreachable!("it has no end"),
        () = eventually("the place is free", SOON, free) => {}
    }
}

#[tokio::test]
async fn without_the_store_each_server_has_its_share() {
    let mut redis = Redis::start().await;
    let stores = [connect(&redis).await, connect(&redis).await, connect(&redis).await];
    let servers = stores.each_ref().map(places);
    let mut tasks = JoinSet::new();
    for server in servers.clone() {
        tasks.spawn(async move { server.tend().await });
    }
    let all =
        async || servers.iter().all(|server| format!("{server:?}").contains("of: 3")).then_some(());
    eventually("all have heard of each other", SOON, all).await;
    redis.kill().await;
    let mut given = 0;
    for server in &servers {
        let mut ask = Ask::new(id("cred_1"), 4);
        (ask.places_before, ask.places_in_all) = (0, 4);
        let alone = async || (server.standing() == Standing::Alone).then_some(());
        eventually("it knows", SOON, alone).await;
        while let Taken::Place(_) = server.take(&ask).await {
            given += 1;
        }
    }
    assert_eq!(given, 4, "together they have all places, and no more");
    redis.resume().await;
    for server in &servers {
        let joined = async || (server.standing() == Standing::Joined).then_some(());
        eventually("it is back", SOON, joined).await;
    }
    for server in &servers {
        let full = matches!(server.take(&Ask::new(id("cred_1"), 4)).await, Taken::Full(_));
        assert!(full, "what was taken meanwhile counts");
    }
    assert!(matches!(servers[0].take(&Ask::new(id("cred_1"), 5)).await, Taken::Place(_)));
    assert!(matches!(servers[1].take(&Ask::new(id("cred_1"), 5)).await, Taken::Full(_)));
}

#[tokio::test]
async fn a_batch_that_redis_has_no_room_for_leaves_nothing() {
    let redis = Redis::start().await;
    let store = connect(&redis).await;
    let (count, point) = ([Count::new("total", "requests", 1)], [minute("total", NOW, &FIGURE)]);
    // Neither answers with a number.
    redis.number("CONFIG SET maxmemory 1").await;
    let error = store.add("batch", &count, &point).await.expect_err("refused");
    assert!(error.to_string().contains("maxmemory"), "{error}");
    redis.number("CONFIG SET maxmemory 0").await;
    assert_eq!(store.counts("").await.expect("counts"), []);
    assert_eq!(minutes(&store, &["total"]).await, []);
    store.add("batch", &count, &point).await.expect("it is not taken for one that was added");
    assert_eq!(store.counts("").await.expect("counts"), count);
    assert_eq!(minutes(&store, &["total"]).await, point);
}

#[tokio::test]
async fn points_run_out_and_are_packed() {
    let redis = Redis::start().await;
    let store = connect(&redis).await;
    let names: Vec<_> = (0..40).map(|number| format!("figure_of_{number}")).collect();
    let figures: Vec<_> = names.iter().map(|name| (name.as_str(), 123_456)).collect();
    let points: Vec<_> = (0..12).map(|at| minute("total", NOW + at, &figures)).collect();
    add(&store, "batch", &points).await;
    let (key, day) = (format!("llm2api:points:minute:{}:total", NOW / 12), 24 * 3600);
    for key in [key.as_str(), "llm2api:chunks:minute:total"] {
        let left = redis.number(&format!("TTL {key}")).await;
        assert!(left.is_some_and(|left| left > day && left <= day + 2 * 3600), "{key}: {left:?}");
    }
    assert_eq!(redis.number(&format!("HLEN {key}")).await, Some(12 * 40));
    let read = minutes(&store, &["total"]).await;
    let ats: Vec<_> = read.iter().map(|point| (point.at - NOW, point.figures.len())).collect();
    assert_eq!(ats, (0..12).map(|at| (at, 40)).collect::<Vec<_>>());
    assert!(read.iter().flat_map(|point| &point.figures).all(|(name, _)| names.contains(name)));
    let encoding = format!("redis.call('OBJECT', 'ENCODING', '{key}')");
    let is_packed = format!(r#"EVAL "return {encoding} == 'hashtable' and 0 or 1" 0"#);
    assert_eq!(redis.number(&is_packed).await, Some(1));
}

#[tokio::test]
async fn what_is_forgotten_or_too_old_leaves_no_key() {
    let redis = Redis::start().await;
    let store = connect(&redis).await;
    let day = Span::Minute.kept();
    for (batch, at) in [NOW, NOW + 45, NOW + 45 + day].into_iter().enumerate() {
        add(&store, &batch.to_string(), &[minute("total", at, &FIGURE)]).await;
    }
    let count = r#"EVAL "return #redis.call('KEYS', 'llm2api:points:*')" 0"#;
    assert_eq!(redis.number(count).await, Some(2));
    store.forget("total").await.expect("forgotten");
    assert_eq!(redis.number(count).await, Some(0));
    assert_eq!(redis.number("EXISTS llm2api:chunks:minute:total").await, Some(0));
}

#[tokio::test]
async fn what_was_removed_is_not_put_back() {
    let redis = Redis::start().await;
    let store = connect(&redis).await;
    let first = row("cred_1", "one", None);
    assert_eq!(store.put_back(&first).await.expect("an answer"), Inserted::New, "it was lost");
    assert!(store.remove(&first.id).await.expect("an answer"));
    assert_eq!(store.put_back(&first).await.expect("an answer"), Inserted::Missing);
    assert!(!store.remove(&id("cred_2")).await.expect("an answer"), "and lost before that");
    let second = row("cred_2", "two", None);
    assert_eq!(store.put_back(&second).await.expect("an answer"), Inserted::Missing);
    assert_eq!(insert(&store, &second).await, Inserted::New, "added on purpose");
}

#[tokio::test]
async fn a_place_that_was_not_used_is_not_counted_for_the_minute() {
    let redis = Redis::start().await;
    let places = places(&connect(&redis).await);
    let mut ask = Ask::new(id("cred_1"), 9);
    ask.per_minute = 1;
    {
        let asked = places.take(&ask);
        tokio::pin!(asked);
        assert!(futures::poll!(&mut asked).is_pending());
    }
    let free = async || matches!(places.take(&ask).await, Taken::Place(_)).then_some(());
    tokio::select! {
        () = places.tend() => unreachable!("it has no end"),
        () = eventually("the minute is free", SOON, free) => {}
    }
}

/// A connection that dies in silence, as behind a gateway that forgets it: what is sent is lost, and
/// nobody says so.
#[tokio::test]
async fn a_connection_that_died_in_silence_is_made_again() {
    let redis = Redis::start().await;
    let gateway = Gateway::start(&redis).await;
    let store = RedisStore::connect(&gateway.url()).await.expect("a store");
    let (places, first) = (places(&store), row("cred_1", "one", None));
    assert_eq!(insert(&store, &first).await, Inserted::New);
    let mut tasks = JoinSet::new();
    let tended = places.clone();
    tasks.spawn(async move { tended.tend().await });
    let ask = Ask::new(id("cred_1"), 2);
    assert!(matches!(places.take(&ask).await, Taken::Place(_)));
    gateway.forget_connections();
    let works = async || store.rows().await.ok();
    eventually("the store answers", SOON, works).await;
    let alone = async || (places.standing() == Standing::Alone).then_some(());
    eventually("it has noticed", SOON, alone).await;
    let joined = async || (places.standing() == Standing::Joined).then_some(());
    eventually("places are shared again", SOON, joined).await;
    assert!(matches!(places.take(&ask).await, Taken::Place(_)));
    assert!(matches!(places.take(&ask).await, Taken::Full(_)), "the first is still held");
}

#[tokio::test]
async fn who_may_not_enter_is_told_so() {
    let redis = Redis::start().await;
    let url = redis.url().replace("redis://", "redis://:canary@");
    let error = RedisStore::connect(&url).await.expect_err("it has no password");
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("password of `STORE_URL`") && !shown.contains("canary"), "{shown}");
    let nobody = RedisStore::connect("redis://127.0.0.1:1/0").await.expect_err("nobody listens");
    assert!(nobody.to_string().contains("cannot be reached"), "{nobody}");
    let wrong = RedisStore::connect("redis://:canary@[/0").await.expect_err("no URL");
    assert!(!format!("{wrong} {wrong:?}").contains("canary"), "{wrong}");
}

fn places(store: &RedisStore) -> Arc<dyn Places> {
    store.places().expect("places")
}
