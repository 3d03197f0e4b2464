//! Keys of servers that share a Redis.

use std::path::Path;

use futures::future::join_all;
use llm2api_tests::processes::{Redis, Server, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use super::{SPREAD, becomes, outcome};

/// Two servers over one Redis.
struct Fleet {
    redis: Redis,
    servers: Vec<Server>,
    _data: TempDir,
}

impl Fleet {
    async fn start() -> Self {
        let (redis, data) = (Redis::start().await, tempfile::tempdir().expect("a directory"));
        let mut servers = Vec::new();
        for name in ["one", "two"] {
            servers.push(server(&data.path().join(name), &redis.url()).await);
        }
        Self { redis, servers, _data: data }
    }

    /// Makes a key at the first server; returns its id and the key.
    async fn create(&self, body: Value) -> (String, String) {
        let issued = self.servers[0].api.post("/key/create", &body).await;
        assert_eq!(issued.status, 200, "{issued:?}");
        let text = |name: &str| issued.body[name].as_str().expect("a text").to_owned();
        (text("id"), text("key"))
    }
}

async fn server(folder: &Path, store: &str) -> Server {
    std::fs::create_dir(folder).expect("a directory");
    let key = "bGxtMmFwaS1mbGVldC10ZXN0LWtleS0zMi1ieXRlcyE=";
    Server::start(folder, &[("STORE_URL", store), ("MASTER_KEY", key)]).await
}

#[tokio::test]
async fn a_key_that_is_revoked_at_one_server_stops_at_all() {
    let fleet = Fleet::start().await;
    let (id, key) = fleet.create(json!({})).await;
    becomes(&fleet.servers[1], &key, "").await;
    let revoked = fleet.servers[1].api.post("/key/revoke", &json!({"id": id})).await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    assert_eq!(outcome(&fleet.servers[1], &key).await.1, "api_key_revoked", "there at once");
    becomes(&fleet.servers[0], &key, "api_key_revoked").await;
}

#[tokio::test]
async fn all_servers_together_keep_a_key_to_its_limits() {
    let fleet = Fleet::start().await;
    let (_, key) = fleet.create(json!({"requests_per_minute": 5, "tokens_per_day": 1_000})).await;
    becomes(&fleet.servers[1], &key, "").await;
    let calls = fleet.servers.iter().cycle().take(12).map(|server| outcome(server, &key));
    let outcomes = join_all(calls).await;
    let good = outcomes.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(good, 4, "one was taken before: {outcomes:?}");
    assert!(outcomes.iter().all(|(status, code)| *status == 200 || code == "rate_limit_exceeded"));
    // What a chat has used is counted when it is over, of which its client need not have heard.
    let today = async |server: &Server| {
        let list = server.api.get("/keys").await.body;
        list["data"][0]["tokens_today"].as_u64().expect("a number")
    };
    eventually("both tell the same of the day", SPREAD, async || {
        let told = (today(&fleet.servers[0]).await, today(&fleet.servers[1]).await);
        (told.0 > 0 && told.0 == told.1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_forgets_or_goes_makes_no_revoked_key_good() {
    let mut fleet = Fleet::start().await;
    let (id, bad) = fleet.create(json!({})).await;
    let (_, good) = fleet.create(json!({})).await;
    fleet.servers[0].api.post("/key/revoke", &json!({"id": id})).await;
    becomes(&fleet.servers[1], &bad, "api_key_revoked").await;
    becomes(&fleet.servers[1], &good, "").await;
    fleet.redis.forget().await;
    sleep(SPREAD).await;
    let data = tempfile::tempdir().expect("a directory");
    let late = server(&data.path().join("late"), &fleet.redis.url()).await;
    for server in fleet.servers.iter().chain([&late]) {
        assert_eq!(outcome(server, &bad).await.1, "api_key_revoked");
        assert_eq!(outcome(server, &good).await.0, 200);
    }
    fleet.redis.kill().await;
    for server in &fleet.servers {
        assert_eq!(outcome(server, &bad).await.1, "api_key_revoked");
        assert_eq!(outcome(server, &good).await.0, 200, "the last known keys go on");
    }
}
