//! A whole upstream refuses for a while: no account pays for it, but the one that is really banned.

use std::path::Path;
use std::time::Duration;

use llm2api_tests::processes::{Api, Server, eventually, state_of};
use llm2api_tests::{Incident, Mark, Options, Session, Simulator};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// Accounts, the banned one among them.
const ACCOUNTS: usize = 26;
/// The account that is banned for good.
const BANNED: &str = "session-of-user-13";
/// How long the upstream refuses everybody.
const LASTS: Duration = Duration::from_secs(6);
/// How long until everything is as it was.
const RECOVERY: Duration = Duration::from_secs(35);
/// Chats at the same time during the incident.
const CLIENTS: usize = 8;
/// Chats that the accounts can carry at the same time.
const PLACES: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn g19_an_incident_of_empty_403s_costs_no_account_but_the_banned_one() {
    incident(Incident::new(403)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g19_an_incident_of_503s_costs_no_account_but_the_banned_one() {
    incident(Incident::new(503)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g21_an_incident_of_429s_costs_no_account_but_the_banned_one() {
    incident(Incident::new(429).with_retry_after(Duration::from_secs(3))).await;
}

async fn incident(incident: Incident) {
    let upstream = upstream().await;
    let data = tempfile::tempdir().expect("a directory");
    let (server, banned) = server(data.path(), &upstream).await;
    let load = Load::start(&server.api);

    upstream.incident(incident);
    upstream.mark(BANNED, Mark::Banned);
    let end = Instant::now() + LASTS;
    while Instant::now() < end {
        nobody_else_is_invalid(&server.api, &banned).await;
        sleep(Duration::from_millis(200)).await;
    }
    upstream.incident(None);
    upstream.reset_tallies();

    eventually("25 are active, one is out", RECOVERY, async || {
        nobody_else_is_invalid(&server.api, &banned).await;
        recovered(&server.api, &banned).await.then_some(())
    })
    .await;
    load.stop().await;
    let tried = upstream.tally(BANNED).chats;
    all_carry_calls(&upstream, &server.api).await;
    assert!(recovered(&server.api, &banned).await, "{:?}", server.api.cookies().await);
    let tried = tried + upstream.tally(BANNED).chats;
    // One that raises a doubt, and one that ends it.
    assert!(tried <= 2, "the banned one was tried {tried} times");
}

async fn upstream() -> Simulator {
    let sessions = (0..ACCOUNTS).map(|number| {
        let user = format!("user-{number}");
        Session::new(format!("session-of-{user}"), user)
    });
    let sessions = sessions.collect();
    let token_delay = Duration::from_millis(30);
    let options = Options { login: true, sessions, token_delay, ..Options::default() };
    Simulator::start(options).await.expect("the simulator listens")
}

/// A server with all accounts, and the id of the one that will be banned.
async fn server(data: &Path, upstream: &Simulator) -> (Server, String) {
    let folder = data.join("data");
    std::fs::create_dir(&folder).expect("a directory");
    let url = upstream.url();
    let settings = [
        ("UPSTREAM_KIND", "chat-ui"),
        ("UPSTREAM_URL", url.as_str()),
        ("STORE_URL", "memory:"),
        ("MAX_CONCURRENCY_PER_CREDENTIAL", "2"),
    ];
    let server = Server::start(&folder, &settings).await;
    let mut banned = String::new();
    for number in 0..ACCOUNTS {
        let value = format!("session-of-user-{number}");
        let answer = server.api.add(&value).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        if value == BANNED {
            banned = answer.id();
        }
    }
    (server, banned)
}

/// No account but the banned one is thrown out for what everybody suffers.
async fn nobody_else_is_invalid(api: &Api, banned: &str) {
    let accounts = api.cookies().await;
    let mut others = accounts.iter().filter(|account| account["id"] != banned);
    assert!(others.all(|account| state_of(account) != "invalid"), "{accounts:?}");
}

/// Whether the banned account is out and all others are in.
async fn recovered(api: &Api, banned: &str) -> bool {
    let accounts = api.cookies().await;
    accounts.iter().all(|account| (account["id"] == banned) != (state_of(account) == "active"))
}

/// As many calls as there are places are all answered, and every account but one has its share.
async fn all_carry_calls(upstream: &Simulator, api: &Api) {
    upstream.reconfigure(|options| options.token_delay = Duration::from_millis(250));
    upstream.reset_tallies();
    let mut calls = JoinSet::new();
    for _ in 0..PLACES {
        let api = api.clone();
        calls.spawn(async move {
            let response = api.stream("hello").await.expect("an answer");
            (response.status().as_u16(), response.text().await.expect("a whole body"))
        });
    }
    for (status, body) in calls.join_all().await {
        assert!(status == 200 && body.contains("data: [DONE]"), "{status}: {body}");
    }
    let tallies = upstream.tallies();
    let used = tallies.iter().filter(|(value, tally)| tally.most_sending > 0 && *value != BANNED);
    assert_eq!(used.count(), ACCOUNTS - 1, "{tallies:?}");
}

/// Clients that chat without pause until told to stop; a refusal must be one they can read.
struct Load {
    stop: watch::Sender<bool>,
    clients: JoinSet<()>,
}

impl Load {
    fn start(api: &Api) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (api, stopped) = (api.clone(), stopped.clone());
            clients.spawn(async move {
                while !*stopped.borrow() {
                    let response = api.stream("hello").await.expect("an answer");
                    let status = response.status().as_u16();
                    assert!(![401, 403].contains(&status), "a client saw {status}");
                    response.text().await.expect("a whole body");
                    sleep(Duration::from_millis(20)).await;
                }
            });
        }
        Self { stop, clients }
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        self.clients.join_all().await;
    }
}
