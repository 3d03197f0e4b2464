//! A process that may open few descriptors.

use std::time::Duration;

use llm2api_tests::Options;
use llm2api_tests::processes::{OPENAI, Stage, chat, eventually};
use tokio::time::sleep;

const PATIENCE: Duration = Duration::from_secs(15);
const DESCRIPTORS: u32 = 64;
/// More clients than that.
const CLIENTS: usize = 100;
/// A loop that spins uses all of this.
const WATCHED: Duration = Duration::from_secs(2);
const USED: Duration = Duration::from_millis(500);

#[tokio::test]
async fn g30_without_descriptors_the_server_does_not_spin_and_comes_back() {
    let stage = Stage::with_descriptors(Some(DESCRIPTORS), OPENAI, Options::default(), &[]).await;
    let server = &stage.server;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        // The system takes them in the server's place.
        clients.push(server.connect().await.expect("the server listens"));
    }
    eventually("the descriptors run out", PATIENCE, async || {
        server.logged("cannot accept connections").then_some(())
    })
    .await;
    let before = server.processor_time();
    sleep(WATCHED).await;
    let used = server.processor_time().saturating_sub(before);
    assert!(used < USED, "{used:?} of the processor in {WATCHED:?}");

    drop(clients);
    let body = r#"{"model":"mock/vision-1","messages":[{"role":"user","content":"hello"}]}"#;
    eventually("it serves again", PATIENCE, async || {
        let told = server.ask(chat("Connection: close\r\n", body)).await;
        (told.status == 200).then_some(())
    })
    .await;
}
