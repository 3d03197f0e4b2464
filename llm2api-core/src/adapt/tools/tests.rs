//! What every part of tool calling promises together.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Found, Toolbox};
use crate::chat::ChatRequest;

mod histories;
mod laws;
mod requests;
mod shapes;

/// The tools that most tests offer.
fn tools() -> Value {
    let tool = |name: &str, parameters: &Value| {
        json!({"type": "function", "function": {
            "name": name, "description": format!("Does {name}."), "parameters": parameters}})
    };
    // In the order of the alphabet, since not every build keeps another one.
    let weather = json!({"properties": {
        "city": {"type": "string"}, "days": {"type": "integer"}, "wind": {"type": "boolean"}},
        "required": ["city"], "type": "object"});
    let write =
        json!({"properties": {"text": {"type": "string"}}, "required": ["text"], "type": "object"});
    json!([tool("get_weather", &weather), tool("write", &write), tool("now", &Value::Null)])
}

fn request(fields: &Value) -> ChatRequest {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    ChatRequest::from_json(body.to_string().as_bytes()).expect("a valid request")
}

fn toolbox() -> Toolbox {
    Toolbox::of(&request(&json!({"tools": tools()}))).expect("valid").expect("tools are offered")
}

/// Reads an answer in pieces; texts that follow one another are put together.
fn read(toolbox: &Toolbox, pieces: &[&str]) -> Vec<Found> {
    let mut parser = toolbox.parser();
    let mut all: Vec<_> = pieces.iter().flat_map(|piece| parser.push(piece)).collect();
    all.extend(parser.finish());
    let mut joined: Vec<Found> = Vec::new();
    for found in all {
        match (joined.last_mut(), found) {
            (Some(Found::Text(before)), Found::Text(text)) => before.push_str(&text),
            (_, found) => joined.push(found),
        }
    }
    joined
}

/// What came of an answer, on one line each: text, calls that were checked, problems.
fn told(toolbox: &Toolbox, answer: &str) -> String {
    let mut told = String::new();
    for found in read(toolbox, &[answer]) {
        let line = match found {
            Found::Text(text) => format!("text {text:?}"),
            Found::Broken(broken) => format!("broken: {}", broken.problem()),
            Found::Call(call) => match toolbox.check(&call) {
                Ok(ready) => format!("call {} {}", ready.name, ready.arguments),
                Err(problem) => format!("problem: {problem}"),
            },
        };
        writeln!(told, "{line}").expect("a String takes everything");
    }
    told
}
