//! A server and its upstream.

use std::time::Duration;

use llm2api_tests::processes::{Server, eventually, http};
use llm2api_tests::{Options, Running, Simulator, Snapshot};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// How long a place may be held, and the upstream be at work, for a client that has left.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(1);
/// How long it may take until what a client has left is deleted.
pub(crate) const LATER: Duration = Duration::from_secs(5);
/// The pause before each token: `LONGRUN` takes four seconds.
const PACE: Duration = Duration::from_millis(20);
/// With this pause it takes twenty.
pub(crate) const SLOW: Duration = Duration::from_millis(100);
/// The session that is the server's account.
pub(crate) const SESSION: &str = "session-1";

/// What kind of upstream it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ChatUi,
    /// A chat-ui without login, which hands a session to whoever comes.
    Anonymous,
    OpenAi,
}

pub(crate) struct Stage {
    pub(crate) upstream: Simulator,
    pub(crate) server: Server,
    kind: Kind,
    folder: TempDir,
}

impl Stage {
    /// Starts both; the account may carry `places` calls.
    pub(crate) async fn start(kind: Kind, places: u32) -> Self {
        Self::with_pace(kind, places, PACE).await
    }

    /// Starts both; the model pauses that long before each token.
    pub(crate) async fn with_pace(kind: Kind, places: u32, token_delay: Duration) -> Self {
        let options = Options { token_delay, ..Options::default() };
        let upstream = Simulator::start(options).await.expect("a simulator");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("data")).expect("a folder");
        let server = start(kind, &upstream, &folder, places).await;
        Self { upstream, server, kind, folder }
    }

    /// Kills the server, and starts another one on its data; returns what ran at the kill.
    pub(crate) async fn crash(&mut self) -> Vec<Running> {
        self.server.kill().await;
        let running = self.upstream.log().running;
        self.server = start(self.kind, &self.upstream, &self.folder, 64).await;
        running
    }

    /// Makes a chat in the background; aborting it leaves.
    pub(crate) fn call(&self, text: &str, stream: bool) -> JoinSet<()> {
        let mut call = JoinSet::new();
        call.spawn(self.ask(text, stream));
        call
    }

    /// Makes a chat; dropping it leaves.
    pub(crate) fn ask(&self, text: &str, stream: bool) -> impl Future<Output = ()> + use<> {
        let (api, text) = (self.server.api.clone(), text.to_owned());
        async move {
            if let Ok(mut response) = api.chat(&text, stream).await {
                while let Ok(Some(_)) = response.chunk().await {}
            }
        }
    }

    /// Waits until the upstream's log shows `what`.
    pub(crate) async fn sees(&self, what: impl Fn(&Snapshot) -> bool) -> Snapshot {
        self.upstream.wait_for(what).await
    }

    /// Waits until nothing holds a place of the account any more.
    pub(crate) async fn is_free(&self, within: Duration) {
        let free = async || {
            let accounts = self.server.api.cookies().await;
            accounts.iter().all(|account| account["in_flight"] == 0).then_some(())
        };
        eventually("the places are free", within, free).await;
    }

    /// Waits until nothing runs at the upstream.
    pub(crate) async fn is_quiet(&self, within: Duration) {
        let quiet = async || self.upstream.log().running.is_empty().then_some(());
        eventually("the upstream is freed", within, quiet).await;
    }

    fn left(&self) -> (Vec<String>, Vec<String>) {
        let log = self.upstream.log();
        let kept = log
            .conversations
            .iter()
            .map(|one| format!("{} `{}`, {} messages", one.id, one.title, one.messages.len()));
        (log.running.iter().map(|run| format!("{run:?}")).collect(), kept.collect())
    }

    /// Makes a conversation as the account's owner does.
    pub(crate) async fn make_own(&self, model: &str, preprompt: &str) -> String {
        let request = http().post(format!("{}/conversation", self.upstream.url()));
        let request = request.header("cookie", format!("hf-chat={SESSION}"));
        let made = request.json(&json!({"model": model, "preprompt": preprompt})).send().await;
        let made: Value = made.expect("an answer").json().await.expect("JSON");
        made["conversationId"].as_str().expect("an id").to_owned()
    }

    /// Waits until nothing runs at the upstream and no conversation is left there.
    pub(crate) async fn is_clean(&self, within: Duration) -> Snapshot {
        self.is_clean_but_for(&[], within).await
    }

    /// Waits until nothing runs at the upstream and just these conversations are left there.
    pub(crate) async fn is_clean_but_for(&self, own: &[String], within: Duration) -> Snapshot {
        let clean = async || {
            let log = self.upstream.log();
            let left: Vec<_> = log.conversations.iter().map(|one| one.id.clone()).collect();
            (log.running.is_empty() && left == own).then_some(log)
        };
        match tokio::time::timeout(within, eventually("", within * 2, clean)).await {
            Ok(log) => log,
            Err(late) => panic!("{late}; left at the upstream: {:#?}", self.left()),
        }
    }
}

async fn start(kind: Kind, upstream: &Simulator, folder: &TempDir, places: u32) -> Server {
    let (kind, url, cookie) = match kind {
        Kind::ChatUi => ("chat-ui", upstream.url(), format!("hf-chat={SESSION}")),
        Kind::Anonymous => ("chat-ui", upstream.url(), String::new()),
        Kind::OpenAi => ("openai", upstream.openai_url(), "sk-upstream".to_owned()),
    };
    let places = places.to_string();
    let settings = [
        ("UPSTREAM_KIND", kind),
        ("UPSTREAM_URL", url.as_str()),
        ("COOKIES", cookie.as_str()),
        ("MAX_CONCURRENCY_PER_CREDENTIAL", places.as_str()),
    ];
    Server::start(&folder.path().join("data"), &settings).await
}
