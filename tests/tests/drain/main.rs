//! SIGTERM: nobody new comes in, what runs finishes, and what does not is ended where all see it.

mod door;
mod streams;

use std::time::Duration;

use llm2api_tests::processes::{MODEL, Stage, Wire, chat, eventually};
use serde_json::json;

/// How long something may take that should happen soon.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A chat on a connection that is kept.
pub(crate) fn ask(stream: bool) -> String {
    let messages = json!([{"role": "user", "content": "hello"}]);
    chat("", &json!({"model": MODEL, "stream": stream, "messages": messages}).to_string())
}

/// Connects to the server of a stage.
pub(crate) async fn connect(stage: &Stage) -> Wire {
    stage.server.connect().await.expect("the server listens")
}

/// Begins a stream and reads its first piece.
pub(crate) async fn begin(stage: &Stage) -> Wire {
    let mut wire = connect(stage).await;
    wire.send(ask(true)).await;
    wire.until("data: ").await;
    wire
}

/// Waits until the server has taken a first signal in.
pub(crate) async fn begins_to_end(stage: &Stage) {
    eventually("the end begins", SOON, async || stage.server.logged("shutting down").then_some(()))
        .await;
}
