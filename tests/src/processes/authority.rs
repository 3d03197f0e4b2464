//! `llm2api-server authority` as a process.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitStatus;

use serde_json::Value;

use super::program::Program;
use super::server::{ADMIN_KEY, command};
use super::wire::{Told, Wire};

/// A running authority.
#[derive(Debug)]
pub struct Authority {
    address: SocketAddr,
    program: Program,
}

impl Authority {
    /// Starts one with `data` as its data directory and more settings by environment, and waits
    /// until it listens.
    pub async fn start(data: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut command = command(data, settings);
        command.arg("authority").args(arguments);
        let mut program = Program::start(command, data.with_extension("log"));
        let url = program.line("AUTH_URL=http://").await;
        let address = url.strip_suffix("/auth/check").expect("the path that installations ask at");
        Self { address: address.parse().expect("an address"), program }
    }

    /// Where installations ask.
    pub fn url(&self) -> String {
        format!("http://{}/auth/check", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Issues a code; returns its id and the code.
    pub async fn issue(&self, order: &Value) -> (String, String) {
        let issued = self.command("POST", "/auth/issue", order).await;
        let text = |name: &str| issued[name].as_str().expect("a text").to_owned();
        (text("id"), text("code"))
    }

    /// Revokes a code.
    pub async fn revoke(&self, id: &str) {
        let gone = self.command("POST", "/auth/revoke", &serde_json::json!({"id": id})).await;
        assert_eq!(gone["state"], "revoked");
    }

    /// Asks without a key, and returns the answer.
    pub async fn ask(&self, method: &str, path: &str, body: &Value) -> Told {
        self.send(method, path, "", body).await
    }

    /// Asks as the operator, and returns the answer's JSON.
    pub async fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let key = format!("Authorization: Bearer {ADMIN_KEY}\r\n");
        let told = self.send(method, path, &key, body).await;
        assert_eq!(told.status, 200, "{told:?}");
        serde_json::from_str(&told.body).expect("JSON")
    }

    /// Asks what a code is worth.
    pub async fn check(&self, code: &str) -> Value {
        let told = self.ask("POST", "/auth/check", &serde_json::json!({"code": code})).await;
        assert_eq!(told.status, 200, "{told:?}");
        serde_json::from_str(&told.body).expect("JSON")
    }

    /// Ends it at once, as a crash would.
    pub async fn kill(&mut self) {
        self.program.kill().await;
    }

    /// Asks it to end, and waits for it.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.program.signal("TERM").await;
        self.program.ended().await
    }

    /// Sends it a signal, by its name without `SIG`.
    pub async fn signal(&self, name: &str) {
        self.program.signal(name).await;
    }

    /// Returns what it has written to its log.
    pub fn log(&self) -> String {
        self.program.log()
    }

    async fn send(&self, method: &str, path: &str, headers: &str, body: &Value) -> Told {
        let mut wire = Wire::connect(self.address).await.expect("it listens");
        let (address, body) = (self.address, body.to_string());
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{headers}\r\n"
        );
        wire.send(head + &body).await;
        wire.answer().await
    }
}
