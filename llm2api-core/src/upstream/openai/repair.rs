//! Makes answers that break the schema follow it, off the fast path.

use std::sync::{Arc, OnceLock};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::fields::SERVICE_TIERS;
use super::parse::incomplete;
use super::reasoning::of_parts;
use super::slots::UNNUMBERED;
use crate::chat::{ChunkBody, CompletionBody, FinishReason};
use crate::clock::unix_seconds;
use crate::error::{Error, ErrorKind, Result};
use crate::random::new_id;

type Object = Map<String, Value>;

/// What fills the gaps of one answer.
pub(super) struct Repair {
    /// Made where an answer has none of its own: few do not.
    id: OnceLock<String>,
    model: Arc<str>,
}

impl Repair {
    pub(super) fn new(model: &str) -> Self {
        Self { id: OnceLock::new(), model: model.into() }
    }

    /// Repairs a chunk; none where the object is no chunk at all.
    pub(super) fn chunk(&self, value: Value) -> Result<Option<ChunkBody>> {
        let Value::Object(mut object) = value else {
            return Ok(None);
        };
        if !object.get("choices").is_some_and(Value::is_array) && !object.contains_key("usage") {
            return Ok(None);
        }
        self.head(&mut object, "chat.completion.chunk");
        choices(&mut object, "delta", "message")?;
        typed(object).map(Some)
    }

    /// Repairs a whole answer.
    pub(super) fn completion(&self, value: Value) -> Result<CompletionBody> {
        let Value::Object(mut object) = value else {
            return Err(wrong_shape());
        };
        self.head(&mut object, "chat.completion");
        choices(&mut object, "message", "delta")?;
        let mut body: CompletionBody = typed(object)?;
        if body.choices.is_empty() {
            return Err(wrong_shape());
        }
        for choice in &mut body.choices {
            // The JSON text is whole, so the answer is: only its reason was left out.
            let calls = choice.message.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty());
            let reason = if calls { FinishReason::ToolCalls } else { FinishReason::Stop };
            choice.finish_reason.get_or_insert(reason);
            // Only pieces of calls are numbered.
            for call in choice.message.tool_calls.iter_mut().flatten() {
                call.extra.remove("index");
            }
        }
        Ok(body)
    }

    fn id(&self) -> &str {
        self.id.get_or_init(|| format!("chatcmpl-{}", new_id().simple()))
    }

    fn head(&self, object: &mut Object, tag: &str) {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let id = text(object.get("id")).unwrap_or_else(|| self.id().to_owned());
        let model = text(object.get("model")).unwrap_or_else(|| self.model.to_string());
        let created = object.get("created").and_then(whole_number).unwrap_or_else(unix_seconds);
        object.insert("id".into(), id.into());
        object.insert("model".into(), model.into());
        object.insert("created".into(), created.into());
        object.insert("object".into(), tag.into());
        let known = |tier: &str| SERVICE_TIERS.contains(&tier);
        drop_unless(object, "service_tier", |tier| tier.as_str().is_some_and(known));
        drop_unless(object, "system_fingerprint", Value::is_string);
        match object.get("usage").and_then(usage) {
            Some(usage) => object.insert("usage".into(), usage),
            None => object.remove("usage"),
        };
    }
}

/// Takes a field out that is not what it should be.
fn drop_unless(object: &mut Object, name: &str, is_good: impl Fn(&Value) -> bool) {
    if object.get(name).is_some_and(|value| !is_good(value)) {
        object.remove(name);
    }
}

/// Repairs the choices; what is said stands under `name`, or mistakenly under `other`.
fn choices(object: &mut Object, name: &str, other: &str) -> Result<()> {
    let choices = match object.remove("choices") {
        Some(Value::Array(choices)) => choices,
        _ => Vec::new(),
    };
    let objects = choices.into_iter().filter_map(|choice| match choice {
        Value::Object(choice) => Some(choice),
        _ => None,
    });
    let repaired = objects.enumerate().map(|(at, mut choice)| {
        let index = choice.get("index").and_then(whole_number).unwrap_or(at as u64);
        choice.insert("index".into(), index.into());
        let said = [choice.remove(name), choice.remove(other)];
        let said = said.into_iter().flatten().find_map(|said| match said {
            Value::Object(said) => Some(said),
            _ => None,
        });
        choice.insert(name.into(), Value::Object(message(said.unwrap_or_default())));
        let reason = finish_reason(choice.get("finish_reason"))?;
        choice.insert("finish_reason".into(), reason);
        Ok(Value::Object(choice))
    });
    let repaired = repaired.collect::<Result<Vec<_>>>()?;
    object.insert("choices".into(), Value::Array(repaired));
    Ok(())
}

