//! `llm2api-sim` as a process: a simulator whose memory and time are its own.

use std::path::Path;

use tokio::process::Command;

use super::api::Api;
use super::program::{Program, executable};

/// A running simulator.
#[derive(Debug)]
pub struct Upstream {
    /// How to talk to it straight, without a server between.
    pub api: Api,
    url: String,
    program: Program,
}

impl Upstream {
    /// Starts one with these arguments; it logs into the directory `data`.
    pub async fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(executable("llm2api-sim", "LLM2API_SIM"));
        command.args(arguments).kill_on_drop(true);
        let mut program = Program::start(command, data.join("simulator.log"));
        let url = program.line("LISTENING ").await;
        Self { api: Api::new(&url, "sk-anybody"), url, program }
    }

    /// Ends it at once, as a crash would.
    pub async fn kill(&mut self) {
        self.program.kill().await;
    }

    /// Base address of its OpenAI face.
    pub fn openai_url(&self) -> String {
        format!("{}/v1", self.url)
    }

    /// Completions that it streams at this moment.
    pub async fn sending(&self) -> u64 {
        let tallies = self.api.get("/__sim/tallies").await.body;
        let tallies = tallies.as_object().expect("tallies by key").values();
        tallies.filter_map(|tally| tally["sending"].as_u64()).sum()
    }
}
