//! A server on a fresh port, and a client that sends bytes as they are.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use llm2api_core::Client;
use llm2api_server::config::{Config, Settings, Sources};
use llm2api_server::{Live, Server, State, Stop, app, client};
use poem::{Endpoint, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::subscriber::DefaultGuard;

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// What does not happen within this time is taken not to happen.
const LULL: Duration = Duration::from_millis(600);

/// What is left behind is free by then, says the front page.
const PROMPT: Duration = Duration::from_secs(1);

/// A server that runs; it fails the test when it panics.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: Stop,
    tasks: JoinSet<()>,
}

/// Makes settings from pairs, on a fresh port.
pub(crate) fn config(pairs: &[(&str, &str)]) -> Config {
    let mut sources = Sources::default();
    // A test that wants a store of its own says so behind these.
    let pairs = [("LISTEN", "127.0.0.1:0"), ("STORE_URL", "memory:")].iter().chain(pairs);
    sources.environment =
        pairs.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Settings::resolve(&sources).and_then(|settings| settings.config()).expect("valid settings")
}

impl Running {
    /// Serves the whole app over the demo upstream.
    pub(crate) async fn start(pairs: &[(&str, &str)]) -> Self {
        let client = client(&config(pairs)).await.expect("the demo needs nothing");
        Self::over(client, pairs)
    }

    /// Serves the whole app over an engine of the test's own.
    pub(crate) fn over(client: Client, pairs: &[(&str, &str)]) -> Self {
        let (config, stop) = (config(pairs), Stop::new());
        let state = State::new(client, &config, stop.clone());
        Self::serve(&config, app(state), stop)
    }

    /// Serves an endpoint of the test's own.
    pub(crate) fn serve<E>(config: &Config, endpoint: E, stop: Stop) -> Self
    where
        E: Endpoint<Output = Response> + 'static,
    {
        let server = Server::bind(config.listen).expect("a free port");
        let address = server.local_addr().expect("is bound");
        let mut tasks = JoinSet::new();
        tasks.spawn(server.serve(endpoint, stop.clone(), Live::new(config)));
        Self { address, stop, tasks }
    }

    pub(crate) async fn connect(&self) -> Wire {
        Wire { stream: TcpStream::connect(self.address).await.expect("the server listens") }
    }

    /// Connects as a client that takes little at a time.
    pub(crate) async fn connect_narrow(&self) -> Wire {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(0x10000).expect("a small buffer");
        Wire { stream: socket.connect(self.address).await.expect("the server listens") }
    }

    /// Sends one request on a connection of its own and reads until the server closes.
    pub(crate) async fn exchange(&self, request: &str) -> String {
        let mut wire = self.connect().await;
        wire.send(request).await;
        wire.rest().await
    }

    /// Posts JSON to the chat path, with more header lines if wanted.
    pub(crate) async fn post(&self, path: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        self.exchange(&format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\
             {headers}\r\n{body}"
        ))
        .await
    }

    pub(crate) async fn get(&self, path: &str, headers: &str) -> String {
        self.exchange(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
        ))
        .await
    }

    /// Posts JSON with header lines that name the host too.
    pub(crate) async fn post_as(&self, path: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        self.exchange(&format!(
            "POST {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n\
             {headers}\r\n{body}"
        ))
        .await
    }

    /// Gets with header lines that name the host too.
    pub(crate) async fn get_as(&self, path: &str, headers: &str) -> String {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n")).await
    }

    /// Waits for the server's end.
    pub(crate) async fn ended(mut self) {
        while let Some(task) = within(self.tasks.join_next()).await {
            task.expect("the server does not panic");
        }
    }
}

/// One connection.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
}

impl Wire {
    pub(crate) async fn send(&mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).await.expect("the server reads");
    }

    /// Reads until the server closes or resets.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        // What came before a reset counts too.
        let _ = within(self.stream.read_to_end(&mut bytes)).await;
        String::from_utf8(bytes).expect("is text")
    }

    /// Reads until `end` has come.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let byte = within(self.stream.read_u8()).await.expect("more to come");
            text.push(char::from(byte));
        }
        text
    }
}

/// Waits, but not for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("in time")
}

/// Waits no longer than the guarantee allows.
pub(crate) async fn promptly<T>(future: impl Future<Output = T>) -> T {
    timeout(PROMPT, future).await.expect("promptly")
}

/// Waits long enough to see what should not happen.
pub(crate) async fn quiet<T>(future: impl Future<Output = T>) {
    assert!(timeout(LULL, future).await.is_err(), "something happens");
}

/// Makes a chat request for a connection that is kept.
pub(crate) fn chat(body: &str) -> String {
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Returns the status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default()
}

/// Returns a header of an answer.
pub(crate) fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// Returns the body of an answer that was not chunked.
pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// Returns the JSON body of an answer.
pub(crate) fn json(answer: &str) -> serde_json::Value {
    serde_json::from_str(body(answer)).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// Says when it goes.
pub(crate) struct Gone(pub(crate) mpsc::UnboundedSender<()>);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// What this thread logs.
pub(crate) struct Log {
    lines: mpsc::UnboundedReceiver<String>,
    _guard: DefaultGuard,
}

impl Log {
    /// Begins to listen, until it is dropped.
    pub(crate) fn listen() -> Self {
        let (sender, lines) = mpsc::unbounded_channel();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || Lines(sender.clone()))
            .finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// Returns everything up to the line that contains `end`.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.contains(end) {
            text += &within(self.lines.recv()).await.expect("more to come");
        }
        text
    }
}

struct Lines(mpsc::UnboundedSender<String>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Nobody may listen any more.
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
