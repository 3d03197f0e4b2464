//! `llm2api-server` as a process.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::api::Api;
use super::program::{Program, executable};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The operator's key of every server here.
pub const ADMIN_KEY: &str = "sk-operator";
/// The clients' key of every server here.
pub const API_KEY: &str = "sk-client";

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// How to talk to it.
    pub api: Api,
    program: Program,
}

impl Server {
    /// Starts a server that must not come up, and returns what it says.
    pub async fn refuses(data: &Path, settings: &[(&str, &str)]) -> String {
        let (good, said) = Self::run(data, settings, &[]).await;
        assert!(!good, "it came up");
        said
    }

    /// Runs a command of the program to its end; says whether it went well, and what it said.
    pub async fn run(data: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> (bool, String) {
        let ended = command(data, settings).args(arguments).stdin(Stdio::null()).output();
        let ended = timeout(PATIENCE, ended).await.expect("it ends").expect("it ran");
        let said = [ended.stdout, ended.stderr].concat();
        (ended.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Starts a server with `data` as its data directory and more settings by environment, and
    /// waits until it listens.
    pub async fn start(data: &Path, settings: &[(&str, &str)]) -> Self {
        let log = data.with_extension("log");
        let mut program = Program::start(command(data, settings), log);
        let base = program.line("OPENAI_BASE_URL=").await;
        let url = base.strip_suffix("/v1").expect("the base address ends in /v1");
        Self { api: Api::new(url, API_KEY), program }
    }

    /// Bytes of memory that it holds.
    pub fn resident(&self) -> u64 {
        self.program.resident()
    }

    /// Ends it at once, as a crash would.
    pub async fn kill(&mut self) {
        self.program.kill().await;
    }
}

fn command(data: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(executable("llm2api-server", "LLM2API_SERVER"));
    command.current_dir(data).env_clear().env("DATA_DIR", data).kill_on_drop(true);
    command.env("LISTEN", "127.0.0.1:0").env("RUST_LOG", "info").env("LOG_FORMAT", "json");
    command.env("API_KEY", API_KEY).env("ADMIN_KEY", ADMIN_KEY);
    command.envs(settings.iter().copied());
    command
}
