//! The control paths `/__sim/…`, for tests in other languages.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::http::{Reply, Request};
use crate::lock::lock;
use crate::options::Options;
use crate::script::Script;
use crate::state::State;

/// Whether a request steers the simulator rather than the service it imitates.
pub(crate) fn is_control(request: &Request) -> bool {
    request.path.starts_with("/__sim/")
}

/// Answers a control request.
pub(crate) fn plain(state: &Arc<State>, request: &Request) -> Reply {
    let answer = match (request.method(), request.path.as_str()) {
        ("GET", "/__sim/log") => serde_json::to_value(state.snapshot()),
        ("GET", "/__sim/options") => serde_json::to_value(&*state.options()),
        ("POST", "/__sim/script") => script(state, request),
        ("POST", "/__sim/options") => options(state, request),
        ("POST", "/__sim/reset") => {
            state.reset();
            Ok(json!({"ok": true}))
        }
        _ => return Reply::json(404, &json!({"error": "no such control path"})),
    };
    match answer {
        Ok(body) => Reply::json(200, &body),
        Err(error) => Reply::json(400, &json!({"error": error.to_string()})),
    }
}

fn script(state: &State, request: &Request) -> serde_json::Result<Value> {
    let script: Script = serde_json::from_slice(request.body())?;
    let mut memory = lock(&state.memory);
    match request.query_value("path") {
        Some(prefix) => memory.path_scripts.push((prefix, script)),
        None => memory.scripts.push_back(script),
    }
    Ok(json!({"ok": true}))
}

fn options(state: &State, request: &Request) -> serde_json::Result<Value> {
    let mut options = serde_json::to_value(&*state.options())?;
    merge(&mut options, serde_json::from_slice(request.body())?);
    state.set_options(serde_json::from_value::<Options>(options.clone())?);
    Ok(options)
}

/// Merges `patch` into `target` as RFC 7396 says.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        match value {
            Value::Null => target[&key] = Value::Null,
            value => merge(&mut target[&key], value),
        }
    }
}
