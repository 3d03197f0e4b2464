//! What is on the wire besides answers: model lists, accounts, refusals.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::chat::Model;

/// `GET /models`: with `object` from OpenAI, without it from Open WebUI.
#[derive(Deserialize)]
pub(super) struct ModelList {
    #[serde(default)]
    data: Vec<ListedModel>,
}

#[derive(Deserialize)]
struct ListedModel {
    id: String,
    #[serde(default)]
    created: Option<f64>,
}

impl ModelList {
    /// Only id and date go on: what else a server says of its models may name files and hosts.
    pub(super) fn into_models(self, owner: &str) -> Vec<Model> {
        let model = |listed: ListedModel| {
            let mut model = Model::new(listed.id, owner);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a date")]
            let created = listed.created.unwrap_or_default().max(0.0) as u64;
            model.created = created;
            model
        };
        self.data.into_iter().map(model).collect()
    }
}

/// `GET /api/v1/auths/` of Open WebUI. OpenAI's model list, used as a check, has none of these.
#[derive(Deserialize)]
pub(super) struct WhoAmI {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) email: Option<String>,
}

/// The parts of a body that explains a refusal, in the shapes seen in the wild.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) error: Option<ErrorField>,
    pub(super) detail: Option<ErrorField>,
    pub(super) message: Option<ErrorField>,
}

/// An `error` field: an object, or just a text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ErrorField {
    /// OpenAI's form.
    Object {
        /// For people.
        #[serde(default)]
        message: Option<String>,
        /// For programs; a number from some servers.
        #[serde(default)]
        code: Option<serde_json::Value>,
        /// The field at fault.
        #[serde(default)]
        param: Option<String>,
    },
    /// A text.
    Text(String),
    /// Anything else.
    Other(IgnoredAny),
}
