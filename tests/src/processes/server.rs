//! `llm2api-server` as a process.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use super::api::Api;
use super::program::{Program, executable};
use super::wire::{Told, Wire};

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
        Self::joined(Self::end(command(data, settings), arguments).await)
    }

    /// Does what [`run`](Self::run) does, with nothing but the data directory in the environment.
    pub async fn run_bare(data: &Path, arguments: &[&str]) -> (bool, String) {
        Self::joined(Self::end(bare(data), arguments).await)
    }

    /// Runs a command of the program to its end; says whether it went well, what it printed, and
    /// what it said on stderr.
    pub async fn run_apart(
        data: &Path,
        settings: &[(&str, &str)],
        arguments: &[&str],
    ) -> (bool, String, String) {
        Self::end(command(data, settings), arguments).await
    }

    fn joined((good, printed, said): (bool, String, String)) -> (bool, String) {
        (good, printed + &said)
    }

    async fn end(mut command: Command, arguments: &[&str]) -> (bool, String, String) {
        let ended = command.args(arguments).stdin(Stdio::null()).output();
        let ended = timeout(PATIENCE, ended).await.expect("it ends").expect("it ran");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (ended.status.success(), text(ended.stdout), text(ended.stderr))
    }

    /// Starts a server with `data` as its data directory and more settings by environment, and
    /// waits until it listens.
    pub async fn start(data: &Path, settings: &[(&str, &str)]) -> Self {
        Self::start_with(data, settings, None).await
    }

    /// Starts one and does not wait for it to listen.
    pub fn launch(data: &Path, settings: &[(&str, &str)]) -> Program {
        Program::start(command(data, settings), data.with_extension("log"))
    }

    /// Starts one that takes nothing from the environment but its data directory: all else is in the
    /// settings file `name` of that directory.
    pub async fn start_from(data: &Path, name: &str) -> Self {
        let mut command = bare(data);
        command.args(["--config", name]);
        Self::wait_for(Program::start(command, data.with_extension("log"))).await
    }

    /// Starts one that may open no more than so many descriptors.
    pub(super) async fn start_with(
        data: &Path,
        settings: &[(&str, &str)],
        descriptors: Option<u32>,
    ) -> Self {
        let log = data.with_extension("log");
        let command = match descriptors {
            Some(most) => narrow(&command(data, settings), most),
            None => command(data, settings),
        };
        Self::wait_for(Program::start(command, log)).await
    }

    async fn wait_for(mut program: Program) -> Self {
        let base = program.line("OPENAI_BASE_URL=").await;
        let url = base.strip_suffix("/v1").expect("the base address ends in /v1");
        Self { api: Api::new(url, API_KEY), program }
    }

    /// Bytes of memory that it holds.
    pub fn resident(&self) -> u64 {
        self.program.resident()
    }

    /// Most bytes of memory that it has held.
    pub fn peak(&self) -> u64 {
        self.program.peak()
    }

    /// Ends it at once, as a crash would.
    pub async fn kill(&mut self) {
        self.program.kill().await;
    }

    /// Sends it a signal, by its name without `SIG`.
    pub async fn signal(&self, name: &str) {
        self.program.signal(name).await;
    }

    /// Waits for its end, and says whether it went well.
    pub async fn ended(&mut self) -> bool {
        self.program.ended().await.success()
    }

    /// Connects to it.
    ///
    /// # Errors
    /// Those of the operating system, such as a refusal.
    pub async fn connect(&self) -> std::io::Result<Wire> {
        Wire::connect(self.api.address()).await
    }

    /// Sends bytes on a connection of their own and reads the answer.
    pub async fn ask(&self, request: impl AsRef<[u8]>) -> Told {
        let mut wire = self.connect().await.expect("the server listens");
        wire.send(request).await;
        wire.answer().await
    }

    /// Returns the lines of its log on requests, with these fields.
    pub fn answered(&self, fields: &[(&str, Value)]) -> Vec<Value> {
        let log = self.program.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_one = |line: &Value| {
            line["message"] == "answered a request"
                && fields.iter().all(|(name, value)| line[*name] == *value)
        };
        lines.filter(is_one).collect()
    }

    /// Returns the lines of its log whose message begins so.
    pub fn said(&self, beginning: &str) -> Vec<Value> {
        let log = self.program.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let begins = |line: &Value| {
            line["message"].as_str().is_some_and(|message| message.starts_with(beginning))
        };
        lines.filter(begins).collect()
    }

    /// Says whether its log holds this text.
    pub fn logged(&self, text: &str) -> bool {
        self.program.log().contains(text)
    }

    /// Returns how long it has used a processor.
    pub fn processor_time(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.program.id());
        let stat = std::fs::read_to_string(path).expect("it runs");
        let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
        // The 14th and 15th field of proc(5), in hundredths of a second.
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|number| number.parse::<u64>().expect("a number")).sum();
        Duration::from_millis(10 * ticks)
    }
}

/// Has a shell start the command, with fewer descriptors.
fn narrow(command: &Command, descriptors: u32) -> Command {
    let command = command.as_std();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("ulimit -n {descriptors}; exec \"$0\"")]);
    shell.arg(command.get_program()).env_clear().kill_on_drop(true);
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(command.get_current_dir().expect("every server has one"));
    shell
}

fn bare(data: &Path) -> Command {
    let mut command = Command::new(executable("llm2api-server", "LLM2API_SERVER"));
    command.current_dir(data).env_clear().env("DATA_DIR", data).kill_on_drop(true);
    command
}

pub(super) fn command(data: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = bare(data);
    // What a call has made is deleted after it, unless a test is about going on with it.
    command.env("CONVERSATIONS", "fresh");
    command.env("LISTEN", "127.0.0.1:0").env("RUST_LOG", "info").env("LOG_FORMAT", "json");
    command.env("API_KEY", API_KEY).env("ADMIN_KEY", ADMIN_KEY);
    command.envs(settings.iter().copied());
    command
}
