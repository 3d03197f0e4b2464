//! Tools, the choice among them, and the form of an answer.

use std::collections::HashSet;

use llm2api_core::chat::Extra;
use llm2api_core::{ChatRequest, FunctionDefinition, Tool};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::openai::error::Failure;

/// A tool that is offered, and as it is told back.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(expecting = "a tool object")]
pub(super) struct Offer {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    parameters: Option<Map<String, Value>>,
    strict: Option<bool>,
}

/// Whether and which tool must be called.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged, expecting = "expected `none`, `auto`, `required`, or an object with a `type`")]
pub(super) enum Choice {
    /// Any or none.
    Mode(Mode),
    /// One function, or some.
    Which(Which),
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    None,
    Auto,
    Required,
}

/// The functions that may be called.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Which {
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Vec<Named>>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Named {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
}

/// The form of an answer, and as it is told back.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", expecting = "an object with a `type`")]
pub(super) enum Form {
    /// Any text.
    Text,
    /// A JSON object.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema(SchemaForm),
}

/// A schema with its name.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct SchemaForm {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    schema: Map<String, Value>,
    strict: Option<bool>,
}

/// How the types of tools begin that the service itself would run.
const HOSTED: [&str; 8] = [
    "web_search",
    "file_search",
    "code_interpreter",
    "image_generation",
    "computer",
    "mcp",
    "local_shell",
    "namespace",
];

impl Offer {
    /// Says whether the service itself would run it.
    pub(super) fn is_hosted(&self) -> bool {
        HOSTED.iter().any(|kind| self.kind.starts_with(kind))
    }

    /// Makes the chat's tool.
    pub(super) fn to_tool(&self, path: &str) -> Result<Tool, Failure> {
        if self.kind != "function" {
            let path = format!("{path}.type");
            let message = format!(
                "`{path}`: this server runs no tools itself: offer tools of type `function` only"
            );
            return Err(Failure::unsupported(&path, &message));
        }
        let name = self.name.clone().ok_or_else(|| Failure::missing(path, "name"))?;
        let strict = self.strict.map(|strict| ("strict".to_owned(), strict.into()));
        let function = FunctionDefinition {
            name,
            description: self.description.clone(),
            parameters: self.parameters.clone().map(Value::Object),
            extra: strict.into_iter().collect(),
        };
        let function = Some(function);
        Ok(Tool { kind: "function".into(), function, extra: Extra::new() })
    }
}

impl Choice {
    /// Asks the chat for it.
    pub(super) fn apply(&self, chat: &mut ChatRequest) -> Result<(), Failure> {
        let which = match self {
            Self::Mode(mode) => {
                chat.tool_choice = Some(mode.as_value().into());
                return Ok(());
            }
            Self::Which(which) => which,
        };
        match (which.kind.as_str(), &which.name, &which.tools) {
            ("function", Some(name), _) => {
                let choice = json!({"type": "function", "function": {"name": name}});
                chat.tool_choice = Some(choice.into());
            }
            ("function", None, _) => return Err(Failure::missing("tool_choice", "name")),
            ("allowed_tools", _, Some(allowed)) => {
                chat.tool_choice = Some(which.mode.unwrap_or(Mode::Auto).as_value().into());
                keep(allowed, chat);
            }
            ("allowed_tools", _, None) => return Err(Failure::missing("tool_choice", "tools")),
            _ => {
                let message = "`tool_choice.type`: this server runs no tools itself: choose a \
                               `function`, or `allowed_tools`";
                return Err(Failure::unsupported("tool_choice.type", message));
            }
        }
        Ok(())
    }
}

/// Offers only what may be called, which a chat cannot say otherwise.
fn keep(allowed: &[Named], chat: &mut ChatRequest) {
    let functions = allowed.iter().filter(|allowed| allowed.kind == "function");
    let names: HashSet<_> = functions.filter_map(|allowed| allowed.name.as_deref()).collect();
    let allows = |tool: &Tool| {
        tool.function.as_ref().is_some_and(|function| names.contains(function.name.as_str()))
    };
    let tools = chat.tools.take().unwrap_or_default();
    let kept: Vec<Tool> = tools.iter().filter(|tool| allows(tool)).cloned().collect();
    chat.tools = Some(kept).filter(|kept| !kept.is_empty()).map(Into::into);
}

impl Mode {
    fn as_value(self) -> Value {
        match self {
            Self::None => "none",
            Self::Auto => "auto",
            Self::Required => "required",
        }
        .into()
    }
}

impl Form {
    /// Makes the chat's `response_format`; a text needs none.
    pub(super) fn to_format(&self) -> Option<Value> {
        match self {
            Self::Text => None,
            Self::JsonObject => Some(json!({"type": "json_object"})),
            Self::JsonSchema(schema) => Some(json!({"type": "json_schema", "json_schema": schema})),
        }
    }
}
