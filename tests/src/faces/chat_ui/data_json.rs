//! `__data.json`, where the 2024 family shows message ids.

use serde_json::{Value, json};

use super::conversations::own;
use super::devalue::{date, flatten, undefined};
use super::routes::Call;
use super::{account, page, views};
use crate::http::Reply;
use crate::lock::lock;
use crate::tree::{Conversation, Message};

/// `GET /__data.json`.
pub(super) fn home(call: &Call<'_>) -> Reply {
    nodes(call, Some("null".to_owned()))
}

/// `GET /conversation/ID/__data.json`.
pub(super) fn conversation(call: &Call<'_>, id: &str) -> Reply {
    if call.is_v2() {
        return nodes(call, None);
    }
    let Ok(data) = own(call, id, |found| flatten(&view(found))) else { return page::app(404) };
    let dependency = format!("http://{}/conversation/conversation", call.state.address);
    let uses = json!({"dependencies": [dependency], "params": ["id"]});
    nodes(call, Some(format!(r#"{{"type":"data","data":{data},"uses":{uses}}}"#)))
}

/// The layout's node and the page's, as far as the mask of the query wants them.
fn nodes(call: &Call<'_>, page: Option<String>) -> Reply {
    let body = if call.is_v2() {
        "{\"type\":\"data\",\"nodes\":[null,null]}\n".to_owned()
    } else {
        let mask = call.request.query_value("x-sveltekit-invalidated").unwrap_or("11".to_owned());
        let wanted = |place: usize| mask.as_bytes().get(place) == Some(&b'1');
        let skip = r#"{"type":"skip"}"#.to_owned();
        let first = if wanted(0) { layout(call) } else { skip.clone() };
        let second = if wanted(1) { page.unwrap_or("null".to_owned()) } else { skip };
        format!("{{\"type\":\"data\",\"nodes\":[{first},{second}]}}\n")
    };
    Reply::new(200, "application/json", body).with("cache-control", "private, no-store")
}

fn layout(call: &Call<'_>) -> String {
    let user = call.visitor.user.as_ref().map_or_else(undefined, |name| {
        json!({
            "id": account::user_id(name), "username": name, "avatarUrl": "",
            "email": account::email(name), "logoutDisabled": false, "isAdmin": false,
        })
    });
    let data = json!({
        "conversations": list(call), "settings": settings(call), "models": models(call),
        "oldModels": [], "tools": [], "communityToolCount": 0, "assistants": [], "user": user,
        "assistant": null, "enableAssistants": false, "enableAssistantsRAG": false,
        "enableCommunityTools": false, "loginRequired": call.options.login,
        "loginEnabled": call.options.login, "guestMode": false,
    });
    let data = flatten(&data);
    format!(r#"{{"type":"data","data":{data},"uses":{{"dependencies":["conversation:list"]}}}}"#)
}

fn list(call: &Call<'_>) -> Vec<Value> {
    let memory = lock(&call.state.memory);
    let mine = memory.conversations.iter().filter(|one| one.owner == call.visitor.owner());
    let entry = |one: &Conversation| {
        json!({
            "id": one.id, "title": one.title, "model": one.model,
            "updatedAt": date(&one.updated_at), "assistantId": undefined(), "avatarHash": null,
        })
    };
    mine.rev().map(entry).collect()
}

fn settings(call: &Call<'_>) -> Value {
    let accepted = lock(&call.state.memory).accepted.contains(&call.visitor.cookie);
    let model = call.options.model_list().first().map(|model| model.id.clone());
    json!({
        "searchEnabled": true, "ethicsModalAccepted": accepted, "ethicsModalAcceptedAt": null,
        "activeModel": model, "hideEmojiOnSidebar": false,
        "shareConversationsWithModelAuthors": true, "customPrompts": {}, "assistants": [],
        "tools": [], "disableStream": false,
    })
}

fn models(call: &Call<'_>) -> Vec<Value> {
    let none = undefined;
    let models = call.options.model_list().into_iter().map(|model| {
        json!({
            "id": model.id, "name": model.id, "websiteUrl": none(), "modelUrl": none(),
            "tokenizer": none(), "datasetName": none(), "datasetUrl": none(),
            "displayName": model.id, "description": none(), "logoUrl": none(),
            "promptExamples": none(), "parameters": {"max_new_tokens": 512}, "preprompt": "",
            "multimodal": model.multimodal, "tools": model.tools, "unlisted": false,
            "hasInferenceAPI": false,
        })
    });
    models.collect()
}

fn view(conversation: &Conversation) -> Value {
    let messages: Vec<_> = conversation.messages.iter().map(message).collect();
    json!({
        "messages": messages, "title": conversation.title, "model": conversation.model,
        "preprompt": conversation.preprompt, "rootMessageId": conversation.root(),
        "assistant": null, "shared": false,
    })
}

fn message(message: &Message) -> Value {
    let (created, updated) = (date(&message.created_at), date(&message.updated_at));
    if message.from == "system" {
        return json!({
            "id": message.id, "from": message.from, "content": message.content,
            "createdAt": created, "updatedAt": updated, "children": message.children,
            "ancestors": message.ancestors,
        });
    }
    let mut view = json!({"from": message.from, "content": message.content});
    if message.from == "user" {
        view["files"] = views::files(&message.files);
    }
    view["createdAt"] = created;
    view["updatedAt"] = updated;
    view["ancestors"] = json!(message.ancestors);
    view["id"] = json!(message.id);
    view["children"] = json!(message.children);
    if message.from == "assistant" {
        let kept = message.updates.iter().filter(|update| update["type"] != "stream");
        view["updates"] = kept.cloned().collect();
        view["interrupted"] = message.interrupted.map_or_else(undefined, Value::Bool);
    }
    view
}
