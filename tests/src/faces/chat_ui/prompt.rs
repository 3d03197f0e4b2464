//! What the server would give its model backend.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::routes::Call;
use crate::plan::Prompt;
use crate::tree::{Conversation, File, Message};

/// MIME type of pasted text.
const CLIPBOARD: &str = "application/vnd.chatui.clipboard";
/// Types other than `text/…` that are put before the text.
const DOCUMENTS: [&str; 3] = ["application/json", "application/xml", "application/csv"];

/// What the model is asked by the user message `user`.
pub(super) fn prompt(call: &Call<'_>, conversation: &Conversation, user: &str) -> Prompt {
    Prompt {
        text: conversation.message(user).map(|one| one.content.clone()).unwrap_or_default(),
        input: input(call, conversation, user).to_string(),
        model: conversation.model.clone(),
        delay: call.options.token_delay,
    }
}

/// The chain from the root down to `user`, as chat messages.
fn input(call: &Call<'_>, conversation: &Conversation, user: &str) -> Value {
    let mut messages = Vec::new();
    if let Some(system) = system(call, conversation) {
        messages.push(json!({"role": "system", "content": system}));
    }
    let sees = call.options.model(&conversation.model).is_some_and(|model| model.multimodal);
    for message in conversation.chain(user) {
        if message.from != "system" {
            let content = content(call, conversation, message, sees);
            messages.push(json!({"role": message.from, "content": content}));
        }
    }
    Value::Array(messages)
}

/// The system prompt: twice in the newest family, a quirk of it.
fn system(call: &Call<'_>, conversation: &Conversation) -> Option<String> {
    let prompt = &conversation.preprompt;
    match (prompt.is_empty(), call.is_v2()) {
        (true, _) => None,
        (false, true) => Some(format!("{prompt}\n\n{prompt}")),
        (false, false) => Some(prompt.clone()),
    }
}

fn content(call: &Call<'_>, conversation: &Conversation, message: &Message, sees: bool) -> Value {
    let documents = message.files.iter().filter_map(|file| document(conversation, file));
    let text = documents.chain([message.content.clone()]).collect::<Vec<_>>().join("\n\n");
    let images: Vec<_> =
        message.files.iter().filter(|file| sees && file.is_image()).map(image).collect();
    let in_parts = !images.is_empty() || (!call.is_v2() && message.from == "user");
    if !in_parts {
        return json!(text);
    }
    let mut parts = vec![json!({"type": "text", "text": text})];
    parts.extend(images);
    Value::Array(parts)
}

/// A text file as it stands before the text; images and unknown types are dropped silently.
fn document(conversation: &Conversation, file: &File) -> Option<String> {
    let text = String::from_utf8_lossy(&file.content);
    if file.mime == CLIPBOARD {
        return Some(text.into_owned());
    }
    let known = file.mime.starts_with("text/") || DOCUMENTS.contains(&file.mime.as_str());
    known.then(|| {
        let name = format!("{}-{}", conversation.id, file.sha);
        format!("<document name=\"{name}\" type=\"{}\">\n{text}\n</document>", file.mime)
    })
}

fn image(file: &File) -> Value {
    let url = format!("data:{};base64,{}", file.mime, STANDARD.encode(&file.content));
    json!({"type": "image_url", "image_url": {"url": url, "detail": "auto"}})
}
