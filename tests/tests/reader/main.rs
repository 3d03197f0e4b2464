//! How clients read: not at all, for a while, or as it comes; and what the log says of them.

mod counts;
mod pace;
mod stall;

use llm2api_tests::processes::{MODEL, Stage, Wire, chat};
use serde_json::json;

/// A chat with more header lines.
pub(crate) fn ask(headers: &str, stream: bool) -> String {
    let messages = json!([{"role": "user", "content": "hello"}]);
    chat(headers, &json!({"model": MODEL, "stream": stream, "messages": messages}).to_string())
}

/// Connects to the server of a stage.
pub(crate) async fn connect(stage: &Stage) -> Wire {
    stage.server.connect().await.expect("the server listens")
}
