//! Errors, models and completions as JSON.

use serde_json::{Map, Value, json};

use crate::clock;
use crate::http::Reply;
use crate::options::Options;
use crate::plan::{Beat, Plan, Refusal, tokens};

use super::Ask;

/// OpenAI's error envelope.
pub(crate) fn error(status: u16, kind: &str, code: Option<&str>, message: &str) -> Reply {
    let error = json!({"message": message, "type": kind, "param": null, "code": code});
    Reply::json(status, &json!({"error": error}))
}

/// The refusal of a model backend.
pub(super) fn refusal(refusal: Refusal) -> Reply {
    let kind = match refusal.status {
        429 => "requests",
        500 => "server_error",
        _ => "invalid_request_error",
    };
    error(refusal.status, kind, Some(refusal.code), refusal.message)
}

/// The list of models.
pub(super) fn models(options: &Options) -> Value {
    let data: Vec<_> = options.model_list().iter().map(|spec| model(&spec.id)).collect();
    json!({"object": "list", "data": data})
}

/// One model.
pub(super) fn model(id: &str) -> Value {
    json!({"id": id, "object": "model", "created": 1_700_000_000, "owned_by": "llm2api-sim"})
}

/// What all chunks, or the whole completion, have in common.
#[derive(Debug)]
pub(super) struct Envelope {
    id: String,
    created: u64,
    model: String,
    usage: Option<Value>,
}

impl Envelope {
    /// The envelope of one answer.
    pub(super) fn new(ask: &Ask, plan: &Plan) -> Self {
        Self {
            id: format!("chatcmpl-{}", uuid::Uuid::new_v4().simple()),
            created: clock::unix_seconds(),
            model: ask.model.clone(),
            usage: ask.include_usage.then(|| usage(ask, plan)),
        }
    }

    /// A chunk with this delta.
    pub(super) fn chunk(&self, delta: &Value, finish: Option<&str>) -> Value {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
        self.chunk_of(&json!([choice]), &Value::Null)
    }

    /// The chunk that carries the usage, if it was asked for.
    pub(super) fn usage_chunk(&self) -> Option<Value> {
        self.usage.as_ref().map(|usage| self.chunk_of(&json!([]), usage))
    }

    fn chunk_of(&self, choices: &Value, usage: &Value) -> Value {
        let mut chunk = self.fields("chat.completion.chunk");
        chunk.insert("choices".to_owned(), choices.clone());
        if self.usage.is_some() {
            chunk.insert("usage".to_owned(), usage.clone());
        }
        chunk.insert("x_sim".to_owned(), json!(1));
        Value::Object(chunk)
    }

    /// The whole completion.
    pub(super) fn completion(&self, message: &Value, finish: Option<&str>, usage: Value) -> Value {
        let mut whole = self.fields("chat.completion");
        let choice =
            json!({"index": 0, "message": message, "logprobs": null, "finish_reason": finish});
        whole.insert("choices".to_owned(), json!([choice]));
        whole.insert("usage".to_owned(), usage);
        whole.insert("service_tier".to_owned(), json!("default"));
        whole.insert("x_sim".to_owned(), json!({"kept": true}));
        Value::Object(whole)
    }

    fn fields(&self, object: &str) -> Map<String, Value> {
        let fields = json!({
            "id": self.id, "object": object, "created": self.created, "model": self.model,
            "system_fingerprint": "fp_sim",
        });
        fields.as_object().cloned().unwrap_or_default()
    }
}

/// The usage of an answer; a word counts as a token.
pub(super) fn usage(ask: &Ask, plan: &Plan) -> Value {
    let prompt = tokens(&ask.prompt_text()).len();
    let reasoning = plan.beats.iter().filter(|beat| matches!(beat, Beat::Think(_))).count();
    let completion = plan.beats.len();
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    })
}
