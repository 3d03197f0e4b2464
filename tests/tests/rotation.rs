//! The master key changes while servers run: nothing stops, nothing is lost.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use llm2api_tests::processes::{Api, Redis, Server};
use llm2api_tests::{Options, Session, Simulator};
use tempfile::TempDir;

const ROTATE: [&str; 2] = ["store", "rotate-key"];

async fn upstream() -> Simulator {
    let session = |number| Session::new(format!("canary-{number}"), format!("user-{number}"));
    let sessions = (0..9).map(session).collect();
    Simulator::start(Options { login: true, sessions, ..Options::default() })
        .await
        .expect("it listens")
}

fn folder() -> (TempDir, std::path::PathBuf) {
    let home = tempfile::tempdir().expect("a directory");
    let data = home.path().join("data");
    fs::create_dir(&data).expect("a directory");
    (home, data)
}

async fn add(api: &Api, numbers: std::ops::Range<usize>) -> Vec<String> {
    let mut ids = Vec::new();
    for number in numbers {
        let answer = api.add(&format!("canary-{number}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        ids.push(answer.id());
    }
    ids
}

async fn answers(api: &Api) {
    let answer = api.stream("hello").await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.expect("a body").contains("data: [DONE]"));
}

async fn has(api: &Api, mut ids: Vec<String>) {
    ids.sort();
    assert_eq!(api.ids().await, ids);
}

async fn rotate(data: &Path, settings: &[(&str, &str)]) -> String {
    let (good, said) = Server::run(data, settings, &ROTATE).await;
    assert!(good && !said.contains("canary"), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_file_gets_a_new_key_while_it_runs() {
    let (upstream, (_home, data)) = (upstream().await, folder());
    let url = upstream.url();
    let settings = [("UPSTREAM_KIND", "chat-ui"), ("UPSTREAM_URL", url.as_str())];
    let mut server = Server::start(&data, &settings).await;
    let mut ids = add(&server.api, 0..3).await;
    let key = |data: &Path| fs::read_to_string(data.join("master.key")).expect("a key file");
    let before = key(&data);
    let said = rotate(&data, &settings).await;
    assert!(said.contains('3'), "it says how many: {said}");
    assert_ne!(key(&data), before);
    ids.extend(add(&server.api, 3..5).await);
    answers(&server.api).await;
    rotate(&data, &settings).await;
    assert!(!key(&data).contains(before.trim()), "two rotations later the first key is gone");
    server.kill().await;
    let server = Server::start(&data, &settings).await;
    has(&server.api, ids).await;
    answers(&server.api).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_gets_a_new_key_while_it_runs() {
    let (upstream, redis, (_home, data)) = (upstream().await, Redis::start().await, folder());
    let [old, new] = [1_u8, 2].map(|byte| STANDARD.encode([byte; 32]));
    let (both, next) = (format!("{old},{new}"), format!("{new},{old}"));
    let (url, store) = (upstream.url(), redis.url());
    let with = |key| {
        let upstream = [("UPSTREAM_KIND", "chat-ui"), ("UPSTREAM_URL", url.as_str())];
        [upstream[0], upstream[1], ("STORE_URL", store.as_str()), ("MASTER_KEY", key)]
    };
    let server = Server::start(&data, &with(&both)).await;
    let mut ids = add(&server.api, 0..3).await;
    rotate(&data, &with(&next)).await;
    ids.extend(add(&server.api, 3..5).await);
    answers(&server.api).await;
    has(&server.api, ids.clone()).await;
    let (_other_home, other) = folder();
    let later = Server::start(&other, &with(&new)).await;
    has(&later.api, ids).await;
    let said = Server::refuses(&other, &with(&old)).await;
    assert!(said.contains("MASTER_KEY"), "the old key opens nothing any more: {said}");
}
