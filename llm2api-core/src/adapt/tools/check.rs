//! Checks a call that was found, and says to the model what is wrong with it.

use std::fmt;
use std::iter::repeat_with;

use serde_json::Value;

use super::shape::{Arguments, FoundCall};
use super::toolbox::{Offered, Toolbox};
use crate::adapt::json;

/// A call that satisfies its tool's schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyCall {
    /// The tool's name.
    pub name: String,
    /// The arguments: the text of a JSON object.
    pub arguments: String,
}

impl ReadyCall {
    /// Says whether another call has the same arguments, however they are written.
    pub(crate) fn has_arguments_of(&self, other: &Self) -> bool {
        let read = |call: &Self| serde_json::from_str::<Value>(&call.arguments).ok();
        self.arguments == other.arguments || read(self) == read(other)
    }
}

/// Why the calls of an answer cannot be used. `Display` tells it without the model's text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A call was asked for and none was made.
    NoCall,
    /// What stands between the tags is no call.
    Unreadable,
    /// The answer broke off in a call.
    Cut,
    /// A call is too long.
    TooLong,
    /// The tool was not offered.
    UnknownTool,
    /// The arguments are no JSON, and it cannot be told what was meant.
    NotJson {
        /// The tool.
        tool: String,
    },
    /// The arguments do not satisfy the tool's schema.
    Mismatch {
        /// The tool.
        tool: String,
        /// What is wrong, with the places.
        reason: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCall => f.write_str("no tool was called, though a call is required"),
            Self::Unreadable => f.write_str("a tool call cannot be read"),
            Self::Cut => f.write_str("the answer ends within a tool call"),
            Self::TooLong => f.write_str("a tool call is longer than 1 MiB"),
            Self::UnknownTool => f.write_str("a tool was called that is not offered"),
            Self::NotJson { tool } => {
                write!(f, "the arguments of the call of `{tool}` are no JSON object")
            }
            Self::Mismatch { tool, reason } => {
                write!(f, "the arguments of the call of `{tool}` do not fit its schema: {reason}")
            }
        }
    }
}

impl std::error::Error for Problem {}

impl Toolbox {
    /// Checks a call: the tool is offered, and the arguments are JSON that satisfies its schema.
    ///
    /// Arguments that are valid JSON come back byte for byte, others are repaired if it can be told
    /// what was meant.
    ///
    /// # Errors
    /// The problem; [`correction`](Self::correction) puts it into words for the model.
    pub fn check(&self, found: &FoundCall) -> Result<ReadyCall, Problem> {
        let tool = self.tool(&found.name).ok_or(Problem::UnknownTool)?;
        let arguments = match &found.arguments {
            Arguments::Json(text) => text.trim().to_owned(),
            Arguments::Fields(fields) => object(tool, fields),
        };
        let (arguments, value) = read(arguments)
            .filter(|(_, value)| value.is_object())
            .ok_or_else(|| Problem::NotJson { tool: tool.name.clone() })?;
        tool.schema
            .check(&value)
            .map_err(|reason| Problem::Mismatch { tool: tool.name.clone(), reason })?;
        Ok(ReadyCall { name: tool.name.clone(), arguments })
    }
}

/// Makes an id for a call: `call_` and 24 letters and digits.
pub fn call_id() -> String {
    "call_".chars().chain(repeat_with(fastrand::alphanumeric).take(24)).collect()
}

/// Reads a JSON text, as it is or, if it is none, as it was meant.
fn read(text: String) -> Option<(String, Value)> {
    if let Ok(value) = serde_json::from_str(&text) {
        return Some((text, value));
    }
    let repaired = json::repair(&text)?;
    let value = serde_json::from_str(&repaired).ok()?;
    Some((repaired, value))
}

/// Makes one JSON object of arguments that stood in tags of their own.
fn object(tool: &Offered, fields: &[(String, String)]) -> String {
    let properties = &tool.parameters["properties"];
    let mut pairs = Vec::new();
    for (name, text) in fields {
        pairs.push(format!("{}:{}", Value::from(name.as_str()), typed(&properties[name], text)));
    }
    format!("{{{}}}", pairs.join(","))
}

/// The JSON text of an argument: a string where the schema wants one, else what the text reads as.
fn typed(schema: &Value, text: &str) -> String {
    let string = || Value::from(text).to_string();
    let known = schema.get("type").is_some();
    if wants_string(schema) {
        return string();
    }
    match (serde_json::from_str::<Value>(text), known) {
        (Ok(_), _) => text.trim().to_owned(),
        (Err(_), true) => json::repair(text).unwrap_or_else(string),
        (Err(_), false) => string(),
    }
}

fn wants_string(schema: &Value) -> bool {
    let string = |kind: &Value| kind == "string";
    let listed = |name: &str| schema[name].as_array().into_iter().flatten();
    string(&schema["type"])
        || listed("type").any(string)
        || (schema.get("type").is_none() && listed("enum").any(Value::is_string))
}
