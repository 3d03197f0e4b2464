use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;

fn request(fields: Value) -> ChatRequest {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) else {
        panic!("two objects");
    };
    body.extend(fields);
    ChatRequest::from_json(json!(body).to_string().as_bytes()).expect("a request")
}

fn named(fields: Value) -> Vec<String> {
    given(&request(fields)).skip(2).map(str::to_owned).collect()
}

/// A value of each field that asks for something, and one that asks for nothing.
fn values() -> Vec<(&'static str, Value, Value)> {
    let format = json!({"type": "json_object"});
    let tool = json!([{"type": "function", "function": {"name": "f"}}]);
    vec![
        ("stream", json!(true), json!(false)),
        ("tools", tool, json!([])),
        ("functions", json!([{"name": "f"}]), json!([])),
        ("function_call", json!({"name": "f"}), json!("none")),
        ("response_format", format, json!({"type": "text"})),
        ("stop", json!("END"), json!([])),
        ("max_tokens", json!(5), json!(null)),
        ("max_completion_tokens", json!(5), json!(null)),
        ("n", json!(2), json!(1)),
        ("logprobs", json!(true), json!(false)),
        ("top_logprobs", json!(3), json!(0)),
        ("modalities", json!(["text", "audio"]), json!(["text"])),
        ("audio", json!({"voice": "ash", "format": "wav"}), json!(null)),
        ("web_search_options", json!({}), json!(null)),
        ("moderation", json!({"model": "m"}), json!(null)),
        ("temperature", json!(1), json!(null)),
        ("top_p", json!(0.5), json!(1)),
        ("presence_penalty", json!(-1), json!(0)),
        ("frequency_penalty", json!(0.5), json!(0)),
        ("logit_bias", json!({"50256": -100}), json!({})),
        ("seed", json!(0), json!(null)),
        ("reasoning_effort", json!("low"), json!(null)),
        ("verbosity", json!("low"), json!("medium")),
        ("prediction", json!({"type": "content", "content": "x"}), json!(null)),
        ("service_tier", json!("flex"), json!("auto")),
        ("prompt_cache_key", json!("k"), json!(null)),
        ("prompt_cache_options", json!({"mode": "explicit"}), json!(null)),
        ("prompt_cache_retention", json!("24h"), json!(null)),
        ("store", json!(true), json!(false)),
        ("metadata", json!({"a": "b"}), json!({})),
        ("user", json!("ann"), json!(null)),
        ("safety_identifier", json!("ann"), json!(null)),
        ("top_k", json!(5), json!(null)),
    ]
}

#[test]
fn g24_every_field_counts_where_it_asks_for_something_and_only_there() {
    for (name, value, nothing) in values() {
        assert_eq!(named(json!({name: value})), [name]);
        assert_eq!(named(json!({name: nothing})), [""; 0], "{name}");
        assert_eq!(named(json!({name: null})), [""; 0], "{name}");
    }
    let tried: Vec<_> = values().into_iter().map(|row| row.0).collect();
    let rest = ["model", "messages", "stream_options", "tool_choice", "parallel_tool_calls"];
    for (field, _) in Profile::Text.table().filter(|(field, _)| !field.contains('.')) {
        assert!(tried.contains(&field) || rest.contains(&field), "`{field}` is not tried");
    }
}

#[test]
fn options_of_tools_count_with_tools_only() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let choice = json!({"tool_choice": "none", "parallel_tool_calls": false});
    assert_eq!(named(choice), [""; 0]);
    let all = json!({"tools": tools, "tool_choice": "none", "parallel_tool_calls": false});
    assert_eq!(named(all), ["tools", "tool_choice", "parallel_tool_calls"]);
    let default = json!({"tools": tools, "tool_choice": "auto", "parallel_tool_calls": true});
    assert_eq!(named(default), ["tools"]);
}

