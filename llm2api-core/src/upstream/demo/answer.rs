//! What the demo says.

use serde_json::{Map, Value};

use crate::chat::{
    ChatRequest, ChunkChoice, Delta, FinishReason, FunctionDefinition, FunctionDelta, Message,
    Role, ToolCallDelta,
};

/// Answers a request: a call where tools are offered and none has answered yet, else words.
pub(super) fn to(request: &ChatRequest) -> Vec<ChunkChoice> {
    match wanted_tool(request) {
        Some(function) => {
            vec![ChunkChoice::from(call(function)), ChunkChoice::from(FinishReason::ToolCalls)]
        }
        None => words(&text(request)),
    }
}

fn words(text: &str) -> Vec<ChunkChoice> {
    let role = std::iter::once(ChunkChoice::from(Delta::assistant()));
    let words = text.split_inclusive(' ').map(|word| ChunkChoice::from(Delta::text(word)));
    role.chain(words).chain([ChunkChoice::from(FinishReason::Stop)]).collect()
}

fn text(request: &ChatRequest) -> String {
    let Some(last) = request.messages.last() else {
        return String::new();
    };
    if last.role == Role::Tool {
        return format!("The tool answered: {}", last.text());
    }
    let seen = attachments(last);
    let asked = request.messages.iter().rfind(|message| message.role == Role::User);
    let asked = asked.map(Message::text).unwrap_or_default();
    format!(
        "This is llm2api's built-in demo: no account is set up yet, so no model answers. \
         You said: {asked}{seen}"
    )
}

fn attachments(message: &Message) -> String {
    match message.attachments().count() {
        0 => String::new(),
        1 => " (and sent one attachment)".into(),
        count => format!(" (and sent {count} attachments)"),
    }
}

/// The function that was chosen, else the first offered, unless a tool has answered already or none
/// may be called.
fn wanted_tool(request: &ChatRequest) -> Option<&FunctionDefinition> {
    let answered = request.messages.last()?.role == Role::Tool;
    let forbidden = request.tool_choice.as_deref().and_then(Value::as_str) == Some("none");
    if answered || forbidden {
        return None;
    }
    let chosen =
        request.tool_choice.as_ref().and_then(|choice| choice["function"]["name"].as_str());
    let mut offered = request.tools.as_deref()?.iter().filter_map(|tool| tool.function.as_ref());
    offered.find(|function| chosen.is_none_or(|chosen| function.name == chosen))
}

fn call(function: &FunctionDefinition) -> Delta {
    let call = ToolCallDelta {
        index: 0,
        id: Some("call_demo".into()),
        kind: Some("function".into()),
        function: Some(FunctionDelta {
            name: Some(function.name.clone()),
            arguments: Some(arguments(function).to_string()),
        }),
        ..ToolCallDelta::default()
    };
    Delta { role: Some(Role::Assistant), tool_calls: Some(vec![call]), ..Delta::default() }
}

/// Fills the required arguments with the plainest value of their type.
fn arguments(function: &FunctionDefinition) -> Value {
    let schema = function.parameters.as_ref();
    let required = schema.and_then(|schema| schema["required"].as_array()).into_iter().flatten();
    let filled = required.filter_map(Value::as_str).map(|name| {
        let kind = schema.and_then(|schema| schema["properties"][name]["type"].as_str());
        (name.to_owned(), plainest(kind.unwrap_or("string")))
    });
    Value::Object(filled.collect())
}

fn plainest(kind: &str) -> Value {
    match kind {
        "number" | "integer" => 0.into(),
        "boolean" => false.into(),
        "array" => Value::Array(Vec::new()),
        "object" => Value::Object(Map::new()),
        "null" => Value::Null,
        _ => "demo".into(),
    }
}
