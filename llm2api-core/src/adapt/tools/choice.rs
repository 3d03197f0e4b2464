//! Reads `tool_choice`.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

const PARAM: &str = "tool_choice";

/// Whether the model calls a tool, and which ones it may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) mode: Mode,
    /// The tools that may be called; all if absent.
    pub(super) only: Option<Vec<String>>,
}

/// Whether the model calls a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    None,
    Auto,
    Required,
}

impl Choice {
    /// Reads the field.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] or [`ErrorKind::Unsupported`], with the field as the parameter.
    pub(super) fn read(value: Option<&Value>) -> Result<Self> {
        match value {
            None | Some(Value::Null) => Ok(Self { mode: Mode::Auto, only: None }),
            Some(Value::String(mode)) => Ok(Self { mode: read_mode(mode)?, only: None }),
            Some(object) => Self::read_object(object),
        }
    }

    fn read_object(object: &Value) -> Result<Self> {
        match object["type"].as_str() {
            Some("function") => {
                Ok(Self { mode: Mode::Required, only: Some(vec![read_name(object)?]) })
            }
            Some("allowed_tools") => Self::read_allowed(object),
            Some("custom") => {
                let message = "this upstream calls functions only: name a function";
                Err(Error::new(ErrorKind::Unsupported, "chat", message).with_param(PARAM))
            }
            _ => Err(invalid(
                "`tool_choice` is `none`, `auto`, `required`, or an object of the type `function` or \
                 `allowed_tools`",
            )),
        }
    }

    fn read_allowed(object: &Value) -> Result<Self> {
        let allowed = object.get("allowed_tools").unwrap_or(object);
        let mode = read_mode(allowed["mode"].as_str().unwrap_or("auto"))?;
        let tools = allowed["tools"].as_array().filter(|tools| !tools.is_empty());
        let tools =
            tools.ok_or_else(|| invalid("`allowed_tools` needs `tools`: list at least one"))?;
        let only = tools.iter().map(read_name).collect::<Result<_>>()?;
        Ok(Self { mode, only: Some(only) })
    }
}

fn read_mode(mode: &str) -> Result<Mode> {
    match mode {
        "none" => Ok(Mode::None),
        "auto" => Ok(Mode::Auto),
        "required" | "any" => Ok(Mode::Required),
        _ => Err(invalid("`tool_choice` knows the modes `none`, `auto` and `required`")),
    }
}

fn read_name(object: &Value) -> Result<String> {
    let name = object["function"]["name"].as_str().or(object["name"].as_str());
    name.map(str::to_owned)
        .ok_or_else(|| invalid("`tool_choice` names no function: add its `name`"))
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, "chat", message).with_param(PARAM)
}
