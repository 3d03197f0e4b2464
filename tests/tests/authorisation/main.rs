//! The authorisation of an installation, through real processes.

mod authority;
mod life;
mod relay;
mod start;
mod whole;

use std::path::PathBuf;
use std::time::Duration;

use llm2api_core::auth::{Claims, PrivateKey, sign};
use llm2api_tests::processes::{Server, chat as wire_chat};
use tempfile::TempDir;

/// What is in every code here, and must be in nothing that is shown or kept.
pub(crate) const CANARY: &str = "canary-7b1f";
/// Waiting longer than this is a fault.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// A data directory of its own.
pub(crate) struct Data {
    folder: TempDir,
}

impl Data {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a directory") }
    }

    pub(crate) fn path(&self) -> PathBuf {
        let path = self.folder.path().join("data");
        std::fs::create_dir_all(&path).expect("a directory");
        path
    }

    /// Says whether a file, whatever is in it, has these bytes.
    pub(crate) fn has(&self, text: &str) -> bool {
        let files = std::fs::read_dir(self.path()).expect("a directory");
        let files = files.map(|file| std::fs::read(file.expect("a file").path()));
        let log = std::fs::read(self.folder.path().join("data.log"));
        files.chain([log]).any(|bytes| {
            let bytes = bytes.unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
    }
}

/// Signs a code for a day.
pub(crate) fn signed(key: &PrivateKey) -> String {
    let mut claims = Claims::new("code_1", "Ada", 1_790_000_000);
    claims.expires = Some(4_000_000_000);
    sign(&claims, key).expect("a code").expose().to_owned()
}

/// A chat with the demo, as bytes.
pub(crate) fn hello() -> String {
    wire_chat("", r#"{"model":"demo","messages":[{"role":"user","content":"hello"}]}"#)
}

/// Chats with the demo; returns the status, and the code of a refusal.
pub(crate) async fn chat(server: &Server) -> (u16, String) {
    let told = server.ask(hello()).await;
    assert!(!told.body.contains(CANARY), "{told:?}");
    let code = if told.status == 200 { String::new() } else { told.code() };
    (told.status, code)
}

/// Says whether the server may be sent traffic, and what of its authorisation; dates are left out.
pub(crate) async fn ready(server: &Server) -> String {
    let answer = server.api.get("/readyz").await;
    let text = format!("{} {}", answer.status, answer.body);
    assert!(!text.contains(CANARY), "{text}");
    text.split(' ').map(dateless).collect::<Vec<_>>().join(" ")
}

/// Replaces a date, as in `2026-09-21T14:13:20Z`.
fn dateless(word: &str) -> String {
    let end = word.find('Z').filter(|end| *end == 20 - 1 && word.starts_with("20"));
    end.map_or_else(|| word.to_owned(), |end| format!("DATE{}", &word[end + 1..]))
}
