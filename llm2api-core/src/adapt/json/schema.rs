//! Checks JSON against a schema.

use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::cost::{foreign_reference, has_references, is_bounded};

/// How many problems are told.
const MOST_PROBLEMS: usize = 5;
/// How much is told of one problem, and of one place, in characters.
const LONGEST: usize = 200;
/// How large the automaton of one pattern may become, in bytes.
const PATTERN_SIZE: usize = 1 << 20;

/// A JSON schema that values can be checked against.
///
/// It knows drafts 4 to 2020-12; a schema that names none is taken as 2020-12. References are `#` or
/// begin with `#/`, patterns are matched in time that grows with the text, and `format` is not
/// asserted, as the drafts have it by default. Where a schema refers to itself in so many ways that a
/// check would take too long, the value is refused as too deep.
///
/// # Example
/// ```
/// use llm2api_core::adapt::json::Schema;
/// use serde_json::json;
///
/// let schema = Schema::compile(&json!({"type": "object", "required": ["city"]})).unwrap();
/// assert!(schema.check(&json!({"city": "Paris"})).is_ok());
/// assert_eq!(
///     schema.check(&json!({})).unwrap_err(),
///     "at the top: \"city\" is a required property"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Schema {
    validator: Arc<Validator>,
    /// The schema itself, where it has references.
    source: Option<Arc<Value>>,
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it, and where.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        if !schema.is_object() && !schema.is_boolean() {
            return Err("a JSON schema is an object".into());
        }
        if let Some(to) = foreign_reference(schema) {
            let to = beginning_of(to);
            return Err(format!(
                "`{to}` leads out of the schema: a reference must be `#` or begin with `#/`, and \
                 only the schema as a whole may have an id"
            ));
        }
        let source = has_references(schema).then(|| Arc::new(schema.clone()));
        let patterns = PatternOptions::regex().size_limit(PATTERN_SIZE);
        let mut options = jsonschema::options()
            .offline()
            .should_validate_formats(false)
            .should_ignore_unknown_formats(true)
            .with_pattern_options(patterns);
        if names_no_draft(schema) {
            options = options.with_draft(Draft::Draft202012);
        }
        match options.build(schema) {
            Ok(validator) => Ok(Self { validator: Arc::new(validator), source }),
            Err(error) => Err(told(&error)),
        }
    }

    /// Checks a value.
    ///
    /// # Errors
    /// Up to five problems with the JSON pointers of the places where they are.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        if self.source.as_ref().is_some_and(|source| !is_bounded(source, value)) {
            return Err(
                "at the top: the value is too deep for a schema that refers to itself".into()
            );
        }
        let problems = self.validator.iter_errors(value).take(MOST_PROBLEMS);
        let problems: Vec<_> = problems.map(|error| told(&error)).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
    }
}

fn names_no_draft(schema: &Value) -> bool {
    let known = |name: &str| name.contains("json-schema.org/draft");
    !schema.get("$schema").and_then(Value::as_str).is_some_and(known)
}

fn told(error: &ValidationError<'_>) -> String {
    let place = error.instance_path().as_str();
    let place = if place.is_empty() { "the top".to_owned() } else { end_of(place) };
    let problem = error.masked_with("the value").to_string();
    format!("at {place}: {}", beginning_of(&problem))
}

/// Shortens a pointer to its end, which says most.
fn end_of(text: &str) -> String {
    match text.char_indices().rev().nth(LONGEST - 1) {
        Some((start, _)) if start > 0 => format!("…{}", &text[start..]),
        _ => text.to_owned(),
    }
}

fn beginning_of(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
