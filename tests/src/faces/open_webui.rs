//! The Open WebUI face.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::http::{Reply, Request};
use crate::state::State;

/// Version it claims to be.
const VERSION: &str = "0.12.4";

/// An error as Open WebUI writes it.
pub(crate) fn detail(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"detail": message}))
}

/// Whether a path is one of its chat completions.
pub(crate) fn is_chat(path: &str) -> bool {
    matches!(path, "/api/chat/completions" | "/api/v1/chat/completions")
}

/// Answers a request that is no chat completion.
pub(crate) fn plain(state: &Arc<State>, request: &Request) -> Reply {
    match (request.method(), request.path.as_str()) {
        (_, "/health") => Reply::json(200, &json!({"status": true})),
        (_, "/api/version") => Reply::json(200, &json!({"version": VERSION, "deployment_id": ""})),
        (_, "/api/config") => Reply::json(200, &config()),
        ("GET", "/api/models" | "/api/v1/models") => guarded(state, request, |_| models(state)),
        ("GET", "/api/v1/auths/") => guarded(state, request, account),
        (_, path) if path.starts_with("/api/") => detail(404, "Not Found"),
        _ => {
            Reply::new(200, "text/html; charset=utf-8", "<!doctype html><title>Open WebUI</title>")
        }
    }
}

/// The token of the request (`Authorization` before the cookie), or the refusal of a wrong one.
pub(crate) fn take_key(state: &State, request: &Request) -> Result<String, Reply> {
    let Some(token) = request.bearer().or(request.cookie("token")) else {
        let open = state.options().api_keys.is_empty();
        return if open { Ok(String::new()) } else { Err(detail(401, "Not authenticated")) };
    };
    if state.options().takes_key(token) {
        Ok(token.to_owned())
    } else {
        Err(detail(401, "Invalid token"))
    }
}

/// The reply to a body that belongs to a chat of the web interface: its text goes elsewhere.
pub(crate) fn task(body: &Value) -> Option<Reply> {
    let ids = ["chat_id", "session_id", "id", "parent_id"];
    ids.iter().any(|id| body.get(id).is_some_and(|id| !id.is_null())).then(|| {
        let task = uuid::Uuid::new_v4().to_string();
        Reply::json(200, &json!({"status": true, "task_ids": [task]}))
    })
}

fn guarded(state: &State, request: &Request, reply: impl FnOnce(&str) -> Value) -> Reply {
    match take_key(state, request) {
        Ok(token) => Reply::json(200, &reply(&token)),
        Err(refused) => refused,
    }
}

fn config() -> Value {
    json!({
        "status": true, "name": "Open WebUI", "version": VERSION, "default_locale": "",
        "oauth": {"providers": {}},
        "features": {
            "auth": true, "auth_trusted_header": false, "enable_signup": false,
            "enable_login_form": true, "enable_websocket": true,
        },
    })
}

fn models(state: &State) -> Value {
    let models = state.options().model_list().into_iter().map(|spec| {
        json!({
            "id": spec.id, "name": spec.id, "owned_by": "openai",
            "openai": {"id": spec.id}, "urlIdx": 0, "connection_type": "external", "actions": [],
        })
    });
    json!({"data": models.collect::<Vec<_>>()})
}

fn account(token: &str) -> Value {
    json!({
        "token": token, "token_type": "Bearer", "expires_at": crate::clock::unix_seconds() + 86_400,
        "id": "3f0c1d52-6c1e-4b6a-9a54-000000000001", "email": "alice@example.org",
        "name": "alice", "role": "user", "profile_image_url": "/user.png", "permissions": {},
    })
}
