//! SIGHUP: the settings file is read again, as a whole or not at all, and nobody is sent away for it.

mod container;
mod keys;
mod refusals;
mod search;
mod storm;
mod upstreams;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use llm2api_tests::processes::{ADMIN_KEY, API_KEY, MODEL, Server, Told, Wire, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long something may take that should happen soon.
pub(crate) const SOON: Duration = Duration::from_secs(10);

const FILE: &str = "settings.toml";
/// What every line begins with that answers the signal.
const ANSWER: &str = "SIGHUP:";

/// A server whose settings are in a file.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) file: PathBuf,
    _data: TempDir,
}

impl Stage {
    pub(crate) async fn start(text: &str) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let folder = data.path().join("data");
        fs::create_dir(&folder).expect("a directory");
        let file = folder.join(FILE);
        fs::write(&file, text).expect("a file");
        let server = Server::start_from(&folder, FILE).await;
        Self { server, file, _data: data }
    }

    /// Writes another file, has it read, and returns what the server says first.
    pub(crate) async fn reload(&self, text: &str) -> Value {
        fs::write(&self.file, text).expect("a file");
        self.hang_up().await
    }

    /// Sends the signal and returns what the server says first.
    pub(crate) async fn hang_up(&self) -> Value {
        hang_up(&self.server).await
    }

    /// Has a file read that must be taken up.
    pub(crate) async fn take_up(&self, text: &str) -> String {
        let line = self.reload(text).await;
        assert_eq!(line["level"], "INFO", "{line}");
        line["message"].as_str().expect("a text").to_owned()
    }

    /// Chats on a connection of its own.
    pub(crate) async fn chat(&self, key: &str, model: &str) -> Told {
        self.server.ask(ask(key, model, false, "hello")).await
    }

    /// Begins a stream and reads its first piece.
    pub(crate) async fn begin(&self, model: &str) -> Wire {
        let mut wire = self.server.connect().await.expect("the server listens");
        wire.send(ask(API_KEY, model, true, "SLOW hello")).await;
        wire.until("data: ").await;
        wire
    }
}

/// Sends a server the signal and returns what it says first.
pub(crate) async fn hang_up(server: &Server) -> Value {
    let before = server.said(ANSWER).len();
    server.signal("HUP").await;
    let answer = async || server.said(ANSWER).get(before).cloned();
    eventually("an answer to SIGHUP", SOON, answer).await
}

/// A chat as a client sends it.
pub(crate) fn ask(key: &str, model: &str, stream: bool, text: &str) -> String {
    let messages = json!([{"role": "user", "content": text}]);
    let body = json!({"model": model, "stream": stream, "messages": messages}).to_string();
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// A settings file: more lines of `[server]`, and what follows them.
pub(crate) fn file(server: &str, rest: &str) -> String {
    let keys = format!("api_key = \"{API_KEY}\"\nadmin_key = \"{ADMIN_KEY}\"\n");
    let keys = if server.contains("_key") { String::new() } else { keys };
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nstore_url = \"memory:\"\nconversations = \"fresh\"\nlog_format = \"json\"\n\
         {keys}{server}\n{rest}"
    )
}

/// An upstream of the file.
pub(crate) fn upstream(name: &str, kind: &str, url: &str) -> String {
    let credentials = "credentials = [{ value = \"sk-upstream-canary\" }]";
    format!("[[upstream]]\nname = \"{name}\"\nkind = \"{kind}\"\nurl = \"{url}\"\n{credentials}\n")
}

/// An alias of the file, for the model of an upstream.
pub(crate) fn alias(name: &str, upstream: &str) -> String {
    format!("[[model]]\nname = \"{name}\"\nserve = [\"{upstream}/{MODEL}\"]\n")
}
