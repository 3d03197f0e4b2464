//! The command `key`, with and without a server beside it.

use std::fs;
use std::path::{Path, PathBuf};

use llm2api_tests::processes::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{becomes, chat, outcome};

const SQLITE: [(&str, &str); 0] = [];

/// A data directory, and the command that works on it.
struct Desk {
    root: TempDir,
}

impl Desk {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a directory");
        fs::create_dir(root.path().join("data")).expect("a directory");
        Self { root }
    }

    fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// Runs a command; says whether it went well, what it printed and what it said.
    async fn run(&self, line: &str) -> (bool, String, String) {
        let arguments: Vec<_> = line.split(' ').collect();
        Server::run_apart(&self.data(), &SQLITE, &arguments).await
    }

    /// Runs a command that must fail and print nothing; returns what it says.
    async fn refused(&self, line: &str) -> String {
        let (good, printed, said) = self.run(line).await;
        assert!(!good && printed.is_empty(), "{line}: {printed}");
        said
    }

    /// Runs `key …`; returns what it prints.
    async fn key(&self, line: &str) -> String {
        let (good, printed, said) = self.run(&format!("key {line}")).await;
        assert!(good, "{line}: {said}");
        printed
    }

    /// Makes a key; returns its id and the key.
    async fn create(&self, line: &str) -> (String, String) {
        let said = self.key(format!("create {line}").trim_end()).await;
        let key = said.strip_suffix('\n').expect("a line");
        assert!(!key.contains(char::is_whitespace), "the key alone: {said}");
        let id = key.strip_prefix("sk-l2a-").and_then(|rest| rest.split_once('-'));
        (id.expect("an id and a secret").0.to_owned(), key.to_owned())
    }

    async fn list(&self) -> Vec<Value> {
        let said = self.key("list --json").await;
        let told: Value = serde_json::from_str(&said).expect("JSON");
        let list = told["data"].as_array().expect("a list");
        assert_eq!(told["total"], list.len(), "{told}");
        list.clone()
    }
}

#[tokio::test]
async fn the_command_works_beside_a_running_server() {
    let desk = Desk::new();
    let (_, early) = desk.create("--label before-the-first-start").await;
    let server = Server::start(&desk.data(), &SQLITE).await;
    assert_eq!(outcome(&server, &early).await.0, 200, "it was there at the start");

    let (id, key) = desk.create("--label late --concurrency 2 --expires 1h").await;
    becomes(&server, &key, "").await;
    desk.key(&format!("update {id} --model other --clear expires")).await;
    becomes(&server, &key, "model_not_allowed").await;
    desk.key(&format!("update {id} --clear models")).await;
    becomes(&server, &key, "").await;
    let second = desk.key(&format!("rotate {id}")).await;
    becomes(&server, &key, "api_key_expired").await;
    becomes(&server, second.trim(), "").await;
    assert_eq!(desk.key(&format!("revoke {id}")).await, format!("{id} is revoked\n"));
    becomes(&server, second.trim(), "api_key_revoked").await;
    assert_eq!(outcome(&server, &early).await.0, 200, "another key goes on");

    let list = desk.list().await;
    let shown = |key: &Value| (key["label"].clone(), key["state"].clone());
    assert_eq!(shown(&list[0]), (json!("before-the-first-start"), json!("active")));
    assert_eq!(shown(&list[1]), (json!("late"), json!("revoked")));
    let told = server.api.get("/keys").await;
    assert_eq!((told.status, &told.body["data"]), (200, &json!(list)), "both say the same");
    let text = desk.key("list").await;
    assert_eq!(text.lines().count(), 3, "{text}");
}

#[tokio::test]
async fn what_the_server_does_the_command_finds() {
    let desk = Desk::new();
    let mut server = Server::start(&desk.data(), &SQLITE).await;
    let body = json!({"label": "Ann", "tokens_per_day": 100_000});
    let issued = server.api.post("/key/create", &body).await.body;
    let key = issued["key"].as_str().expect("a key").to_owned();
    assert_eq!(outcome(&server, &key).await.0, 200);
    assert_eq!(desk.list().await[0]["label"], "Ann");

    server.signal("TERM").await;
    assert!(server.ended().await);
    let list = desk.list().await;
    assert!(list[0]["tokens_today"].as_u64().is_some_and(|tokens| tokens > 0), "{list:?}");
    let server = Server::start(&desk.data(), &SQLITE).await;
    assert_eq!(outcome(&server, &key).await.0, 200, "keys outlive the process");
    let kept = &server.api.get("/keys").await.body["data"][0]["tokens_today"];
    assert!(kept.as_u64() > list[0]["tokens_today"].as_u64(), "and so do their tokens: {kept}");
}

