//! An authority as a process: codes outlive it, the command line works beside it, and no secret of
//! a code is anywhere but with its holder.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use llm2api_tests::processes::{Authority, Redis, Server, chat, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a gateway may take to ask again.
const PATIENCE: Duration = Duration::from_secs(15);

fn folder() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().expect("a directory");
    let data = home.path().join("data");
    fs::create_dir(&data).expect("a directory");
    (home, data)
}

/// Makes a key, in a file of its owner's; returns the file and the public key.
async fn key(home: &TempDir) -> (String, String) {
    let (good, pair) = Server::run(home.path(), &[], &["auth", "keygen"]).await;
    assert!(good, "{pair}");
    let path = home.path().join("key.json");
    fs::write(&path, &pair).expect("room on the disk");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
    let pair: Value = serde_json::from_str(&pair).expect("JSON");
    (path.display().to_string(), pair["public_key"].as_str().expect("a key").to_owned())
}

/// Runs `auth …` and returns what it prints.
async fn auth(data: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> String {
    let (good, said) = Server::run(data, settings, &[&["auth"], arguments].concat()).await;
    assert!(good, "{arguments:?}: {said}");
    said.trim_end().to_owned()
}

fn state(verdict: &Value) -> &str {
    assert_eq!(verdict["valid"], verdict["state"] == "active", "{verdict}");
    verdict["state"].as_str().expect("a state")
}

/// All bytes of all files below a folder.
fn bytes(folder: &Path) -> Vec<u8> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    let read = |path: &PathBuf| match path.is_dir() {
        true => bytes(path),
        false => fs::read(path).expect("a file"),
    };
    paths.iter().flat_map(read).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// A life over two restarts, one of them a crash; returns the codes that were issued.
async fn live(home: &TempDir, data: &Path, settings: &[(&str, &str)]) -> Vec<String> {
    let (file, public) = key(home).await;
    let arguments = ["--private-key-file", &file];
    let mut authority = Authority::start(data, settings, &arguments).await;
    let order = json!({"holder": "Ada", "plan": "team", "expires": "30d"});
    let opaque = authority.command("POST", "/auth/issue", &order).await;
    let order = json!({"holder": "Bob", "signed": true, "limits": {"concurrency": 2}});
    let signed = authority.command("POST", "/auth/issue", &order).await;
    let code = |issued: &Value| issued["code"].as_str().expect("told once").to_owned();
    let beside = auth(data, settings, &["issue", "--holder", "Cid"]).await;
    let alone =
        auth(data, settings, &["issue", "--holder", "Dan", "--private-key-file", &file]).await;
    let codes = vec![code(&opaque), code(&signed), beside, alone];
    for code in &codes {
        assert_eq!(state(&authority.check(code).await), "active");
    }
    assert_eq!(authority.check(&codes[1]).await["limits"], json!({"concurrency": 2}));
    assert_eq!(state(&authority.check(&codes[0].replace("l2a_", "l2a_x")).await), "invalid");

    let ids = [&opaque["id"], &signed["id"]].map(|id| id.as_str().expect("an id").to_owned());
    let gone = authority.command("POST", "/auth/revoke", &json!({"id": ids[0]})).await;
    assert_eq!(gone["state"], "revoked");
    let said = auth(data, settings, &["revoke", &ids[1]]).await;
    assert_eq!(said, format!("{} is revoked", ids[1]));
    let states = ["revoked", "revoked", "active", "active"];
    for (code, expected) in codes.iter().zip(states) {
        assert_eq!(state(&authority.check(code).await), expected);
    }
    let listed = authority.command("GET", "/auth/codes", &Value::Null).await;
    let listed_alone: Value =
        serde_json::from_str(&auth(data, settings, &["list", "--json"]).await).expect("JSON");
    assert_eq!((&listed, &listed["total"]), (&listed_alone, &json!(3)));

    authority.signal("HUP").await;
    authority.kill().await;
    let mut authority = Authority::start(data, settings, &arguments).await;
    for (code, expected) in codes.iter().zip(states) {
        assert_eq!(state(&authority.check(code).await), expected, "after a crash");
    }
    assert_eq!(authority.command("GET", "/auth/codes", &Value::Null).await, listed);
    let log = authority.command("GET", "/auth/audit", &Value::Null).await;
    let acts = log["data"].as_array().expect("a list").iter().map(|act| {
        let text = |name: &str| act[name].as_str().expect("a text").to_owned();
        (text("actor"), text("act"))
    });
    let act = |actor: &str, act: &str| (actor.to_owned(), act.to_owned());
    let expected = [
        act("cli", "code.revoke"),
        act("127.0.0.1", "code.revoke"),
        act("cli", "code.issue"),
        act("127.0.0.1", "code.issue"),
        act("127.0.0.1", "code.issue"),
    ];
    assert_eq!(acts.collect::<Vec<_>>(), expected);
    assert!(authority.terminate().await.success());
    let log = authority.log();
    for code in &codes {
        let secret = code.rsplit(['_', '.']).next().expect("a part");
        assert!(!log.contains(secret), "the log holds a code");
    }
    assert!(log.contains("a code was shown") && !log.contains(&public));
    codes
}

#[tokio::test(flavor = "multi_thread")]
async fn g26_codes_outlive_the_authority_in_a_file_and_their_secrets_are_not_there() {
    let (home, data) = folder();
    let codes = live(&home, &data, &[]).await;
    let kept = bytes(&data);
    assert!(holds(&kept, "Ada") && holds(&kept, "code.revoke"));
    for code in codes {
        let secret = code.rsplit(['_', '.']).next().expect("a part");
        assert!(!holds(&kept, secret), "the store holds a code");
    }
    let mode = fs::metadata(data.join("llm2api.db")).expect("the store").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_outlive_the_authority_in_redis_without_a_master_key() {
    let redis = Redis::start().await;
    let (home, data) = folder();
    let url = redis.url();
    live(&home, &data, &[("STORE_URL", &url)]).await;
    assert!(!data.join("master.key").exists(), "nothing is sealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_makes_no_code_invalid() {
    let mut redis = Redis::start().await;
    let (_home, data) = folder();
    let url = redis.url();
    let authority = Authority::start(&data, &[("STORE_URL", &url)], &[]).await;
    let issued = authority.command("POST", "/auth/issue", &json!({"holder": "Ada"})).await;
    let code = issued["code"].as_str().expect("told once");
    assert_eq!(state(&authority.check(code).await), "active");

    redis.terminate().await;
    for code in [code, "l2a_aaaaaaaaaaaaaaaa_0"] {
        let told = authority.ask("POST", "/auth/check", &json!({"code": code})).await;
        assert_eq!(told.status, 503, "nobody knows: {told:?}");
    }
    let told = authority.ask("GET", "/readyz", &Value::Null).await;
    assert!(told.status == 503 && told.body.contains("unreachable"), "{told:?}");
    assert_eq!(authority.ask("GET", "/livez", &Value::Null).await.status, 200);

    redis.resume().await;
    eventually("the store is found again", PATIENCE, async || {
        let told = authority.ask("POST", "/auth/check", &json!({"code": code})).await;
        (told.status == 200 && told.body.contains("true")).then_some(())
    })
    .await;
}

fn hello() -> String {
    let message = json!({"role": "user", "content": "hello"});
    chat("", &json!({"model": "demo", "messages": [message]}).to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_serves_as_long_as_its_authority_lets_it() {
    let (_home, data) = folder();
    let (_gateway_home, gateway_data) = folder();
    let authority = Authority::start(&data, &[], &[]).await;
    let order = json!({"holder": "Ada", "expires": "1h", "limits": {"concurrency": 3}});
    let issued = authority.command("POST", "/auth/issue", &order).await;
    let code = issued["code"].as_str().expect("told once");
    let url = authority.url();
    let settings = [("AUTH_URL", &*url), ("AUTH_CODE", code), ("CHECK_INTERVAL", "1s")];
    let mut gateway = Server::start(&gateway_data, &settings).await;
    assert_eq!(gateway.ask(hello()).await.status, 200);

    authority.command("POST", "/auth/revoke", &json!({"id": issued["id"]})).await;
    let refused = eventually("the gateway hears of it", PATIENCE, async || {
        Some(gateway.ask(hello()).await).filter(|told| told.status == 403)
    });
    let refused = refused.await;
    assert_eq!(refused.code(), "auth_code_invalid");
    assert!(gateway.logged("the code was revoked on 20"), "its operator is told why");
    gateway.signal("TERM").await;
    assert!(gateway.ended().await);

    let said = Server::refuses(&gateway_data, &settings).await;
    assert!(said.contains("the code was revoked on 20"), "{said}");
    let secret = code.rsplit('_').next().expect("a part");
    for text in [said, authority.log(), refused.body] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_goes_by_its_own_settings_and_makes_its_own_key() {
    let (_home, data) = folder();
    let gateway = [
        ("ADMIN_KEY", ""),
        ("UPSTREAM_URL", "no URL"),
        ("AUTH_CODE", ""),
        ("QUEUE_TIMEOUT", "soon"),
    ];
    let refused = Server::run(&data, &gateway, &["authority"]).await;
    assert!(!refused.0 && refused.1.contains("ADMIN_KEY"), "set but empty: {}", refused.1);
    let (good, said) = Server::run(&data, &[("STORE_URL", "mysql:x")], &["authority"]).await;
    assert!(!good && said.contains("STORE_URL"), "{said}");
    let (good, said) =
        Server::run(&data, &[], &["authority", "--private-key-file", "/nowhere/key"]).await;
    assert!(!good && said.contains("cannot be read"), "{said}");

    let authority = Authority::start(&data, &gateway[1..], &[]).await;
    let told = authority.ask("GET", "/v1/models", &Value::Null).await;
    assert_eq!((told.status, told.code()), (404, "unknown_path".to_owned()));
    let told = authority.ask("GET", "/auth/codes", &Value::Null).await;
    assert_eq!((told.status, told.code()), (401, "invalid_admin_key".to_owned()));
    for path in ["/livez", "/readyz", "/"] {
        assert_eq!(authority.ask("GET", path, &Value::Null).await.status, 200, "{path}");
    }
}
