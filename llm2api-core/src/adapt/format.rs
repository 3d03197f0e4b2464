//! Structured output for upstreams that have none.

use std::fmt;

use serde_json::{Map, Value};

use super::json::{Schema, find, find_all, repair};
use crate::chat::ChatRequest;
use crate::error::{Error, ErrorKind, Result};

/// How many pieces of JSON in one answer are considered.
const MOST_CANDIDATES: usize = 16;
const NO_SCHEMA: &str = "a response_format of type json_schema needs a json_schema object with a \
    name and a schema";

/// The form that an answer must have.
///
/// The model is told of it by [`instructions`](Self::instructions); [`read`](Self::read) takes the
/// JSON out of what it says, and [`correction`](Self::correction) is what it is told where that was
/// not what was asked for. `docs/EMULATION.md` shows the exchange.
///
/// # Example
/// ```
/// use llm2api_core::{ChatRequest, adapt::Format};
/// use serde_json::json;
///
/// let mut request = ChatRequest::new("demo");
/// request.response_format = Some(json!({"type": "json_object"}).into());
/// let format = Format::of(&request)?.unwrap();
/// let answer = format.read("Here you are:\n```json\n{\"city\": \"Paris\"}\n```");
/// assert_eq!(answer.unwrap(), "{\"city\": \"Paris\"}");
/// # Ok::<(), llm2api_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Format {
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Shape {
    /// Any object.
    Object,
    /// What satisfies a schema.
    Schema { name: String, description: Option<String>, text: String, schema: Schema },
}

/// Why an answer has not the form that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Problem {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl Format {
    /// Returns the form that a request asks for; none where any text will do.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for a type that does not exist, and for a schema that is missing
    /// or none.
    pub fn of(request: &ChatRequest) -> Result<Option<Self>> {
        let Some(format) = request.response_format.as_deref().filter(|format| !format.is_null())
        else {
            return Ok(None);
        };
        match format.get("type").and_then(Value::as_str) {
            Some("text") => Ok(None),
            Some("json_object") => Ok(Some(Self { shape: Shape::Object })),
            Some("json_schema") => {
                let definition = format.get("json_schema").and_then(Value::as_object);
                let definition =
                    definition.ok_or_else(|| wrong("response_format.json_schema", NO_SCHEMA))?;
                Shape::schema(definition).map(|shape| Some(Self { shape }))
            }
            _ => Err(wrong(
                "response_format.type",
                "the type of response_format must be text, json_object or json_schema",
            )),
        }
    }

    /// Returns what the model is told, as a part of the system prompt.
    pub fn instructions(&self) -> String {
        let form = match &self.shape {
            Shape::Object => "one JSON object".to_owned(),
            Shape::Schema { name, .. } => {
                format!("one JSON document, \"{name}\", that satisfies the JSON schema below")
            }
        };
        let mut text = format!(
            "Answer with {form} and nothing else: no introduction, no explanation, no code fence. \
             The answer is read by a program, so it must be valid JSON."
        );
        if let Shape::Schema { description, text: schema, .. } = &self.shape {
            if let Some(description) = description {
                text.push_str("\n\nWhat the document is for: ");
                text.push_str(description);
            }
            text.push_str("\n\nJSON schema:\n");
            text.push_str(schema);
        }
        text
    }

    /// Takes the JSON out of an answer. JSON that is right comes out as the model wrote it.
    ///
    /// # Errors
    /// What is wrong with the answer, in words for the model.
    pub fn read(&self, answer: &str) -> Result<String, Problem> {
        let mut first = None;
        for candidate in candidates(answer) {
            match self.accept(candidate) {
                Ok(json) => return Ok(json),
                Err(problem) => first = first.or(problem),
            }
        }
        Err(first.unwrap_or_else(|| Problem::new("there is no JSON in the answer")))
    }

    /// Returns what the model is told when it is asked once more.
    pub fn correction(&self, problem: &Problem) -> String {
        let form = match &self.shape {
            Shape::Object => "one JSON object",
            Shape::Schema { .. } => "one JSON document that satisfies the schema",
        };
        format!(
            "Your last answer cannot be used: {problem}. Answer again with {form} and nothing else."
        )
    }

    /// Accepts what has the form; says what it lacks, or nothing where it is no JSON.
    fn accept(&self, candidate: &str) -> Result<String, Option<Problem>> {
        let json = repair(candidate).ok_or(None)?;
        let value = serde_json::from_str(&json).map_err(|_| None)?;
        match self.check(&value) {
            Ok(()) => Ok(json),
            Err(problem) => Err(Some(problem)),
        }
    }

    fn check(&self, value: &Value) -> Result<(), Problem> {
        match &self.shape {
            Shape::Object if value.is_object() => Ok(()),
            Shape::Object => Err(Problem::new("its JSON is not an object")),
            Shape::Schema { schema, .. } => schema.check(value).map_err(|problems| {
                Problem::new(format!("its JSON does not satisfy the schema ({problems})"))
            }),
        }
    }
}

impl Shape {
    fn schema(definition: &Map<String, Value>) -> Result<Self> {
        let text = |name: &str| definition.get(name).and_then(Value::as_str).map(str::to_owned);
        let name = text("name").filter(|name| is_name(name)).ok_or_else(|| {
            let message = "json_schema.name must be 1 to 64 letters, digits, underscores or dashes";
            wrong("response_format.json_schema.name", message)
        })?;
        if !matches!(definition.get("strict"), None | Some(Value::Null | Value::Bool(_))) {
            let message = "json_schema.strict must be true or false";
            return Err(wrong("response_format.json_schema.strict", message));
        }
        let param = "response_format.json_schema.schema";
        let given = definition.get("schema").filter(|schema| schema.is_object());
        let given = given.ok_or_else(|| wrong(param, NO_SCHEMA))?;
        let schema = Schema::compile(given).map_err(|problem| {
            wrong(param, &format!("the schema of response_format is not usable: {problem}"))
        })?;
        let description = text("description").filter(|description| !description.is_empty());
        Ok(Self::Schema { name, description, text: given.to_string(), schema })
    }
}

/// Returns the answer itself, and each piece of it that may be what was asked for.
fn candidates(answer: &str) -> impl Iterator<Item = &str> {
    let all = find_all(answer).take(MOST_CANDIDATES);
    let found = find(answer).into_iter().chain(all).map(|range| &answer[range]);
    [answer].into_iter().chain(found)
}

fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
    letters && (1..=64).contains(&name.len())
}

fn wrong(param: &str, message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, "read request", message).with_param(param)
}

#[cfg(test)]
mod tests;
