//! The control paths `/__sim/…`, for tests in other languages.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{Reply, Request};
use crate::lock::lock;
use crate::options::{Options, Session};
use crate::script::Script;
use crate::state::State;
use crate::trouble::{Incident, Mark};

/// A session or key, and what has become of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marked {
    value: String,
    mark: Option<Mark>,
}

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
        ("GET", "/__sim/tallies") => serde_json::to_value(state.tallies.copy()),
        ("POST", "/__sim/tallies/reset") => {
            state.tallies.clear();
            Ok(json!({"ok": true}))
        }
        ("POST", "/__sim/sessions") => sessions(state, request),
        ("POST", "/__sim/mark") => mark(state, request),
        ("POST", "/__sim/incident") => incident(state, request),
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

/// Logs more sessions in.
fn sessions(state: &State, request: &Request) -> serde_json::Result<Value> {
    let more: Vec<Session> = serde_json::from_slice(request.body())?;
    state.change_options(|options| options.sessions.extend(more));
    Ok(json!({"ok": true}))
}

/// Marks a session or key: `{"value": …, "mark": "revoked" | "banned" | null}`.
fn mark(state: &State, request: &Request) -> serde_json::Result<Value> {
    let Marked { value, mark } = serde_json::from_slice(request.body())?;
    state.change_options(|options| match mark {
        Some(mark) => drop(options.marks.insert(value, mark)),
        None => drop(options.marks.remove(&value)),
    });
    Ok(json!({"ok": true}))
}

/// Begins an incident, or ends it with null.
fn incident(state: &State, request: &Request) -> serde_json::Result<Value> {
    let incident: Option<Incident> = serde_json::from_slice(request.body())?;
    state.change_options(|options| options.incident = incident);
    Ok(json!({"ok": true}))
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
