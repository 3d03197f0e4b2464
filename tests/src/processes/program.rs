//! A process with a log; it is killed when its handle is dropped.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long a process may take to start, or to end when asked to.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much of a log is shown where a test fails.
const TAIL: usize = 6000;

/// A program that the test command has built: named by `variable`, else the one beside this test.
pub(super) fn executable(name: &str, variable: &str) -> PathBuf {
    if let Some(path) = env::var_os(variable) {
        return path.into();
    }
    let test = env::current_exe().expect("this test has a path");
    let beside = test.ancestors().nth(2).expect("target/debug/deps").join(name);
    let advice = "cargo build --workspace --bins --features llm2api-server/otel";
    assert!(beside.exists(), "build it first: {advice}");
    beside
}

/// A running process.
#[derive(Debug)]
pub struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
}

impl Program {
    /// Starts `command`; its stderr is added to the file `log`.
    pub fn start(mut command: Command, log: PathBuf) -> Self {
        let file = File::options().create(true).append(true).open(&log).expect("a log file");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = child.stdout.take().expect("stdout is piped");
        Self { child, lines: BufReader::new(stdout).lines(), log }
    }

    /// Returns what follows `prefix` on the first line of stdout that has it.
    pub async fn line(&mut self, prefix: &str) -> String {
        let found = timeout(PATIENCE, async {
            while let Some(line) = self.lines.next_line().await.expect("stdout is text") {
                if let Some((_, rest)) = line.split_once(prefix) {
                    return Some(rest.trim().to_owned());
                }
            }
            None
        });
        let found = found.await.ok().flatten();
        found.unwrap_or_else(|| panic!("no line `{prefix}…`"))
    }

    /// Says whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }

    /// Ends it at once, as a crash would.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// Asks it to end, and waits for it.
    pub async fn terminate(&mut self) {
        self.signal("TERM").await;
        self.ended().await;
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("it ends").expect("it ran")
    }

    /// Returns its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Returns what it has written to its log.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Sends it a signal, by its name without `SIG`.
    pub async fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().await;
        assert!(sent.expect("the command `kill`").success());
    }

    /// Bytes of memory that it holds (`VmRSS`; Linux only).
    pub fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// Most bytes of memory that it has held (`VmHWM`; Linux only).
    pub fn peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> u64 {
        let id = self.child.id().expect("it runs");
        let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("a size");
        kilobytes.parse::<u64>().expect("a number") << 10
    }
}

/// The end of a log.
fn tail(log: &str) -> String {
    let bytes = &log.as_bytes()[log.len().saturating_sub(TAIL)..];
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a log says of its first panic, if there was one.
fn panic(log: &str) -> Option<String> {
    let bytes = &log.as_bytes()[log.find("panicked at")?..];
    Some(String::from_utf8_lossy(&bytes[..bytes.len().min(TAIL)]).into_owned())
}

impl Drop for Program {
    fn drop(&mut self) {
        let log = self.log();
        if std::thread::panicking() {
            _ = writeln!(io::stderr(), "--- {}\n{}", self.log.display(), tail(&log));
        } else {
            assert_eq!(panic(&log), None);
        }
    }
}
