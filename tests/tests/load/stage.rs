//! A simulator and a server, each a process of its own.

use std::env;
use std::time::Duration;

use llm2api_tests::processes::{Server, Upstream, eventually};
use tempfile::TempDir;

/// Keys of the upstream; each may carry so many calls that none has to wait.
const KEYS: [&str; 4] = ["load-key-1", "load-key-2", "load-key-3", "load-key-4"];
const CALLS_PER_KEY: &str = "1000";

/// What is under test.
pub(crate) struct Stage {
    pub(crate) upstream: Upstream,
    pub(crate) server: Server,
    _data: TempDir,
}

impl Stage {
    /// Starts both; the model pauses that long before each token.
    pub(crate) async fn start(pause: Duration) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let pause = pause.as_millis().to_string();
        let upstream = Upstream::start(data.path(), &["--token-delay-ms", &pause]).await;
        let folder = data.path().join("server");
        std::fs::create_dir(&folder).expect("a directory");
        let (url, keys) = (upstream.openai_url(), KEYS.join(","));
        let settings = [
            ("UPSTREAM_KIND", "openai"),
            ("UPSTREAM_URL", url.as_str()),
            ("COOKIES", keys.as_str()),
            ("MAX_CONCURRENCY_PER_CREDENTIAL", CALLS_PER_KEY),
        ];
        let server = Server::start(&folder, &settings).await;
        Self { upstream, server, _data: data }
    }

    /// Waits until no call is under way: not at the server, and not at the upstream.
    pub(crate) async fn is_idle(&self, within: Duration) {
        let idle = async || {
            let accounts = self.server.api.cookies().await;
            assert_eq!(accounts.len(), KEYS.len());
            let busy = accounts.iter().any(|account| account["in_flight"] != 0);
            (!busy && self.upstream.sending().await == 0).then_some(())
        };
        eventually("no call is under way", within, idle).await;
    }
}

/// Whether the long form is to run.
pub(crate) fn proof() -> bool {
    env::var_os("PROOF").is_some_and(|value| value == "true")
}
