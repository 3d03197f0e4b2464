//! What the dashboard is told, by real servers: figures, requests with their reasons, events.

mod events;
mod explained;
mod feed;
mod secrets;
mod totals;
mod trial;

use std::time::Duration;

use llm2api_tests::processes::{Api, Outcome, Server};
use llm2api_tests::{Options, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Counters reach the store, and what others have counted this server, within this time.
const SPREAD: Duration = Duration::from_secs(20);
/// A look comes each second.
const SOON: Duration = Duration::from_secs(5);

/// Servers in front of one simulator, each with a data directory of its own.
struct Place {
    upstream: Simulator,
    data: TempDir,
}

impl Place {
    async fn new() -> Self {
        let upstream = Simulator::start(Options::default()).await.expect("the simulator listens");
        Self { upstream, data: tempfile::tempdir().expect("a directory") }
    }

    /// Starts a server under a name, with these keys as its accounts; it finds what one of the same
    /// name has left.
    async fn start(&self, name: &str, cookies: &str, settings: &[(&str, &str)]) -> Server {
        let folder = self.data.path().join(name);
        std::fs::create_dir_all(&folder).expect("a directory");
        let url = self.upstream.openai_url();
        let own =
            [("UPSTREAM_KIND", "openai"), ("UPSTREAM_URL", url.as_str()), ("COOKIES", cookies)];
        Server::start(&folder, &[&own, settings].concat()).await
    }
}

/// Asks as the operator, and expects an answer.
async fn get(api: &Api, path: &str) -> Value {
    let answer = api.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

/// Chats, and expects an answer.
async fn chat(server: &Server) -> Outcome {
    let outcome = Outcome::of(&server.api, "hello", true).await;
    assert!(outcome.is_whole(), "{outcome:?}");
    outcome
}

/// Calls each account as its place in the list says: `first`, `second` and so on.
async fn name_accounts(server: &Server) -> Vec<String> {
    let ids: Vec<_> =
        server.api.cookies().await.iter().map(|account| text(&account["id"])).collect();
    for (id, label) in ids.iter().zip(["first", "second", "third"]) {
        let renamed = server.api.post("/cookie/update", &json!({"id": id, "label": label})).await;
        assert_eq!(renamed.status, 200, "{renamed:?}");
    }
    ids
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}
