//! Checks JSON against a schema.

use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::cost::{count_parts, count_patterns, foreign_reference, takes_at_most};

/// How many problems are told.
const MOST_PROBLEMS: usize = 5;
/// How much is told of one problem, and of one place, in characters.
const LONGEST: usize = 200;
/// How large the automaton of one pattern may become, in bytes.
const PATTERN_SIZE: usize = 64 << 10;
/// Patterns and parts that a schema may have: what is made of them takes many times their size.
const MOST_PATTERNS: usize = 64;
const MOST_PARTS: usize = 20_000;
/// Steps that a check may take: so many, those for each part of the value, and a limit to both.
const STEPS: usize = 200_000;
const STEPS_A_PART: usize = 100;
const MOST_STEPS: usize = 2_000_000;
/// Steps up to which each problem is told: telling takes memory for all that does not fit.
const TOLD_STEPS: usize = 20_000;

/// A JSON schema that values can be checked against.
///
/// It knows drafts 4 to 2020-12; a schema that names none is taken as 2020-12. References are `#` or
/// begin with `#/`, patterns are matched in time that grows with the text, and `format` is not
/// asserted, as the drafts have it by default. A value is refused that would take too long to check, as
/// where a schema refers to itself in many ways.
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
    /// The schema itself: how long a check takes is counted before.
    source: Arc<Value>,
    patterns: usize,
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
        let (patterns, parts) = (count_patterns(schema), count_parts(schema));
        if patterns > MOST_PATTERNS || parts > MOST_PARTS {
            return Err(format!(
                "a schema may have {MOST_PATTERNS} patterns and {MOST_PARTS} parts: make it smaller"
            ));
        }
        let source = Arc::new(schema.clone());
        let options_of_patterns = PatternOptions::regex().size_limit(PATTERN_SIZE);
        let mut options = jsonschema::options()
            .offline()
            .should_validate_formats(false)
            .should_ignore_unknown_formats(true)
            .with_pattern_options(options_of_patterns);
        if names_no_draft(schema) {
            options = options.with_draft(Draft::Draft202012);
        }
        match options.build(schema) {
            Ok(validator) => Ok(Self { validator: Arc::new(validator), source, patterns }),
            Err(error) => Err(told(&error)),
        }
    }

    /// Returns how many patterns it has: each is held as an automaton.
    pub(crate) fn patterns(&self) -> usize {
        self.patterns
    }

    /// Checks a value.
    ///
    /// # Errors
    /// Up to five problems with the JSON pointers of the places where they are.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        let steps = STEPS.saturating_add(count_parts(value).saturating_mul(STEPS_A_PART));
        if !takes_at_most(&self.source, value, steps.min(MOST_STEPS)) {
            return Err("at the top: the value is too large or too deep for its schema".into());
        }
        if self.validator.is_valid(value) {
            return Ok(());
        }
        if !takes_at_most(&self.source, value, TOLD_STEPS) {
            return Err("at the top: the value does not satisfy the schema".into());
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
