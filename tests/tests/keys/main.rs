//! Client keys: real servers, the command beside them, and a real Redis.

mod command;
mod door;
mod fleet;
mod tokens;

use std::time::Duration;

use llm2api_tests::processes::{Server, Told, eventually};

/// What was done elsewhere holds everywhere after this time.
const SPREAD: Duration = Duration::from_secs(3);

/// Chats with a key.
async fn chat(server: &Server, key: &str) -> Told {
    let body = r#"{"model":"demo","messages":[{"role":"user","content":"Hi"}]}"#;
    let length = body.len();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    server.ask(request).await
}

/// The status of a chat, and the code where it is refused.
async fn outcome(server: &Server, key: &str) -> (u16, String) {
    let told = chat(server, key).await;
    (told.status, if told.status == 200 { String::new() } else { told.code() })
}

/// Waits until a chat with a key ends so.
async fn becomes(server: &Server, key: &str, code: &str) {
    let ends = async || (outcome(server, key).await.1 == code).then_some(());
    eventually(&format!("a chat ends with `{code}`"), SPREAD, ends).await;
}
