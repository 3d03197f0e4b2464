//! Tools, the choice among them, and the form of an answer.

use std::sync::Arc;

use llm2api_core::chat::Extra;
use llm2api_core::{ChatRequest, FunctionDefinition, Tool};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::openai::error::Failure;

/// A tool that is offered.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a tool object")]
pub(super) struct Offer {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    description: Option<String>,
    input_schema: Option<Map<String, Value>>,
    strict: Option<bool>,
}

/// Whether and which tool must be called.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object with a `type`")]
pub(super) struct Choice {
    #[serde(rename = "type")]
    kind: ChoiceKind,
    name: Option<String>,
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ChoiceKind {
    Auto,
    Any,
    Tool,
    None,
}

/// The form of an answer.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object with a `schema`")]
pub(super) struct Form {
    schema: Map<String, Value>,
}

/// How the types of tools begin that the service itself would run; a date follows.
const HOSTED: [&str; 5] =
    ["web_search_", "web_fetch_", "code_execution_", "tool_search_tool_", "mcp_toolset"];

impl Offer {
    /// Says whether the service itself would run it.
    pub(super) fn is_hosted(&self) -> bool {
        self.kind.as_ref().is_some_and(|own| HOSTED.iter().any(|kind| own.starts_with(kind)))
    }

    /// Makes the chat's tool.
    pub(super) fn into_tool(self, path: &str) -> Result<Tool, Failure> {
        if self.kind.is_some_and(|kind| kind != "custom") {
            let path = format!("{path}.type");
            let message = format!(
                "`{path}`: this server runs no tools itself: offer tools of type `custom` only"
            );
            return Err(Failure::unsupported(&path, &message));
        }
        let name = self.name.ok_or_else(|| Failure::missing(path, "name"))?;
        let schema = self.input_schema.ok_or_else(|| Failure::missing(path, "input_schema"))?;
        let parameters = Some(Value::Object(schema));
        let extra = self.strict.map(|strict| ("strict".to_owned(), strict.into()));
        let extra = extra.into_iter().collect();
        let description = self.description;
        let function = Some(FunctionDefinition { name, description, parameters, extra });
        Ok(Tool { kind: "function".into(), function, extra: Extra::new() })
    }
}

impl Choice {
    /// Asks the chat for it.
    pub(super) fn apply(self, chat: &mut ChatRequest) -> Result<(), Failure> {
        if let Some(disabled) = self.disable_parallel_tool_use {
            chat.parallel_tool_calls = Some(!disabled);
        }
        let choice = match (self.kind, self.name) {
            (ChoiceKind::Auto, _) => "auto".into(),
            (ChoiceKind::Any, _) => "required".into(),
            (ChoiceKind::None, _) => "none".into(),
            (ChoiceKind::Tool, Some(name)) => {
                json!({"type": "function", "function": {"name": name}})
            }
            (ChoiceKind::Tool, None) => return Err(Failure::missing("tool_choice", "name")),
        };
        chat.tool_choice = Some(Arc::new(choice));
        Ok(())
    }
}

impl Form {
    /// Makes the chat's `response_format`.
    pub(super) fn into_format(self) -> Value {
        let schema = json!({"name": "answer", "strict": true, "schema": self.schema});
        json!({"type": "json_schema", "json_schema": schema})
    }
}
