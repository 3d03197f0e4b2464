//! The objects of the stream and their bytes.

use serde_json::{Value, json};

/// Width to which tokens are padded, in UTF-16 units.
const WIDTH: usize = 16;
/// Spaces after the final answer.
pub(super) const SPACES: usize = 4096;
/// Title that the title model of 2026 makes.
pub(super) const TITLE: &str = "Mock title";

/// The first object.
pub(super) fn started() -> Value {
    json!({"type": "status", "status": "started"})
}

/// The last object.
pub(super) fn finished() -> Value {
    json!({"type": "status", "status": "finished"})
}

/// What is sent while the text is under way.
pub(super) fn keep_alive() -> Value {
    json!({"type": "status", "status": "keepAlive"})
}

/// A failure, with the model backend's status where there was one.
pub(super) fn failed(message: &str, status: Option<u16>) -> Value {
    let mut update = json!({"type": "status", "status": "error", "message": message});
    if let Some(status) = status {
        update["statusCode"] = json!(status);
    }
    update
}

/// The title of the conversation.
pub(super) fn title(title: &str) -> Value {
    json!({"type": "title", "title": title})
}

/// A token, not padded.
pub(super) fn token(text: &str) -> Value {
    json!({"type": "stream", "token": text})
}

/// The text of a token; none where the object is another one.
pub(super) fn token_of(update: &Value) -> Option<&str> {
    update["token"].as_str().filter(|_| update["type"] == "stream")
}

/// The whole text.
pub(super) fn final_answer(text: &str, interrupted: bool) -> Value {
    json!({"type": "finalAnswer", "text": text, "interrupted": interrupted})
}

/// Who answered.
pub(super) fn router() -> Value {
    json!({"type": "routerMetadata", "route": "", "model": "", "provider": "mockprov"})
}

/// A tool that the server runs: call, estimated time, result.
pub(super) fn tool(said: &str) -> [Value; 3] {
    let uuid = uuid::Uuid::new_v4().to_string();
    let call = json!({"name": "lookup", "parameters": {"q": "x"}});
    let text = "lookup result for {\"q\": \"x\"}";
    let outputs = json!([{"text": text, "content": [{"type": "text", "text": text}]}]);
    [
        json!({
            "type": "tool", "subtype": "call", "uuid": uuid, "call": call,
            "originalId": "call_abc", "argumentsRaw": "{\"q\":\"x\"}", "content": said.trim(),
        }),
        json!({"type": "tool", "subtype": "eta", "uuid": uuid, "eta": 10}),
        json!({
            "type": "tool", "subtype": "result", "uuid": uuid,
            "result": {"status": "success", "call": call, "outputs": outputs, "display": true},
        }),
    ]
}

/// The web search of 2024.
pub(super) fn web_search(query: &str) -> [Value; 4] {
    let kind = "webSearch";
    [
        json!({"type": kind, "subtype": "update", "message": "Searching SearXNG", "args": [query]}),
        json!({"type": kind, "subtype": "update", "message": "Browsing search results"}),
        json!({
            "type": kind, "subtype": "error", "message": "An error occurred",
            "args": ["No text found in the first 8 results"],
        }),
        json!({"type": kind, "subtype": "finished"}),
    ]
}

/// The object with its token padded, as it goes over the wire.
pub(super) fn padded(mut update: Value) -> Value {
    if update["type"] == "stream"
        && let Some(token) = update["token"].as_str()
    {
        let missing = WIDTH.saturating_sub(token.encode_utf16().count());
        update["token"] = json!(format!("{token}{}", "\0".repeat(missing)));
    }
    update
}

/// The object with its token as it was before padding.
pub(super) fn unpadded(mut update: Value) -> Value {
    if let Some(token) = update["token"].as_str() {
        update["token"] = json!(token.trim_end_matches('\0'));
    }
    update
}

/// Whether this object is followed by the spaces.
pub(super) fn is_final(update: &Value) -> bool {
    update["type"] == "finalAnswer"
}

/// The first `units` UTF-16 units of `text`.
pub(super) fn clamp(text: &str, units: u64) -> String {
    let units = usize::try_from(units).unwrap_or(usize::MAX);
    let kept: Vec<u16> = text.encode_utf16().take(units).collect();
    String::from_utf16_lossy(&kept)
}

#[cfg(test)]
mod tests {
    use super::{clamp, padded, token};

    #[test]
    fn tokens_are_padded_in_utf16_units() {
        let line = padded(token(" 🙂 \"quoted\"\n")).to_string();
        let recorded = r#"{"type":"stream","token":" 🙂 \"quoted\"\n\u0000\u0000\u0000"}"#;
        assert_eq!(line, recorded);
    }

    #[test]
    fn clamping_counts_utf16_units() {
        assert_eq!(clamp("Hello from the", 12), "Hello from t");
    }
}
