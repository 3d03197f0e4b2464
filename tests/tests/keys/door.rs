//! Where others can reach the server, nobody chats without a key, whatever becomes of the store.

use std::fs;
use std::path::Path;

use llm2api_tests::processes::Server;

use super::outcome;

/// An address that others can reach, and no key.
const SETTINGS: &str = "[server]\nlisten = \"0.0.0.0:0\"\n";
const FILE: &str = "llm2api.toml";

async fn refuses(data: &Path) {
    for arguments in [&["serve"][..], &["config", "check"]] {
        let (good, said) = Server::run_bare(data, arguments).await;
        assert!(!good && said.contains("key create") && said.contains("ALLOW_OPEN"), "{said}");
    }
}

#[tokio::test]
async fn a_key_of_the_store_is_enough_for_a_server_that_others_can_reach() {
    let home = tempfile::tempdir().expect("a directory");
    let data = home.path().join("data");
    fs::create_dir(&data).expect("a directory");
    fs::write(data.join(FILE), SETTINGS).expect("room on the disk");
    refuses(&data).await;

    let (good, key) = Server::run(&data, &[], &["key", "create"]).await;
    assert!(good, "{key}");
    let key = key.lines().last().expect("a key");
    let (good, said) = Server::run_bare(&data, &["config", "check"]).await;
    assert!(good, "{said}");
    let server = Server::start_from(&data, FILE).await;
    assert_eq!(outcome(&server, key).await.0, 200);
    assert_eq!(outcome(&server, "sk-other").await.1, "invalid_api_key");
    drop(server);

    for entry in fs::read_dir(&data).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension != "toml") {
            fs::remove_file(path).expect("ours");
        }
    }
    refuses(&data).await;
}
