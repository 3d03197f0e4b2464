//! Three servers over one Redis, in front of one upstream with six accounts.

use std::time::Duration;

use llm2api_tests::plan::ANSWER;
use llm2api_tests::processes::{Api, Redis, Server, eventually};
use llm2api_tests::{Options, Session, Simulator};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Accounts that every fleet begins with.
pub(crate) const ACCOUNTS: usize = 6;
/// Calls that each of them may carry at the same time.
pub(crate) const CALLS: u64 = 2;
/// What one server was told, all know after this time.
pub(crate) const SPREAD: Duration = Duration::from_secs(3);

/// One fleet at a time: each wants the whole machine.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A fleet.
pub(crate) struct Fleet {
    pub(crate) upstream: Simulator,
    pub(crate) servers: Vec<Server>,
    pub(crate) redis: Redis,
    /// Ids of the accounts whose adding was acknowledged.
    pub(crate) acknowledged: Vec<String>,
    _data: TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// A chat as its client saw it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    /// What was wrong with the answer, if anything.
    pub(crate) fault: Option<String>,
}

impl Fleet {
    /// Starts everything and adds the accounts at the first server.
    pub(crate) async fn start() -> Self {
        let alone = ALONE.lock().await;
        let options = Options {
            login: true,
            sessions: (0..ACCOUNTS).map(session).collect(),
            token_delay: Duration::from_millis(60),
            ..Options::default()
        };
        let upstream = Simulator::start(options).await.expect("the simulator listens");
        let (redis, data) = (Redis::start().await, tempfile::tempdir().expect("a directory"));
        let mut servers = Vec::new();
        for name in ["one", "two", "three"] {
            let folder = data.path().join(name);
            std::fs::create_dir(&folder).expect("a directory");
            servers.push(Server::start(&folder, &settings(&upstream.url(), &redis.url())).await);
        }
        let acknowledged = Vec::new();
        let mut fleet = Self { upstream, servers, redis, acknowledged, _data: data, _alone: alone };
        for number in 0..ACCOUNTS {
            fleet.add(0, number).await;
        }
        fleet
    }

    /// Adds the account with this number at a server, and waits until all know it.
    pub(crate) async fn add(&mut self, server: usize, number: usize) {
        let answer = self.api(server).add(&session(number).value).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let id = answer.id();
        for server in &self.servers {
            let knows = async || server.api.ids().await.contains(&id).then_some(());
            eventually("every server knows a new cookie", SPREAD, knows).await;
        }
        self.acknowledged.push(id);
    }

    /// How to talk to a server.
    pub(crate) fn api(&self, server: usize) -> &Api {
        &self.servers[server].api
    }

    /// Chats over all servers without pause for `time`, so many calls at the same time.
    pub(crate) fn load(&self, time: Duration, at_once: usize) -> JoinSet<Vec<Call>> {
        let end = Instant::now() + time;
        let apis = self.servers.iter().cycle().map(|server| server.api.clone());
        let mut tasks = JoinSet::new();
        for api in apis.take(at_once) {
            tasks.spawn(async move {
                let mut calls = Vec::new();
                while Instant::now() < end {
                    calls.push(Call::make(&api).await);
                }
                calls
            });
        }
        tasks
    }

    /// Message sends under way at the upstream, all accounts together.
    pub(crate) fn sending(&self) -> u64 {
        self.upstream.tallies().values().map(|tally| tally.sending).sum()
    }

    /// The accounts' tallies keep to the limit, and one at least has reached it.
    pub(crate) fn keeps_to_the_limit(&self) {
        let tallies = self.upstream.tallies();
        let most = tallies.values().map(|tally| tally.most_sending).max();
        assert_eq!(most, Some(CALLS), "{tallies:?}");
    }

    /// Waits until `/readyz` of every server says this about the store; it stays 200 all along.
    pub(crate) async fn store_is(&self, wanted: &str, within: Duration) {
        for server in &self.servers {
            let says = async || {
                let ready = server.api.get("/readyz").await;
                assert_eq!(ready.status, 200, "{ready:?}");
                (ready.body["store"] == wanted).then_some(())
            };
            eventually(&format!("the store is `{wanted}`"), within, says).await;
        }
    }
}

impl Call {
    async fn make(api: &Api) -> Self {
        let began = Instant::now();
        let fault = chat(api).await.err();
        Self { began, ended: Instant::now(), fault }
    }
}

/// One streamed chat, which must be whole.
async fn chat(api: &Api) -> Result<(), String> {
    let response = api.stream("hello").await.map_err(|error| format!("{error:?}"))?;
    let status = response.status().as_u16();
    let body = response.text().await.map_err(|error| format!("{status}, then {error:?}"))?;
    let events = body.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
    let chunks = events.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let text: String = chunks
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .collect();
    let whole = status == 200 && text == ANSWER && body.contains("data: [DONE]");
    if whole { Ok(()) } else { Err(format!("{status}: {body}")) }
}

/// The session of the user with this number.
pub(crate) fn session(number: usize) -> Session {
    Session::new(format!("fleet-cookie-of-user-{number}"), format!("user-{number}"))
}

/// Gathers the calls of a load.
pub(crate) async fn gather(load: JoinSet<Vec<Call>>) -> Vec<Call> {
    load.join_all().await.concat()
}

/// Every call was answered, and answered whole.
pub(crate) fn all_are_whole(calls: &[Call]) {
    let faults: Vec<_> = calls.iter().filter_map(|call| call.fault.as_ref()).collect();
    let (failed, all) = (faults.len(), calls.len());
    assert!(faults.is_empty(), "{failed} of {all} calls failed, the first with {}", faults[0]);
}

pub(crate) fn settings<'a>(upstream: &'a str, store: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("UPSTREAM_KIND", "chat-ui"),
        ("UPSTREAM_URL", upstream),
        ("STORE_URL", store),
        ("MASTER_KEY", "bGxtMmFwaS1mbGVldC10ZXN0LWtleS0zMi1ieXRlcyE="),
        ("MAX_CONCURRENCY_PER_CREDENTIAL", "2"),
    ]
}
