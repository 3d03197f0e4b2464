//! A server and the upstream behind it.

use tempfile::TempDir;

use super::server::Server;
use crate::{Options, Simulator};

/// A kind of upstream, as the settings call it.
pub const OPENAI: &str = "openai";
/// Another one.
pub const CHAT_UI: &str = "chat-ui";

/// A server with one account, in front of a simulator.
#[derive(Debug)]
pub struct Stage {
    /// What stands behind the server.
    pub upstream: Simulator,
    /// The server.
    pub server: Server,
    _data: TempDir,
}

impl Stage {
    /// Starts both; the server gets more settings by environment.
    pub async fn start(kind: &str, options: Options, settings: &[(&str, &str)]) -> Self {
        Self::with_descriptors(None, kind, options, settings).await
    }

    /// Starts both; the server may open no more than so many descriptors.
    pub async fn with_descriptors(
        descriptors: Option<u32>,
        kind: &str,
        options: Options,
        settings: &[(&str, &str)],
    ) -> Self {
        let upstream = Simulator::start(options).await.expect("the simulator listens");
        let url = if kind == OPENAI { upstream.openai_url() } else { upstream.url() };
        let own = [
            ("UPSTREAM_KIND", kind),
            ("UPSTREAM_URL", url.as_str()),
            ("COOKIES", "the-only-account"),
            ("STORE_URL", "memory:"),
        ];
        let settings = [&own, settings].concat();
        let data = tempfile::tempdir().expect("a directory");
        let folder = data.path().join("data");
        std::fs::create_dir(&folder).expect("a directory");
        let server = Server::start_with(&folder, &settings, descriptors).await;
        Self { upstream, server, _data: data }
    }

    /// Calls that the account carries at the moment, as the operator sees it.
    pub async fn in_flight(&self) -> u64 {
        let accounts = self.server.api.cookies().await;
        accounts.iter().map(|account| account["in_flight"].as_u64().expect("a number")).sum()
    }
}
