//! A Redis of the test's own, which can be stopped and started on the same data.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::port::free_port;
use super::program::Program;
use super::wait::eventually;

const CERTIFICATE: &str = "certificate.pem";
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// A Redis server.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    tls: bool,
    data: TempDir,
    program: Option<Program>,
}

impl Redis {
    /// Starts one on a free port, with an empty directory.
    pub async fn start() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let mut redis = Self { port: free_port(), tls: false, data, program: None };
        redis.resume().await;
        redis
    }

    /// Starts one that speaks TLS only, under a [certificate](Self::certificate) of its own.
    pub async fn start_with_tls() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]);
        openssl.args(["-subj", "/CN=redis.test", "-addext", "subjectAltName=IP:127.0.0.1"]);
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        openssl.args(["-keyout", "key.pem", "-out", CERTIFICATE]).current_dir(data.path());
        let made = openssl.output().await.expect("the command `openssl`");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut redis = Self { port: free_port(), tls: true, data, program: None };
        redis.resume().await;
        redis
    }

    /// The file that holds its certificate.
    pub fn certificate(&self) -> PathBuf {
        self.data.path().join(CERTIFICATE)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The address of its first database.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}/0", self.port)
    }

    /// Starts it again, on the same data, and waits until it answers.
    pub async fn resume(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]);
        command.arg("--dir").arg(self.data.path()).current_dir(self.data.path());
        let port = self.port.to_string();
        if self.tls {
            command.args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"]);
            command.args(["--tls-cert-file", CERTIFICATE, "--tls-key-file", "key.pem"]);
            command.args(["--tls-ca-cert-file", CERTIFICATE]);
        } else {
            command.args(["--port", &port]);
        }
        command.arg("--logfile").arg(self.data.path().join("redis.log"));
        self.program = Some(Program::start(command, self.data.path().join("stderr.log")));
        let (port, tls) = (self.port, self.tls);
        let answers = async || if tls { listens(port).await } else { ping(port).await };
        eventually("redis answers", PATIENCE, answers).await;
        let runs = self.program.as_mut().is_some_and(Program::is_running);
        assert!(runs, "another server has taken port {port}");
    }

    /// Has it lose everything, as a cache without a disk does, while connections go on.
    pub async fn forget(&self) {
        assert_eq!(&say(self.port, b"FLUSHALL\r\n").await.expect("it runs"), b"+OK\r\n");
    }

    /// Asks what a whole number answers.
    pub async fn number(&self, question: &str) -> Option<u64> {
        let answer = say(self.port, format!("{question}\r\n").as_bytes()).await?;
        std::str::from_utf8(&answer).ok()?.trim().strip_prefix(':')?.parse().ok()
    }

    /// Ends it in order (SIGTERM).
    pub async fn terminate(&mut self) {
        self.program.take().expect("it runs").terminate().await;
    }

    /// Ends it at once (SIGKILL).
    pub async fn kill(&mut self) {
        self.program.take().expect("it runs").kill().await;
    }

    /// Has it hang: it keeps its connections and answers nobody (SIGSTOP).
    pub async fn freeze(&mut self) {
        self.program.as_ref().expect("it runs").signal("STOP").await;
    }

    /// Lets it go on (SIGCONT).
    pub async fn thaw(&mut self) {
        self.program.as_ref().expect("it runs").signal("CONT").await;
    }
}

async fn listens(port: u16) -> Option<()> {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok().map(drop)
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
