//! Tools that a model may call, and the calls it makes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Extra;

/// A tool offered to the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(expecting = "a tool object")]
pub struct Tool {
    /// The tool's type; `function` is the one that every upstream knows.
    #[serde(rename = "type")]
    pub kind: String,
    /// The function, where the tool is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionDefinition>,
    /// Fields of other kinds of tools.
    #[serde(flatten, deserialize_with = "super::extra::once")]
    pub extra: Extra,
}

/// A function that the model may call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(expecting = "a function object")]
pub struct FunctionDefinition {
    /// The name that a call will carry.
    pub name: String,
    /// What the function does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON schema of the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// Unknown fields, `strict` among them.
    #[serde(flatten, deserialize_with = "super::extra::once")]
    pub extra: Extra,
}

/// A call that the model made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(expecting = "a tool call object")]
pub struct ToolCall {
    /// The call's id; the tool's answer names it.
    #[serde(default)]
    pub id: String,
    /// `function`, for all calls that upstreams make today.
    #[serde(rename = "type", default = "function")]
    pub kind: String,
    /// The function and its arguments.
    #[serde(default)]
    pub function: FunctionCall,
    /// Unknown fields.
    #[serde(flatten, deserialize_with = "super::extra::once")]
    pub extra: Extra,
}

/// A function's name and the arguments for one call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(expecting = "an object with a function's name and arguments")]
pub struct FunctionCall {
    /// The function's name.
    #[serde(default)]
    pub name: String,
    /// The arguments as a JSON text, as the model wrote it.
    #[serde(default)]
    pub arguments: String,
    /// Unknown fields.
    #[serde(flatten, deserialize_with = "super::extra::once")]
    pub extra: Extra,
}

fn function() -> String {
    "function".into()
}