#[tokio::test]
async fn g26_a_client_key_is_in_no_file_and_in_no_log() {
    let desk = Desk::new();
    let server = Server::start(&desk.data(), &[("RUST_LOG", "debug")]).await;
    let (id, key) = desk.create("--requests-per-minute 1").await;
    becomes(&server, &key, "").await;
    assert_eq!(outcome(&server, &key).await.1, "rate_limit_exceeded");
    let rotated = server.api.post("/key/rotate", &json!({"id": id})).await.body;
    let second = rotated["key"].as_str().expect("a key").to_owned();
    let (wrong, _) = second.split_at(second.len() - 1);
    assert_eq!(outcome(&server, wrong).await.1, "invalid_api_key");
    assert_eq!(outcome(&server, &key).await.1, "api_key_expired");
    assert!(!server.answered(&[("key", json!(id))]).is_empty(), "the id is logged");
    drop(server);
    for key in [key, second] {
        let secret = key.rsplit_once('-').expect("a secret").1;
        // Half of it would be as bad.
        nowhere(desk.root.path(), &secret[..32]);
        nowhere(desk.root.path(), &secret[32..]);
    }
}

#[tokio::test]
async fn a_store_in_memory_has_no_keys_for_the_command() {
    let desk = Desk::new();
    let settings = [("STORE_URL", "memory:")];
    let (good, said) = Server::run(&desk.data(), &settings, &["key", "list"]).await;
    assert!(!good && said.contains("POST /key/create"), "{said}");
    let server = Server::start(&desk.data(), &settings).await;
    let issued = server.api.post("/key/create", &json!({})).await;
    let key = issued.body["key"].as_str().expect("a key").to_owned();
    assert_eq!(chat(&server, &key).await.status, 200);
}

#[tokio::test]
async fn a_command_makes_no_store_in_a_wrong_directory() {
    let desk = Desk::new();
    let (file, code) = (desk.data().join("llm2api.db"), desk.root.path().join("code"));
    fs::write(&code, "l2a_aaaaaaaaaaaaaaaa_0").expect("room on the disk");
    let inspect = format!("auth inspect --code-file {}", code.display());
    for line in [
        "key list",
        "key list --json",
        "key revoke 7k2m9xq4wt1c",
        "key rotate 7k2m9xq4wt1c",
        "key update 7k2m9xq4wt1c --label Ann",
        "auth list",
        "auth revoke 7k2m9xq4wt1c",
        &inspect,
    ] {
        let said = desk.refused(line).await;
        for word in [&*file.display().to_string(), "DATA_DIR", "STORE_URL"] {
            assert!(said.contains(word), "{line}: {said}");
        }
        assert!(!file.exists(), "{line}");
    }
    for line in ["key create", "auth issue --holder Ada"] {
        let other = Desk::new();
        let (_, _, made) = other.run(line).await;
        let path = other.data().join("llm2api.db").display().to_string();
        assert!(made.contains("a new store was made") && made.contains(&path), "{line}: {made}");
        let (good, printed, said) = other.run(line).await;
        assert!(good && said.is_empty() && printed.lines().count() == 1, "{line}: {said}");
        let unseen = other.run("auth revoke of-another-issuer").await;
        assert!(unseen.0 && unseen.1.contains("the store did not know it"), "{unseen:?}");
    }
}

#[tokio::test]
async fn mistakes_are_told_in_words_of_the_command_line() {
    let desk = Desk::new();
    let (id, _) = desk.create("").await;
    let update = format!("key update {id} --tokens-per-day 0");
    for (line, expected) in [
        ("key create --requests-per-minute 0", "--requests-per-minute: write a whole number"),
        (&update, "--tokens-per-day: write a whole number"),
        ("key create --model ", "--model: write names as in requests"),
        ("key revoke sk-l2a-x-canary", "ID: this is the key itself: give its id"),
        ("key revoke 000000000000", "no key has this id"),
        ("auth issue --holder ", "--holder: write 1 to 100 characters"),
        ("auth issue --holder Ada --concurrency 0", "--concurrency: write at least 1"),
        ("auth revoke l2a_aaaaaaaaaaaaaaaa_canary", "ID: this is the code itself: give its id"),
        (
            "auth revoke eyJhbGciOiJFZERTQSJ9.canary.canary",
            "ID: this is the code itself: give its id",
        ),
    ] {
        let said = desk.refused(line).await;
        assert!(said.contains(expected), "{line}: {said}");
        assert!(
            !["GET", "POST", "canary"].iter().any(|word| said.contains(word)),
            "{line}: {said}"
        );
    }
    nowhere(desk.root.path(), "canary");
}

/// No file under a folder holds a text.
fn nowhere(folder: &Path, text: &str) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            nowhere(&path, text);
        } else {
            let bytes = fs::read(&path).expect("a readable file");
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "{} holds a secret", path.display());
        }
    }
}
