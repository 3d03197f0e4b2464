//! Pieces of an answer, as each kind of upstream sends them.

use serde_json::{Value, json};

use crate::Step;
use crate::processes::{CHAT_UI, MODEL};

/// An OpenAI chunk with one choice.
pub fn chunk(delta: &Value, finish: Option<&str>) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    })
}

/// What comes before the first text and is none.
pub fn opening(kind: &str) -> Vec<Step> {
    if kind == CHAT_UI {
        let title = json!({"type": "title", "title": "A title"});
        let started = json!({"type": "status", "status": "started"});
        return vec![Step::Line(started), Step::Line(title), Step::KeepAlive];
    }
    let role = json!({"role": "assistant", "content": ""});
    vec![Step::Event(chunk(&role, None)), Step::KeepAlive]
}

/// A piece of text.
pub fn text(kind: &str, text: &str) -> Step {
    if kind == CHAT_UI {
        return Step::Line(json!({"type": "stream", "token": text}));
    }
    Step::Event(chunk(&json!({"content": text}), None))
}

/// The end of an answer that has said `said`.
pub fn end(kind: &str, said: &str) -> Vec<Step> {
    if kind == CHAT_UI {
        let whole = json!({"type": "finalAnswer", "text": said, "interrupted": false});
        return vec![
            Step::Line(whole),
            Step::Line(json!({"type": "status", "status": "finished"})),
        ];
    }
    vec![Step::Event(chunk(&json!({}), Some("stop"))), Step::Done]
}

/// An error inside an answer; `status` is that of the model's backend.
pub fn failure(kind: &str, message: &str, status: u16) -> Step {
    if kind == CHAT_UI {
        let line = json!({"type": "status", "status": "error", "message": message,
            "statusCode": status});
        return Step::Line(line);
    }
    Step::Event(json!({"error": {"message": message, "type": "server_error", "code": status}}))
}
