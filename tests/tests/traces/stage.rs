//! Servers whose requests are traced.

use std::fs;
use std::time::Duration;

use llm2api_tests::processes::{
    ADMIN_KEY, API_KEY, MODEL, OPENAI, Server, Stage, chat, eventually,
};
use llm2api_tests::{Options, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::collector::Collector;

/// How long something may take that should happen soon.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// The trace of a client.
pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
/// Its place there.
pub(crate) const SPAN: &str = "b7ad6b7169203331";

/// Starts a server with one upstream that sends its traces to `collector`.
pub(crate) async fn traced(collector: &Collector, settings: &[(&str, &str)]) -> Stage {
    let url = collector.url();
    let own = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())];
    Stage::start(OPENAI, Options::default(), &[&own, settings].concat()).await
}

/// A server whose two upstreams are of one kind: `trusted` may know of traces, `other` may not.
pub(crate) struct Two {
    pub(crate) trusted: Simulator,
    pub(crate) other: Simulator,
    pub(crate) server: Server,
    _data: TempDir,
}

impl Two {
    /// Starts all of them, with more lines of `[server]`.
    pub(crate) async fn start(kind: &str, lines: &str) -> Self {
        let simulator = async || Simulator::start(Options::default()).await.expect("it listens");
        let (trusted, other) = (simulator().await, simulator().await);
        let data = tempfile::tempdir().expect("a directory");
        let folder = data.path().join("data");
        fs::create_dir(&folder).expect("a directory");
        let upstream = |name: &str, simulator: &Simulator| {
            let url = if kind == OPENAI { simulator.openai_url() } else { simulator.url() };
            format!(
                "[[upstream]]\nname = \"{name}\"\nkind = \"{kind}\"\nurl = \"{url}\"\n\
                 credentials = [{{ value = \"an-account\" }}]\n"
            )
        };
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nstore_url = \"memory:\"\nlog_format = \"json\"\n\
             api_key = \"{API_KEY}\"\nadmin_key = \"{ADMIN_KEY}\"\n{lines}\n{}trace = true\n{}",
            upstream("trusted", &trusted),
            upstream("other", &other),
        );
        fs::write(folder.join("settings.toml"), text).expect("a file");
        let server = Server::start_from(&folder, "settings.toml").await;
        Self { trusted, other, server, _data: data }
    }

    /// Chats with an upstream, with more header lines.
    pub(crate) async fn ask(&self, upstream: &str, headers: &str, text: &str) {
        let told = self.server.ask(ask(headers, &format!("{upstream}/{MODEL}"), text)).await;
        assert_eq!(told.status, 200, "{told:?}");
    }
}

/// A chat with more header lines.
pub(crate) fn ask(headers: &str, model: &str, text: &str) -> String {
    let messages = json!([{"role": "user", "content": text}]);
    chat(headers, &json!({"model": model, "messages": messages}).to_string())
}

/// The header lines of a client whose trace is recorded, or is not.
pub(crate) fn traceparent(flags: &str) -> String {
    format!("traceparent: 00-{TRACE}-{SPAN}-{flags}\r\n")
}

/// Waits for the line of a chat.
pub(crate) async fn line(server: &Server) -> Value {
    let fields = [("route", json!("/v1/chat/completions"))];
    let line = async || server.answered(&fields).pop();
    eventually("a line of the log", SOON, line).await
}

/// The values of a header in all that an upstream was sent.
pub(crate) fn headers(upstream: &Simulator, name: &str) -> Vec<String> {
    let requests = upstream.log().requests;
    requests.iter().filter_map(|one| one.header(name)).map(str::to_owned).collect()
}
