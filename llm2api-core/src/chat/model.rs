//! Models that can be asked.

use serde::{Deserialize, Serialize};

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
            extra: Extra::new(),
        }
    }
}

fn object() -> String {
    "model".into()
}
