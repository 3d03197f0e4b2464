//! A server is killed while conversations go on, and the next one knows all of them or removes them.

use std::time::Duration;

use llm2api_tests::processes::{Api, Server, eventually};
use llm2api_tests::{Options, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::stage::{made, simulator};

/// Rounds, and people who talk in each.
const ROUNDS: u64 = 4;
const TALKERS: usize = 6;
/// How long the last server may take until everything is removed: what was held rests for ten seconds.
const SOON: Duration = Duration::from_secs(30);

struct Place {
    upstream: Simulator,
    folder: TempDir,
}

impl Place {
    async fn new() -> Self {
        let options = Options { token_delay: Duration::from_millis(3), ..Options::default() };
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("data")).expect("a folder");
        Self { upstream: simulator(options).await, folder }
    }

    async fn start(&self, mode: &str) -> Server {
        let url = self.upstream.url();
        let settings = [
            ("UPSTREAM_KIND", "chat-ui"),
            ("UPSTREAM_URL", url.as_str()),
            ("COOKIES", "hf-chat=session-0"),
            ("MAX_CONCURRENCY_PER_CREDENTIAL", "64"),
            ("CONVERSATIONS", mode),
        ];
        Server::start(&self.folder.path().join("data"), &settings).await
    }
}

/// Talks until the server has gone.
async fn talk(api: Api, name: usize) {
    let mut messages: Vec<Value> = Vec::new();
    loop {
        let number = messages.len();
        messages.push(json!({"role": "user", "content": format!("{name} {number}")}));
        let answer = api.talk(&messages).await;
        if answer.status != 200 {
            return;
        }
        messages.push(answer.body["choices"][0]["message"].clone());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g25_kept_conversations_have_an_owner_whenever_a_server_is_killed() {
    let place = Place::new().await;
    for round in 0..ROUNDS {
        let mut server = place.start("reuse").await;
        let mut talkers = JoinSet::new();
        (0..TALKERS).for_each(|name| drop(talkers.spawn(talk(server.api.clone(), name))));
        place.upstream.wait_for(|log| log.generations > 0 && !log.running.is_empty()).await;
        sleep(Duration::from_millis(300 + 170 * round)).await;
        talkers.abort_all();
        server.kill().await;
    }
    let log = place.upstream.log();
    let answers = usize::try_from(log.generations).expect("is small");
    assert!(made(&log) < answers, "some went on: {} of {answers}", made(&log));
    assert!(!log.conversations.is_empty(), "some are kept");
    let _server = place.start("fresh").await;
    let clean = async || {
        let log = place.upstream.log();
        (log.conversations.is_empty() && log.running.is_empty()).then_some(())
    };
    let gone = timeout(SOON, eventually("", SOON * 2, clean)).await;
    assert!(gone.is_ok(), "left: {:#?}", place.upstream.log().conversations);
}
