//! Every form, what the model is told, and what it says.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{Format, Problem};
use crate::chat::ChatRequest;
use crate::error::{ErrorKind, Result};

fn format(format: Value) -> Result<Option<Format>> {
    let mut request = ChatRequest::new("m");
    request.response_format = Some(format.into());
    Format::of(&request)
}

fn object() -> Format {
    format(json!({"type": "json_object"})).expect("a format").expect("one")
}

fn weather() -> Format {
    let schema = json!({
        "additionalProperties": false,
        "properties": {"city": {"type": "string"}, "degrees": {"type": "number"}},
        "required": ["city", "degrees"],
        "type": "object",
    });
    let definition = json!({
        "name": "weather", "description": "The weather of today.", "strict": true, "schema": schema,
    });
    format(json!({"type": "json_schema", "json_schema": definition}))
        .expect("a format")
        .expect("one")
}

#[test]
fn any_text_is_no_format() {
    assert!(Format::of(&ChatRequest::new("m")).expect("fine").is_none());
    assert!(format(Value::Null).expect("fine").is_none());
    assert!(format(json!({"type": "text"})).expect("fine").is_none());
}

#[test]
fn a_wrong_format_is_refused_with_its_place_and_what_to_do() {
    let schema = |definition: Value| json!({"type": "json_schema", "json_schema": definition});
    let wrong = [
        json!("json"),
        json!({}),
        json!({"type": "xml"}),
        json!({"type": "json_schema"}),
        schema(json!({"schema": {}})),
        schema(json!({"name": "two words", "schema": {}})),
        schema(json!({"name": "a"})),
        schema(json!({"name": "a", "schema": true})),
        schema(json!({"name": "a", "schema": {}, "strict": "yes"})),
        schema(json!({"name": "a", "schema": {"type": "objekt"}})),
        schema(json!({"name": "a", "schema": {"$ref": "https://example.com/a.json"}})),
    ];
    let told = wrong.map(|wrong| {
        let error = format(wrong.clone()).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{wrong}");
        format!("{wrong}\n  {}: {}", error.param().unwrap_or("-"), error.message())
    });
    assert_snapshot!(told.join("\n"));
}

#[test]
fn the_model_is_told_what_is_wanted() {
    assert_snapshot!("an_object", object().instructions());
    assert_snapshot!("a_schema", weather().instructions());
}

#[test]
fn the_model_is_told_what_was_wrong() {
    let problem = weather().read(r#"{"city": 5, "wind": "a secret"}"#).expect_err("wrong");
    assert!(!problem.to_string().contains("secret"), "{problem}");
    assert_snapshot!(weather().correction(&problem));
    assert_snapshot!("no_object", object().correction(&object().read("[1]").expect_err("wrong")));
    assert_snapshot!("no_json", object().correction(&object().read("No.").expect_err("wrong")));
}

#[test]
fn json_is_taken_out_of_what_the_model_says() {
    let right = "{ \"city\":\"Paris\",  \"degrees\": 21.50 }";
    let answers = [
        right.to_owned(),
        format!("\n{right}\n"),
        format!("```json\n{right}\n```"),
        format!("Sure! As in [1], here it is:\n\n```\n{right}\n```\nAnything else?"),
        format!("First {{\"city\": \"Rome\"}}, no, rather {right}."),
    ];
    for answer in answers {
        assert_eq!(weather().read(&answer).as_deref(), Ok(right), "{answer}");
    }
    let broken = weather().read("It is {'city': 'Paris', 'degrees': 21,}");
    assert_eq!(broken.as_deref(), Ok(r#"{"city":"Paris","degrees":21}"#));
}

#[test]
fn an_object_is_an_object() {
    assert_eq!(object().read("[1] {\"a\": 1}").as_deref(), Ok("{\"a\": 1}"));
    assert_eq!(object().read("[1]"), Err(Problem::new("its JSON is not an object")));
    assert!(object().read("\"text\"").is_err());
    assert!(object().read("").is_err());
}

#[test]
fn a_schema_may_want_no_object() {
    let definition = json!({"name": "n", "schema": {"type": "integer", "minimum": 3}});
    let format = format(json!({"type": "json_schema", "json_schema": definition}));
    let format = format.expect("a format").expect("one");
    assert_eq!(format.read(" 5\n").as_deref(), Ok("5"));
    assert!(format.read("1").is_err());
}

/// `docs/EMULATION.md` shows what the code says.
#[test]
fn the_page_about_emulation_is_right() {
    let page = include_str!("../../../../docs/EMULATION.md");
    let problem = weather().read(r#"{"city": "Paris", "wind": "strong"}"#).expect_err("wrong");
    let told = [object().instructions(), weather().instructions(), weather().correction(&problem)];
    for told in told {
        assert!(page.contains(&format!("```text\n{told}\n```")), "{told}");
    }
}
