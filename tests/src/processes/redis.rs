//! A Redis of the test's own, which can be stopped and started on the same data.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::program::Program;
use super::wait::eventually;

/// Ports below those that the system gives to clients: nobody else takes one while it is down.
const PORTS: std::ops::Range<u16> = 20_000..30_000;
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// A Redis server.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    data: TempDir,
    program: Option<Program>,
}

impl Redis {
    /// Starts one on a free port, with an empty directory.
    pub async fn start() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let mut redis = Self { port: free_port(), data, program: None };
        redis.resume().await;
        redis
    }

    /// The address of its first database.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Starts it again, on the same data, and waits until it answers.
    pub async fn resume(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]);
        command.arg("--port").arg(self.port.to_string()).arg("--dir").arg(self.data.path());
        command.arg("--logfile").arg(self.data.path().join("redis.log"));
        self.program = Some(Program::start(command, self.data.path().join("stderr.log")));
        let port = self.port;
        eventually("redis answers", PATIENCE, async || ping(port).await).await;
    }

    /// Has it lose everything, as a cache without a disk does, while connections go on.
    pub async fn forget(&self) {
        assert_eq!(&say(self.port, b"FLUSHALL\r\n").await.expect("it runs"), b"+OK\r\n");
    }

    /// Ends it in order (SIGTERM).
    pub async fn terminate(&mut self) {
        self.program.take().expect("it runs").terminate().await;
    }

    /// Ends it at once (SIGKILL).
    pub async fn kill(&mut self) {
        self.program.take().expect("it runs").kill().await;
    }
}

async fn ping(port: u16) -> Option<()> {
    (say(port, b"PING\r\n").await? == b"+PONG\r\n").then_some(())
}

/// Says one thing and returns the first line of the answer.
async fn say(port: u16, command: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
    stream.write_all(command).await.ok()?;
    let mut line = Vec::new();
    BufReader::new(stream).read_until(b'\n', &mut line).await.ok()?;
    Some(line)
}

/// A free port, searched from a place that differs from process to process.
fn free_port() -> u16 {
    let spread = u16::try_from(std::process::id() % 9000).expect("is below 9000");
    let candidates = (PORTS.start + spread..PORTS.end).chain(PORTS);
    let mut free =
        candidates.filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.next().expect("a free port")
}
