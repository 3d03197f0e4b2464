//! Conversations as the different paths show them.

use serde_json::{Value, json};

use super::superjson::Annotated;
use crate::options::Options;
use crate::tree::{Conversation, File, Message};

/// The conversation as `/api/v2` shows it.
pub(super) fn v2(conversation: &Conversation) -> Annotated {
    let messages: Vec<_> =
        conversation.messages.iter().map(|one| v2_message(one, conversation)).collect();
    let mut view = Annotated::plain(json!({
        "messages": messages, "title": conversation.title, "model": conversation.model,
        "preprompt": conversation.preprompt, "rootMessageId": conversation.root(),
        "id": conversation.id, "updatedAt": conversation.updated_at,
        "modelId": conversation.model, "shared": false, "deployedSpaces": null,
    }));
    for place in 0..conversation.messages.len() {
        view.date(format!("messages.{place}.createdAt"));
        view.date(format!("messages.{place}.updatedAt"));
    }
    view.date("updatedAt");
    view.undefined("deployedSpaces");
    view
}

fn v2_message(message: &Message, conversation: &Conversation) -> Value {
    if message.from == "system" {
        let mut view = json!({
            "id": message.id, "from": message.from, "content": message.content,
            "createdAt": message.created_at, "updatedAt": message.updated_at,
            "children": message.children, "ancestors": message.ancestors,
        });
        if conversation.messages.len() > 1 {
            view["updates"] = json!([]);
        }
        return view;
    }
    let mut view = json!({"from": message.from, "content": message.content});
    if message.from == "user" {
        view["files"] = files(&message.files);
    }
    view["createdAt"] = json!(message.created_at);
    view["updatedAt"] = json!(message.updated_at);
    view["ancestors"] = json!(message.ancestors);
    view["id"] = json!(message.id);
    view["children"] = json!(message.children);
    add_generation(&mut view, message);
    view
}

/// What only an answer has: who wrote it and how that went.
fn add_generation(view: &mut Value, message: &Message) {
    if let Some(generation) = &message.generation_id {
        view["generationId"] = json!(generation);
    }
    view["updates"] = message.updates.iter().map(stored_update).collect();
    if let Some(router) = message.updates.iter().find(|one| one["type"] == "routerMetadata") {
        view["routerMetadata"] = json!({
            "route": router["route"], "model": router["model"], "provider": router["provider"],
        });
    }
    if let Some(interrupted) = message.interrupted {
        view["interrupted"] = json!(interrupted);
        view["materializedSeq"] = json!(message.updates.len());
    }
}

/// An update as it is stored: tokens leave only their length.
fn stored_update(update: &Value) -> Value {
    match update["token"].as_str() {
        Some(token) if update["type"] == "stream" => {
            json!({"type": "stream", "token": "", "len": token.encode_utf16().count()})
        }
        _ => update.clone(),
    }
}

/// The conversation as `/api/conversation/ID` shows it.
pub(super) fn legacy(conversation: &Conversation, options: &Options, v2: bool) -> Value {
    let messages: Vec<_> = conversation.messages.iter().map(legacy_message).collect();
    let mut view = json!({
        "id": conversation.id, "title": conversation.title,
        "updatedAt": conversation.updated_at, "modelId": conversation.model,
    });
    if v2 {
        view["messages"] = json!(messages);
    } else {
        let tools = options.model(&conversation.model).is_some_and(|model| model.tools);
        view["assistantId"] = Value::Null;
        view["messages"] = json!(messages);
        view["modelTools"] = json!(tools);
    }
    view
}

fn legacy_message(message: &Message) -> Value {
    let mut view = json!({
        "content": message.content, "from": message.from, "id": message.id,
        "createdAt": message.created_at, "updatedAt": message.updated_at,
    });
    match message.from.as_str() {
        "user" => view["files"] = files(&message.files),
        "assistant" => view["updates"] = message.updates.iter().map(stored_update).collect(),
        _ => {}
    }
    view
}

/// A line in the list of conversations.
pub(super) fn entry(conversation: &Conversation) -> Value {
    json!({
        "_id": conversation.id, "id": conversation.id, "title": conversation.title,
        "updatedAt": conversation.updated_at, "model": conversation.model,
        "modelId": conversation.model,
    })
}

/// The files of a message.
pub(super) fn files(files: &[File]) -> Value {
    let view = |file: &File| json!({"type": "hash", "value": file.sha, "mime": file.mime, "name": file.name});
    files.iter().map(view).collect()
}