/// Repairs what is said: a known role, texts that are texts, calls with an index.
fn message(mut said: Object) -> Object {
    let known = ["system", "developer", "user", "assistant", "tool"];
    if !said.get("role").and_then(Value::as_str).is_some_and(|role| known.contains(&role)) {
        said.remove("role");
    }
    let thoughts = said.get("content").and_then(Value::as_array).map(|parts| of_parts(parts));
    if let Some(thoughts) = thoughts.filter(|thoughts| !thoughts.is_empty()) {
        said.entry("reasoning_content").or_insert(thoughts.into());
    }
    for name in ["content", "reasoning_content", "refusal"] {
        match said.get(name).map(text) {
            Some(Some(text)) => said.insert(name.into(), text.into()),
            Some(None) => said.remove(name),
            None => None,
        };
    }
    match said.remove("tool_calls") {
        Some(Value::Array(calls)) if !calls.is_empty() => {
            let calls = calls.into_iter().filter_map(call);
            said.insert("tool_calls".into(), Value::Array(calls.collect()));
        }
        _ => {}
    }
    said
}

fn call(call: Value) -> Option<Value> {
    let Value::Object(mut call) = call else {
        return None;
    };
    let index = call.get("index").and_then(whole_number);
    let index = index.and_then(|index| u32::try_from(index).ok()).unwrap_or(UNNUMBERED);
    call.retain(|_, value| !value.is_null());
    drop_unless(&mut call, "type", |kind| matches!(kind.as_str(), Some("function" | "custom")));
    call.insert("index".into(), index.into());
    match call.get("id") {
        Some(Value::String(_)) | None => {}
        Some(id) => {
            let id = id.to_string();
            call.insert("id".into(), id.into());
        }
    }
    if let Some(Value::Object(function)) = call.get_mut("function") {
        let arguments = function.get("arguments").filter(|value| !value.is_null());
        let arguments = match arguments {
            Some(Value::String(arguments)) => arguments.clone(),
            Some(arguments) => arguments.to_string(),
            None => String::new(),
        };
        function.insert("arguments".into(), arguments.into());
        function.retain(|_, value| !value.is_null());
    }
    Some(Value::Object(call))
}

/// Texts stay; parts are joined; anything else is no text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            Some(parts.iter().filter_map(|part| part["text"].as_str()).collect())
        }
        _ => None,
    }
}

/// Maps the reasons that servers invent to those of the schema; none while the answer goes on.
fn finish_reason(value: Option<&Value>) -> Result<Value> {
    let Some(reason) = value.and_then(Value::as_str).filter(|reason| !reason.is_empty()) else {
        return Ok(Value::Null);
    };
    match reason.to_ascii_lowercase().as_str() {
        "length"
        | "max_tokens"
        | "model_length"
        | "max_length"
        | "model_context_window_exceeded" => Ok("length".into()),
        "tool_calls" | "tool_use" | "tool_call" => Ok("tool_calls".into()),
        "content_filter" | "safety" | "recitation" | "sensitive" => Ok("content_filter".into()),
        "function_call" => Ok("function_call".into()),
        "abort"
        | "aborted"
        | "error"
        | "cancelled"
        | "canceled"
        | "network_error"
        | "insufficient_system_resource" => Err(incomplete("the upstream gave the answer up")),
        _ => Ok("stop".into()),
    }
}

fn usage(value: &Value) -> Option<Value> {
    let mut usage = value.as_object()?.clone();
    let number = |usage: &Object, name: &str| usage.get(name).and_then(whole_number);
    let prompt = number(&usage, "prompt_tokens").unwrap_or_default();
    let completion = number(&usage, "completion_tokens").unwrap_or_default();
    let total = number(&usage, "total_tokens").unwrap_or(prompt.saturating_add(completion));
    usage.insert("prompt_tokens".into(), prompt.into());
    usage.insert("completion_tokens".into(), completion.into());
    usage.insert("total_tokens".into(), json!(total));
    Some(Value::Object(usage))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by `max`")]
fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().map(|number| number.max(0.0) as u64))
}

fn typed<T: DeserializeOwned>(object: Object) -> Result<T> {
    serde_json::from_value(Value::Object(object)).map_err(|error| wrong_shape().with_source(error))
}

fn wrong_shape() -> Error {
    let message = "the upstream's answer has not the shape of a chat completion";
    Error::new(ErrorKind::UpstreamProtocol, "chat", message)
}
