//! The lists of models.

use serde_json::{Value, json};

use super::account::ok;
use super::errors;
use super::routes::Call;
use super::superjson::Annotated;
use crate::http::Reply;
use crate::options::ModelSpec;

/// Fields of a model that are not configured here.
const UNDEFINED: [&str; 7] = [
    "websiteUrl",
    "modelUrl",
    "datasetName",
    "datasetUrl",
    "logoUrl",
    "promptExamples",
    "preprompt",
];

/// `GET /api/v2/models`.
pub(super) fn list(call: &Call<'_>) -> Reply {
    let models = call.options.model_list();
    let data = models.iter().map(model).collect::<Vec<_>>();
    let mut list = Annotated::plain(Value::Array(data));
    for (place, spec) in models.iter().enumerate() {
        annotate(&mut list, spec, &format!("{place}."));
    }
    ok(&list).with("cache-control", "private, max-age=60")
}

/// `GET /api/v2/models/ID`.
pub(super) fn one(call: &Call<'_>, id: &str) -> Reply {
    let Some(spec) = call.options.model(id) else {
        return errors::message(404, "Model not found");
    };
    let mut data = model(&spec);
    data["providers"] = json!([{"provider": "mockprov", "supports_tools": spec.tools}]);
    data["parameters"] = json!({});
    let mut one = Annotated::plain(data);
    annotate(&mut one, &spec, "");
    ok(&one)
}

/// `GET /api/models`, in both families.
pub(super) fn legacy(call: &Call<'_>) -> Reply {
    let models = call.options.model_list();
    let form = if call.is_v2() { legacy_model } else { old_model };
    let list: Vec<_> = models.iter().map(form).collect();
    Reply::json(200, &Value::Array(list)).chunked()
}

fn model(spec: &ModelSpec) -> Value {
    let accepted = spec.multimodal.then(|| json!(["image/*"]));
    json!({
        "id": spec.id, "name": spec.id, "websiteUrl": null, "modelUrl": null,
        "datasetName": null, "datasetUrl": null, "displayName": spec.id,
        "description": description(spec), "logoUrl": null, "promptExamples": null,
        "preprompt": null, "multimodal": spec.multimodal,
        "multimodalAcceptedMimetypes": accepted, "supportsTools": spec.tools,
        "supportsReasoning": false, "supportsArtifacts": false, "unlisted": false,
        "hasInferenceAPI": false, "isRouter": false,
    })
}

fn annotate(list: &mut Annotated, spec: &ModelSpec, prefix: &str) {
    for field in &UNDEFINED[..4] {
        list.undefined(format!("{prefix}{field}"));
    }
    if description(spec).is_none() {
        list.undefined(format!("{prefix}description"));
    }
    for field in &UNDEFINED[4..] {
        list.undefined(format!("{prefix}{field}"));
    }
    if !spec.multimodal {
        list.undefined(format!("{prefix}multimodalAcceptedMimetypes"));
    }
}

fn legacy_model(spec: &ModelSpec) -> Value {
    let home = "https://huggingface.co";
    json!({
        "id": spec.id, "name": spec.id, "websiteUrl": home, "modelUrl": home,
        "displayName": spec.id, "description": description(spec).unwrap_or_default(),
        "promptExamples": [], "preprompt": "", "multimodal": spec.multimodal,
        "supportsTools": spec.tools, "supportsReasoning": false, "supportsArtifacts": false,
        "unlisted": false, "hasInferenceAPI": false,
    })
}

fn old_model(spec: &ModelSpec) -> Value {
    let home = "https://huggingface.co";
    json!({
        "id": spec.id, "name": spec.id, "websiteUrl": home, "modelUrl": home,
        "displayName": spec.id, "description": "", "promptExamples": [], "preprompt": "",
        "multimodal": spec.multimodal, "unlisted": false, "tools": spec.tools,
        "hasInferenceAPI": false,
    })
}

fn description(spec: &ModelSpec) -> Option<&'static str> {
    (spec.id == "meta-llama/Meta-Llama-3.1-70B-Instruct").then_some("mock llama")
}
