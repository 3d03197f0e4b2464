//! What is not taken up, and what the log says of it.

use std::fs;

use llm2api_tests::processes::{API_KEY, Server, eventually};
use tokio::net::TcpListener;

use crate::{SOON, Stage, file, upstream};

/// Files that no server would start with, and what is said of them.
fn bad() -> Vec<(String, &'static str)> {
    let canary = "api_key = \"sk-canary\"\nadmin_key = \"sk-canary\"";
    let odd = upstream("odd", "openai", "http://127.0.0.1:1/v1");
    vec![
        (file(canary, "") + "[server", "unclosed table"),
        (file(&format!("{canary}\nno_such_thing = 1"), ""), "unknown key"),
        (file(&format!("{canary}\nqueue_timeout = \"soon\""), ""), "QUEUE_TIMEOUT"),
        (file(canary, &odd.replace("http:", "gopher:")), "upstream.url"),
        (file(canary, &odd.replace("sk-upstream-canary", "a b-canary")), "cannot set up"),
        (file(canary, &(odd.clone() + &odd)), "two upstreams have this name"),
        (file("listen = \"0.0.0.0:0\"", "").replace("\"127.0.0.1:0\"", "\"bad\""), "line"),
    ]
}

#[tokio::test]
async fn g17_a_bad_file_changes_nothing_and_is_logged() {
    let stage = Stage::start(&file("", "")).await;
    for (text, reason) in bad() {
        let line = stage.reload(&text).await;
        assert_eq!(line["level"], "ERROR", "{line}");
        let error = line["error"].as_str().expect("the reason");
        assert!(error.contains(reason), "{error} for {reason}");
        assert_eq!(stage.chat(API_KEY, "demo").await.status, 200, "{reason}");
    }
    fs::remove_file(&stage.file).expect("a file");
    let line = stage.hang_up().await;
    assert!(line["error"].as_str().is_some_and(|why| why.contains("cannot be read")), "{line}");
    assert!(!stage.server.logged("canary"), "no secret is logged");
    let message = stage.take_up(&file("messages_limit = 9", "")).await;
    assert!(message.ends_with("changed: settings MESSAGES_LIMIT"), "{message}");
}

#[tokio::test]
async fn what_stops_a_reload_stops_a_start_in_the_same_words() {
    let stage = Stage::start(&file("", "")).await;
    for (text, _) in bad() {
        let line = stage.reload(&text).await;
        let error = line["error"].as_str().expect("the reason").to_owned();
        let folder = stage.file.parent().expect("a folder");
        let (good, said) = Server::run(folder, &[], &["--config", "settings.toml"]).await;
        assert!(!good && said.contains(&error), "`{said}` does not say `{error}`");
    }
}

#[tokio::test]
async fn what_cannot_change_is_named_and_the_rest_is_taken_up() {
    let stage = Stage::start(&file("", "")).await;
    let server = format!(
        "api_key = \"{API_KEY},sk-more\"\nadmin_key = \"sk-boss\"\nmax_connections = 3\n\
         api_path = \"elsewhere\"\nrust_log = \"off\""
    );
    let text = file(&server, "").replace("127.0.0.1:0", "127.0.0.1:1");
    let message = stage.take_up(&text).await;
    assert!(message.ends_with("changed: settings API_KEY, ADMIN_KEY"), "{message}");
    let names = "SIGHUP: LISTEN, API_PATH, MAX_CONNECTIONS, RUST_LOG cannot change";
    let warned = async || stage.server.said(names).first().cloned();
    let line = eventually("a warning", SOON, warned).await;
    assert_eq!(line["level"], "WARN", "{line}");
    assert_eq!(stage.chat("sk-more", "demo").await.status, 200, "where it always was");
}

#[tokio::test]
async fn an_open_address_never_loses_its_key() {
    let open = |server: &str| file(server, "").replace("127.0.0.1:0", "0.0.0.0:0");
    let stage = Stage::start(&open("")).await;
    // Good for a start, as it listens on loopback then; not for what runs.
    let line = stage.reload(&file("admin_key = \"sk-boss\"", "")).await;
    assert_eq!(line["level"], "ERROR", "{line}");
    assert_eq!(stage.chat("sk-nobody", "demo").await.status, 401);
}

#[tokio::test]
async fn without_a_file_there_is_nothing_to_read_again() {
    let data = tempfile::tempdir().expect("a directory");
    let settings = [("STORE_URL", "memory:")];
    let server = Server::start(data.path(), &settings).await;
    server.signal("HUP").await;
    let said = async || server.said("SIGHUP: there is no file with settings").first().cloned();
    let line = eventually("an answer", SOON, said).await;
    assert_eq!(line["level"], "INFO");
    assert_eq!(server.api.get("/readyz").await.status, 200, "it goes on");
}

#[tokio::test]
async fn a_signal_before_the_engine_is_up_ends_nothing() {
    // A store that takes connections and says nothing.
    let store = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("redis://{}", store.local_addr().expect("is bound"));
    let data = tempfile::tempdir().expect("a directory");
    let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let settings = [("STORE_URL", url.as_str()), ("MASTER_KEY", key)];
    let mut program = Server::launch(data.path(), &settings);
    let waiting = store.accept().await.expect("the engine asks its store");
    program.signal("HUP").await;
    drop((waiting, store));
    let status = program.ended().await;
    assert_eq!(status.code(), Some(2), "its store has ended it, and not the signal: {status}");
}

#[tokio::test]
async fn who_leaves_reads_nothing() {
    let mut stage = Stage::start(&file("", "")).await;
    let mut wire = stage.begin("demo").await;
    stage.server.signal("TERM").await;
    eventually("the end begins", SOON, async || {
        stage.server.said("shutting down").first().cloned()
    })
    .await;
    let message = stage.take_up(&file("messages_limit = 9", "")).await;
    assert!(message.contains("are not read again"), "{message}");
    assert!(wire.rest().await.contains("data: [DONE]"));
    assert!(stage.server.ended().await, "the exit code is 0");
}
