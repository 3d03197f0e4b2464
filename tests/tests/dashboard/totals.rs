//! Figures over restarts, kills and servers.

use std::time::Duration;

use llm2api_tests::processes::{MODEL, Redis, Server, eventually};
use serde_json::json;
use tokio::time::sleep;

use super::{Place, SPREAD, chat, get, number};

/// Requests that were ever made, as three places tell it: in all, by model, and in the last hour.
async fn requests(server: &Server) -> [u64; 3] {
    let total = number(&get(&server.api, "/stats").await["totals"]["requests"]);
    let models = get(&server.api, "/stats/models").await;
    let models = models["data"].as_array().expect("a list").clone();
    let model = models.iter().find(|model| model["id"] == MODEL).expect("it is listed");
    let hour = get(&server.api, "/stats/series?of=total&span=minute&last=60").await;
    let points = hour["points"].as_array().expect("a list").clone();
    [total, number(&model["requests"]), points.iter().map(|point| number(&point["requests"])).sum()]
}

async fn chats(server: &Server, count: usize) {
    for _ in 0..count {
        chat(server).await;
    }
}

#[tokio::test]
async fn totals_survive_a_restart_and_a_kill_but_for_the_last_seconds() {
    let place = Place::new().await;
    let mut server = place.start("one", "key-one", &[]).await;
    chats(&server, 3).await;
    assert_eq!(requests(&server).await, [3; 3], "there at once");
    server.signal("TERM").await;
    assert!(server.ended().await);
    let mut server = place.start("one", "key-one", &[]).await;
    assert_eq!(requests(&server).await, [3; 3], "all of them after a restart in order");
    chats(&server, 2).await;
    // Counters are handed over each five seconds: what is older than that is kept.
    sleep(Duration::from_secs(7)).await;
    chats(&server, 1).await;
    server.kill().await;
    let server = place.start("one", "key-one", &[]).await;
    let [total, model, hour] = requests(&server).await;
    assert!((5..=6).contains(&total), "{total}");
    assert_eq!([model, hour], [total; 2], "totals and points agree");
}

#[tokio::test]
async fn servers_on_one_redis_tell_the_sum() {
    let (place, redis) = (Place::new().await, Redis::start().await);
    let key = "bGxtMmFwaS1mbGVldC10ZXN0LWtleS0zMi1ieXRlcyE=";
    let settings = [("STORE_URL", redis.url()), ("MASTER_KEY", key.to_owned())];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let one = place.start("one", "key-one", &settings).await;
    let two = place.start("two", "key-one", &settings).await;
    chats(&one, 2).await;
    chats(&two, 3).await;
    for server in [&one, &two] {
        eventually("both tell of all five", SPREAD, async || {
            (requests(server).await == [5; 3]).then_some(())
        })
        .await;
    }
    let now = get(&one.api, "/stats").await["now"].clone();
    assert_eq!((&now["in_flight"], &now["success"]), (&json!(0), &json!(1.0)));
    assert_eq!(now["credentials"], json!({"usable": 1, "total": 1}));
}

#[tokio::test]
async fn a_redis_that_is_away_takes_no_figures_with_it() {
    let (place, mut redis) = (Place::new().await, Redis::start().await);
    let key = "bGxtMmFwaS1mbGVldC10ZXN0LWtleS0zMi1ieXRlcyE=";
    let settings = [("STORE_URL", redis.url()), ("MASTER_KEY", key.to_owned())];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let server = place.start("one", "key-one", &settings).await;
    chats(&server, 2).await;
    assert_eq!(requests(&server).await, [2; 3]);
    redis.kill().await;
    chats(&server, 3).await;
    assert_eq!(requests(&server).await, [5; 3]);
    eventually("it says that the store is away", SPREAD, async || {
        let stats = get(&server.api, "/stats").await;
        (stats["server"]["store"] == "degraded").then_some(())
    })
    .await;
    redis.resume().await;
    let other = place.start("two", "key-one", &settings).await;
    eventually("all of it has arrived", SPREAD, async || {
        (requests(&other).await == [5; 3]).then_some(())
    })
    .await;
    assert_eq!(requests(&server).await, [5; 3]);
}

#[tokio::test]
async fn credentials_have_a_line_of_their_first_contents() {
    let place = Place::new().await;
    let server = place.start("one", "key-one,key-two", &[]).await;
    chat(&server).await;
    let sparks = get(&server.api, "/stats/sparks").await["data"].clone();
    let sparks = sparks.as_object().expect("by credential");
    assert_eq!(sparks.len(), 1, "only what was used: {sparks:?}");
    for (id, minutes) in sparks {
        assert!(id.starts_with("cred_"), "{id}");
        let minutes = minutes.as_array().expect("a list");
        assert_eq!(minutes.len(), 60);
        assert_eq!(minutes.iter().filter(|minute| minute.is_number()).count(), 1);
    }
}
