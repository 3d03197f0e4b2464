//! Models that can be asked.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Extra;

/// One entry of the model list.
///
/// # Example
/// ```
/// let model = llm2api_core::Model::new("demo", "llm2api");
/// assert_eq!(serde_json::to_value(&model).unwrap()["object"], "model");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The name that a request uses.
    pub id: String,
    /// Always `model`.
    #[serde(default = "object")]
    pub object: String,
    /// When the model was made, in seconds since 1970; 0 where nobody says.
    #[serde(default)]
    pub created: u64,
    /// Who offers the model: the upstream's name.
    #[serde(default)]
    pub owned_by: String,
    /// Whether the model looks at images; unknown where the upstream does not say.
    #[serde(skip)]
    pub vision: Option<bool>,
    /// Whether the model reasons before it answers; unknown where the upstream does not say.
    #[serde(skip)]
    pub reasoning: Option<bool>,
    /// Who serves the model, and what it can do; an upstream leaves that to the catalogue.
    #[serde(rename = "llm2api", default, skip_serializing_if = "Option::is_none")]
    pub details: Option<ModelDetails>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Model {
    /// Makes an entry.
    pub fn new(id: impl Into<String>, owned_by: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            object: object(),
            created: 0,
            owned_by: owned_by.into(),
            vision: None,
            reasoning: None,
            details: None,
            extra: Extra::new(),
        }
    }
}

/// What the OpenAI schema has no place for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelDetails {
    /// The upstreams that list the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<String>,
    /// What an alias stands for: `upstream/model`, in order of preference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serve: Vec<String>,
    /// What the model can do; where several upstreams list it, what holds at all of them.
    pub capabilities: ModelCapabilities,
    /// What becomes of each field of a request: `honoured`, `emulated`, `ignored` or `rejected`. By
    /// field, and for an alias, or a model of several upstreams, by upstream before that. Only where
    /// one model is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Map<String, Value>>,
}

/// What a model can do, with what we do for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelCapabilities {
    /// Whether it looks at images; null where nobody says.
    pub vision: Option<bool>,
    /// Who sees to tool calls; null where nobody does.
    pub tools: Option<Support>,
    /// Whether it reasons before it answers; null where nobody says.
    pub reasoning: Option<bool>,
    /// Who sees to the form of the answer; null where nobody does.
    pub structured_output: Option<Support>,
}

/// Who sees to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Support {
    /// We do, for the upstream.
    Emulated,
    /// The upstream itself.
    Native,
}

fn object() -> String {
    "model".into()
}
