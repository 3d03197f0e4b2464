//! Who is let in.

use llm2api_tests::processes::{ADMIN_KEY, API_KEY};

use crate::{Stage, file};

const LOCAL: &str = "Host: localhost";

async fn get(stage: &Stage, host: &str, header: &str) -> u16 {
    let request = format!("GET /cookies HTTP/1.1\r\n{host}\r\n{header}\r\n\r\n");
    stage.server.ask(request).await.status
}

fn bearer(key: &str) -> String {
    format!("Authorization: Bearer {key}")
}

/// Signs in and returns the header that holds the session.
async fn sign_in(stage: &Stage) -> String {
    let body = format!(r#"{{"key":"{ADMIN_KEY}"}}"#);
    let length = body.len();
    let told = stage
        .server
        .ask(format!(
            "POST /session HTTP/1.1\r\n{LOCAL}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ))
        .await;
    assert!(told.status < 300, "{told:?}");
    let cookie = told.header("set-cookie").expect("a cookie");
    format!("Cookie: {}", cookie.split(';').next().expect("a pair"))
}

#[tokio::test]
async fn keys_and_host_names_change() {
    let stage = Stage::start(&file("", "")).await;
    assert_eq!(stage.chat(API_KEY, "demo").await.status, 200);
    assert_eq!(get(&stage, "Host: chat.example", &bearer(ADMIN_KEY)).await, 403);

    let keys = "api_key = \"sk-new\"\nadmin_key = \"sk-boss\"\nallowed_hosts = \"chat.example\"";
    let message = stage.take_up(&file(keys, "")).await;
    let expected = "changed: settings API_KEY, ADMIN_KEY, ALLOWED_HOSTS";
    assert!(message.ends_with(expected), "{message}");
    assert_eq!(stage.chat("sk-new", "demo").await.status, 200);
    assert_eq!(stage.chat(API_KEY, "demo").await.code(), "invalid_api_key");
    assert_eq!(get(&stage, "Host: chat.example", &bearer("sk-boss")).await, 200);
    assert_eq!(get(&stage, "Host: chat.example", &bearer(ADMIN_KEY)).await, 401);
    assert_eq!(get(&stage, LOCAL, &bearer("sk-boss")).await, 403);
    assert!(!stage.server.logged("sk-"), "no key is logged");
}

#[tokio::test]
async fn g17_a_reload_keeps_the_operators_session_unless_his_key_changes() {
    let stage = Stage::start(&file("", "")).await;
    let session = sign_in(&stage).await;
    assert_eq!(get(&stage, LOCAL, &session).await, 200);
    stage.take_up(&file("messages_limit = 7", "")).await;
    assert_eq!(get(&stage, LOCAL, &session).await, 200);
    let keys = format!("api_key = \"{API_KEY}\"\nadmin_key = \"sk-boss\"");
    stage.take_up(&file(&keys, "")).await;
    assert_eq!(get(&stage, LOCAL, &session).await, 401);
}

#[tokio::test]
async fn limits_hold_for_requests_that_come_later() {
    let stage = Stage::start(&file("", "")).await;
    assert_eq!(stage.chat(API_KEY, "demo").await.status, 200);
    stage.take_up(&file("request_body_limit = 10", "")).await;
    assert_eq!(stage.chat(API_KEY, "demo").await.status, 413);
    stage.take_up(&file("body_bytes_in_flight = 30\nrequest_body_limit = 30", "")).await;
    assert_eq!(stage.chat(API_KEY, "demo").await.status, 413);
    stage.take_up(&file("", "")).await;
    assert_eq!(stage.chat(API_KEY, "demo").await.status, 200);
}
