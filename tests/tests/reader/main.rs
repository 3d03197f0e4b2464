//! How clients read: not at all, for a while, or as it comes; and what the log says of them.

mod counts;
mod pace;
mod stall;

use llm2api_tests::Step;
use llm2api_tests::processes::{CHAT_UI, MODEL, Stage, Wire, chat};
use serde_json::json;

/// A piece of an answer, as this kind of upstream sends it.
pub(crate) fn piece(kind: &str, text: &str) -> Step {
    if kind == CHAT_UI {
        return Step::Line(json!({"type": "stream", "token": text}));
    }
    let choices = json!([{"index": 0, "delta": {"content": text}, "finish_reason": null}]);
    let object = "chat.completion.chunk";
    Step::Event(json!({
        "id": "chatcmpl-1", "object": object, "created": 1, "model": MODEL, "choices": choices,
    }))
}

/// A chat with more header lines.
pub(crate) fn ask(headers: &str, stream: bool) -> String {
    let messages = json!([{"role": "user", "content": "hello"}]);
    chat(headers, &json!({"model": MODEL, "stream": stream, "messages": messages}).to_string())
}

/// Connects to the server of a stage.
pub(crate) async fn connect(stage: &Stage) -> Wire {
    stage.server.connect().await.expect("the server listens")
}
