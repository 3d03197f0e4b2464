//! Without a settings file, as in a container: secrets in files that the environment names.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use llm2api_core::auth::{AuthCode, Claims, PrivateKey, sign};
use llm2api_tests::processes::Server;
use serde_json::Value;

use crate::hang_up;

fn code(key: &PrivateKey, holder: &str) -> AuthCode {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    sign(&Claims::new(format!("id-of-{holder}"), holder, now), key).expect("short")
}

fn said(line: &Value) -> &str {
    line["message"].as_str().expect("a text")
}

#[tokio::test]
async fn the_files_that_the_environment_names_are_read_again() {
    let data = tempfile::tempdir().expect("a directory");
    let (folder, file) = (data.path().join("data"), data.path().join("code"));
    fs::create_dir(&folder).expect("a directory");
    let key = PrivateKey::random().expect("random bytes");
    let put = |text: &str| fs::write(&file, text).expect("room on the disk");
    put(code(&key, "Ada").expose());
    let (path, public) = (file.display().to_string(), key.public_key().to_string());
    let settings = [("AUTH_CODE_FILE", &*path), ("AUTH_PUBLIC_KEY", &public)];
    let server = Server::start(&folder, &settings).await;
    let line = hang_up(&server).await;
    assert!(said(&line).ends_with("read again, nothing has changed"), "{line}");

    put(code(&key, "Bob").expose());
    let line = hang_up(&server).await;
    assert!(said(&line).ends_with("read again, changed: settings AUTH_CODE"), "{line}");
    let other = PrivateKey::random().expect("random bytes");
    put(code(&other, "Eve").expose());
    let line = hang_up(&server).await;
    assert!(line["level"] == "ERROR" && said(&line).ends_with("nothing changes"), "{line}");
    fs::remove_file(&file).expect("it is there");
    let line = hang_up(&server).await;
    assert!(line["level"] == "ERROR" && line.to_string().contains("AUTH_CODE_FILE"), "{line}");
    assert_eq!(server.api.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_settings_file_that_comes_later_has_to_stay() {
    let data = tempfile::tempdir().expect("a directory");
    let (folder, file) = (data.path().join("data"), data.path().join("data/llm2api.toml"));
    fs::create_dir(&folder).expect("a directory");
    let cookies = data.path().join("cookies");
    fs::write(&cookies, "").expect("room on the disk");
    let path = cookies.display().to_string();
    let server = Server::start(&folder, &[("COOKIES_FILE", &*path)]).await;
    fs::write(&file, "[server]\nmessages_limit = 7").expect("room on the disk");
    let line = hang_up(&server).await;
    assert!(said(&line).ends_with("changed: settings MESSAGES_LIMIT"), "{line}");
    fs::remove_file(&file).expect("it is there");
    let line = hang_up(&server).await;
    assert!(line["level"] == "ERROR" && line.to_string().contains("llm2api.toml"), "{line}");
}