#[test]
fn what_stands_in_a_field_is_named_behind_a_dot() {
    let options = json!({"include_usage": true, "include_obfuscation": true});
    let inner = ["stream_options.include_usage", "stream_options.include_obfuscation"];
    assert_eq!(named(json!({"stream_options": options})), inner);
    let options = json!({"include_usage": false, "include_obfuscation": false});
    assert_eq!(named(json!({"stream_options": options})), [""; 0]);
    let parts = json!([
        {"type": "text", "text": "hi"},
        {"type": "file", "file": {"file_data": "data:,x"}},
        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
        {"type": "image_url", "image_url": {"url": "data:,x"}},
        {"type": "image_url", "image_url": {"url": "data:,x"}},
    ]);
    let messages = json!([{"role": "user", "content": parts}]);
    let inner = ["messages.image_url", "messages.file", "messages.input_audio"];
    assert_eq!(named(json!({"messages": messages})), inner);
}

#[test]
fn g24_the_table_decides_what_becomes_of_each_field() {
    for profile in [Profile::Text, Profile::OpenAi, Profile::OpenWebUi, Profile::Demo] {
        for (name, value, _) in values() {
            let request = request(json!({name: value}));
            let (lenient, strict) =
                (sort_out(&request, profile, false), sort_out(&request, profile, true));
            match profile.treatment(name) {
                Treatment::Honoured | Treatment::Emulated => {
                    assert_eq!(lenient.expect("taken"), [""; 0]);
                    assert_eq!(strict.expect("taken"), [""; 0]);
                }
                Treatment::Ignored => {
                    assert_eq!(lenient.expect("taken"), [name]);
                    let error = strict.expect_err("strict");
                    assert!(error.message().contains("STRICT_PARAMETERS"), "{error}");
                    assert_refused(&error, name);
                }
                Treatment::Rejected => {
                    assert_refused(&lenient.expect_err("rejected"), name);
                    assert_refused(&strict.expect_err("rejected"), name);
                }
            }
        }
    }
}

fn assert_refused(error: &Error, name: &str) {
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unsupported, "unsupported_parameter"));
    assert_eq!(error.param(), Some(name));
    assert!(error.message().contains(&format!("`{name}`")), "{error}");
}

#[test]
fn a_refusal_of_an_inner_field_names_the_outer_one() {
    let part = json!({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}});
    let request = request(json!({"messages": [{"role": "user", "content": [part]}]}));
    let error = sort_out(&request, Profile::Text, false).expect_err("rejected");
    assert_eq!(error.param(), Some("messages"));
    assert!(error.message().contains("`messages.input_audio`"), "{error}");
}

#[test]
fn names_of_the_clients_choice_are_bounded_and_plain() {
    let many: Map<_, _> = (0..100).map(|at| (format!("field_{at:03}"), json!(1))).collect();
    let mut fields = Value::Object(many);
    fields["seed"] = json!(1);
    let names = sort_out(&request(fields), Profile::Text, false).expect("taken");
    assert_eq!(names.len(), 1 + MOST_UNKNOWN + 1);
    assert_eq!(names.last().map(String::as_str), Some(MORE));
    assert!(names.contains(&"seed".to_owned()));
    for name in ["a\r\nb: c", "a,b", "", " zz", "größe", &"a".repeat(65)] {
        let request = request(json!({name: 1}));
        let names = sort_out(&request, Profile::Text, false).expect("taken");
        assert_eq!(names, [MORE], "{name:?}");
        let error = sort_out(&request, Profile::Text, true).expect_err("strict");
        assert_eq!(error.param(), None);
        assert!(name.trim().is_empty() || !error.message().contains(name), "{error}");
    }
}

proptest! {
    #[test]
    fn whatever_fields_come_the_names_fit_into_a_header(
        fields in prop::collection::vec((".{0,80}", 0..3u8), 0..60),
    ) {
        let mut request = ChatRequest::new("m");
        request.extra = fields.into_iter().map(|(name, value)| (name, json!(value))).collect();
        let names = sort_out(&request, Profile::Text, false);
        for name in names.iter().flatten() {
            prop_assert!(is_plain(name) || name == MORE);
        }
        prop_assert!(names.map_or(0, |names| names.len()) <= MOST_UNKNOWN + 1);
    }
}
