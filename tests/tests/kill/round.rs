//! One life of a server: cookies are added until it is killed.

use std::path::PathBuf;
use std::time::Duration;

use llm2api_tests::processes::{Api, Server};
use llm2api_tests::{Session, Simulator};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep;
use uuid::Uuid;

use crate::canary::CANARY;

/// Sessions that come with each round.
const SESSIONS: usize = 200;
/// Tasks that add them at the same time.
const TASKS: usize = 4;
/// When the kill comes, in milliseconds after the first cookie.
const MOMENTS: std::ops::Range<u128> = 50..600;

/// Where the servers of all rounds keep their data.
pub(crate) struct Place(TempDir);

/// What a round came to.
pub(crate) struct Round {
    /// Cookies that were sent.
    pub(crate) attempted: usize,
    /// Ids that came back with a 200.
    pub(crate) acknowledged: Vec<String>,
}

impl Place {
    /// A fresh directory.
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a directory"));
        std::fs::create_dir(place.0.path().join("data")).expect("a directory");
        place
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// Starts a server on it.
    pub(crate) async fn start(&self, upstream: &Simulator) -> Server {
        let url = upstream.url();
        let settings = [("UPSTREAM_KIND", "chat-ui"), ("UPSTREAM_URL", url.as_str())];
        Server::start(&self.data(), &settings).await
    }
}

impl Round {
    /// Adds cookies to `server` as fast as it takes them, and kills it at a random moment.
    pub(crate) async fn play(upstream: &Simulator, mut server: Server, number: usize) -> Self {
        let values = values(number);
        upstream.add_sessions(values.iter().map(|value| Session::new(value, user(value))));
        let mut tasks = JoinSet::new();
        for part in values.chunks(SESSIONS / TASKS) {
            tasks.spawn(add(server.api.clone(), part.to_vec()));
        }
        sleep(moment()).await;
        server.kill().await;
        let mut round = Self { attempted: 0, acknowledged: Vec::new() };
        for (attempted, acknowledged) in tasks.join_all().await {
            round.attempted += attempted;
            round.acknowledged.extend(acknowledged);
        }
        round
    }
}

/// Adds cookies one after the other until the server is gone.
async fn add(api: Api, values: Vec<String>) -> (usize, Vec<String>) {
    let (mut attempted, mut acknowledged) = (0, Vec::new());
    for value in values {
        attempted += 1;
        let answer = api.add(&value).await;
        match answer.status {
            200 => acknowledged.push(answer.id()),
            0 => break,
            _ => panic!("{answer:?}"),
        }
    }
    (attempted, acknowledged)
}

fn values(round: usize) -> Vec<String> {
    (0..SESSIONS).map(|number| format!("{CANARY}-{round}-{number}-{}", Uuid::new_v4())).collect()
}

/// The user of a session: another text, so that it may be shown.
fn user(value: &str) -> String {
    value.replace(CANARY, "user")
}

/// A random moment.
fn moment() -> Duration {
    let spread = Uuid::new_v4().as_u128() % (MOMENTS.end - MOMENTS.start);
    Duration::from_millis(u64::try_from(MOMENTS.start + spread).expect("is small"))
}
