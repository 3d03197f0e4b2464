//! The tools of one request.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::choice::{Choice, Mode};
use super::parser::ToolParser;
use crate::adapt::json::Schema;
use crate::chat::{ChatRequest, Tool};
use crate::error::{Error, ErrorKind, Result};

/// The longest name of a tool.
const LONGEST_NAME: usize = 64;

/// The tools that a request offers, ready for an upstream that knows only text.
///
/// Clones are cheap.
///
/// # Example
/// ```
/// use llm2api_core::adapt::tools::Toolbox;
/// use llm2api_core::ChatRequest;
///
/// let request = ChatRequest::from_json(
///     br#"{"model": "m", "messages": [{"role": "user", "content": "What time is it?"}],
///          "tools": [{"type": "function", "function": {"name": "now"}}],
///          "tool_choice": "required"}"#,
/// )?;
/// let toolbox = Toolbox::of(&request)?.expect("a tool is offered");
/// assert!(toolbox.must_call());
/// assert!(toolbox.instructions().contains(r#"{"name":"now""#));
/// # Ok::<(), llm2api_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Toolbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tools: Vec<Offered>,
    mode: Mode,
    parallel: bool,
}

/// A tool that may be called.
#[derive(Debug)]
pub(super) struct Offered {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) parameters: Value,
    pub(super) schema: Schema,
}

/// Patterns that the schemas of all tools may have: each is held as an automaton.
const MOST_PATTERNS: usize = 256;

impl Toolbox {
    /// Reads the tools of a request; `None` where it offers none, or forbids to call them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for tools, names, schemas and choices that cannot be right,
    /// [`ErrorKind::Unsupported`] for what cannot be emulated; both name the field.
    pub fn of(request: &ChatRequest) -> Result<Option<Self>> {
        refuse_legacy(request)?;
        let choice = Choice::read(request.tool_choice.as_deref())?;
        let tools = request.tools.as_deref().unwrap_or_default();
        if tools.is_empty() && choice.mode == Mode::Required {
            return Err(invalid(
                "tool_choice",
                "a call is required and no tool offered: add `tools`",
            ));
        }
        check_names(tools)?;
        let tools = tools.iter().enumerate().map(|(at, tool)| Offered::read(at, tool));
        let tools: Vec<Offered> = tools.collect::<Result<_>>()?;
        if tools.iter().map(|tool| tool.schema.patterns()).sum::<usize>() > MOST_PATTERNS {
            let message = format!(
                "all tools together may have {MOST_PATTERNS} patterns in their schemas: send fewer"
            );
            return Err(invalid("tools", &message));
        }
        let tools = allowed(tools, choice.only.as_deref())?;
        if tools.is_empty() || choice.mode == Mode::None {
            return Ok(None);
        }
        let parallel = request.parallel_tool_calls != Some(false);
        let shared = Shared { tools, mode: choice.mode, parallel };
        Ok(Some(Self { shared: Arc::new(shared) }))
    }

    /// Says whether the answer has to call a tool.
    pub fn must_call(&self) -> bool {
        self.shared.mode == Mode::Required
    }

    /// Makes a parser for one answer.
    pub fn parser(&self) -> ToolParser {
        ToolParser::new(Some(self.clone()))
    }

    /// Says whether an answer may call only once.
    pub fn wants_one_call(&self) -> bool {
        !self.shared.parallel
    }

    pub(super) fn tools(&self) -> &[Offered] {
        &self.shared.tools
    }

    pub(super) fn tool(&self, name: &str) -> Option<&Offered> {
        self.shared.tools.iter().find(|tool| tool.name == name)
    }

    pub(super) fn offers(&self, name: &str) -> bool {
        self.tool(name).is_some()
    }
}

impl Offered {
    fn read(at: usize, tool: &Tool) -> Result<Self> {
        let Some(function) = tool.function.as_ref() else {
            return Err(invalid(
                &format!("tools[{at}].function"),
                "a tool needs its `function`: add it",
            ));
        };
        let none = || json!({"properties": {}, "type": "object"});
        let parameters = function.parameters.clone().filter(|given| !given.is_null());
        let parameters = parameters.unwrap_or_else(none);
        let schema = compile(&parameters).map_err(|reason| {
            let message = format!("the parameters of a tool are no JSON schema: {reason}");
            invalid(&format!("tools[{at}].function.parameters"), &message)
        })?;
        let (name, description) = (function.name.clone(), function.description.clone());
        Ok(Self { name, description, parameters, schema })
    }
}

fn compile(parameters: &Value) -> Result<Schema, String> {
    if !parameters.is_object() {
        return Err("a schema of arguments is an object".into());
    }
    Schema::compile(parameters)
}

/// The fields that came before `tools`.
fn refuse_legacy(request: &ChatRequest) -> Result<()> {
    for (old, new) in [("functions", "tools"), ("function_call", "tool_choice")] {
        if request.extra.get(old).is_some_and(|value| !value.is_null()) {
            let message =
                format!("`{old}` is the older spelling, which is not emulated: use `{new}`");
            return Err(Error::new(ErrorKind::Unsupported, "chat", message).with_param(old));
        }
    }
    Ok(())
}

fn check_names(tools: &[Tool]) -> Result<()> {
    let mut seen = HashSet::new();
    for (at, tool) in tools.iter().enumerate() {
        if tool.kind != "function" {
            let message = "this upstream calls functions only: leave other types of tools out";
            let param = format!("tools[{at}].type");
            return Err(Error::new(ErrorKind::Unsupported, "chat", message).with_param(param));
        }
        let name = tool.function.as_ref().map_or("", |function| function.name.as_str());
        let param = format!("tools[{at}].function.name");
        if tool.function.is_some() && !is_name(name) {
            let message = "a tool's name has 1 to 64 letters, digits, underscores and hyphens";
            return Err(invalid(&param, message));
        }
        if !seen.insert(name) {
            return Err(invalid(&param, "two tools have the same name: rename one"));
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(legal)
}

/// Keeps the tools that the choice names; each of them must be there.
fn allowed(tools: Vec<Offered>, only: Option<&[String]>) -> Result<Vec<Offered>> {
    let Some(only) = only else { return Ok(tools) };
    if !only.iter().all(|name| tools.iter().any(|tool| tool.name == *name)) {
        return Err(invalid(
            "tool_choice",
            "`tool_choice` names a tool that `tools` does not hold",
        ));
    }
    Ok(tools.into_iter().filter(|tool| only.contains(&tool.name)).collect())
}

fn invalid(param: &str, message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, "chat", message).with_param(param)
}
