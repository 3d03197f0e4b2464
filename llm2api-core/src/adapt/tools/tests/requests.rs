//! What requests may ask for, and what the model is told.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::{Problem, Toolbox, call_id};
use super::{request, tools};

fn toolbox(fields: &Value) -> Toolbox {
    Toolbox::of(&request(fields)).expect("valid").expect("tools are offered")
}

fn named(name: &str) -> Value {
    json!({"function": {"name": name}, "type": "function"})
}

fn allowed(mode: &str, tools: &Value) -> Value {
    json!({"allowed_tools": {"mode": mode, "tools": tools}, "type": "allowed_tools"})
}

#[test]
fn the_instructions_list_the_tools_and_the_form() {
    insta::assert_snapshot!(toolbox(&json!({"tools": tools()})).instructions());
}

#[test]
fn the_choice_changes_the_instructions() {
    let mut table = String::new();
    let choices = [
        json!({"parallel_tool_calls": false, "tool_choice": "auto"}),
        json!({"tool_choice": "required"}),
        json!({"tool_choice": named("write")}),
        json!({"tool_choice": allowed("auto", &json!([named("now"), named("write")]))}),
        json!({"tool_choice": allowed("required", &json!([named("now"), named("write")]))}),
    ];
    for mut fields in choices {
        fields["tools"] = tools();
        let toolbox = toolbox(&fields);
        fields.as_object_mut().expect("an object").remove("tools");
        let text = toolbox.instructions();
        let names: Vec<_> = text.lines().filter(|line| line.starts_with("{\"name\":\"")).collect();
        let names = names.join(" ");
        let rest = text.split("are escaped.").nth(1).expect("the rules");
        writeln!(table, "{fields} {}\n{names}\n{}\n", toolbox.must_call(), rest.trim())
            .expect("a String");
    }
    insta::assert_snapshot!(table);
}

#[test]
fn without_tools_or_with_none_there_is_no_toolbox() {
    for fields in [
        json!({}),
        json!({"tools": []}),
        json!({"tools": [], "tool_choice": "auto"}),
        json!({"tools": tools(), "tool_choice": "none"}),
        json!({"functions": null}),
    ] {
        assert!(Toolbox::of(&request(&fields)).expect("valid").is_none());
    }
}

#[test]
fn every_mistake_is_named() {
    let tool = |function: &Value| json!([{"type": "function", "function": function}]);
    let requests = [
        json!({"tools": [{"type": "web_search"}]}),
        json!({"tools": [{"type": "custom", "custom": {"name": "x"}}]}),
        json!({"tools": [{"type": "function"}]}),
        json!({"tools": tool(&json!({"name": ""}))}),
        json!({"tools": tool(&json!({"name": "a b"}))}),
        json!({"tools": tool(&json!({"name": "x".repeat(65)}))}),
        json!({"tools": [tools()[0], tools()[0]]}),
        json!({"tools": tool(&json!({"name": "x", "parameters": [1]}))}),
        json!({"tools": tools(), "tool_choice": "sometimes"}),
        json!({"tools": tools(), "tool_choice": 1}),
        json!({"tools": tools(), "tool_choice": {"type": "function"}}),
        json!({"tools": tools(), "tool_choice": {"type": "custom", "custom": {"name": "x"}}}),
        json!({"tools": tools(), "tool_choice": named("other")}),
        json!({"tools": tools(), "tool_choice": allowed("auto", &json!([]))}),
        json!({"tools": tools(), "tool_choice": allowed("auto", &json!([named("other")]))}),
        json!({"tool_choice": "required"}),
        json!({"functions": [{"name": "x"}]}),
        json!({"tools": tools(), "function_call": "auto"}),
    ];
    let mut table = String::new();
    for fields in requests {
        let error = Toolbox::of(&request(&fields)).expect_err("a mistake");
        let (kind, param) = (error.kind(), error.param().unwrap_or("-"));
        writeln!(table, "{kind:?} | {param} | {}", error.message()).expect("a String");
    }
    insta::assert_snapshot!(table);
}

#[test]
fn corrections_say_what_is_wrong_and_show_the_form_again() {
    let toolbox = toolbox(&json!({"tools": tools(), "tool_choice": "required"}));
    let tool = || "write".to_owned();
    let problems = [
        Problem::NoCall,
        Problem::Unreadable,
        Problem::Cut,
        Problem::TooLong,
        Problem::UnknownTool,
        Problem::NotJson { tool: tool() },
        Problem::Mismatch { tool: tool(), reason: "at the top: `text` is missing".into() },
    ];
    insta::assert_snapshot!("correction", toolbox.correction(&problems[0]));
    for problem in problems {
        let correction = toolbox.correction(&problem);
        assert!(correction.contains(&problem.to_string()), "{correction}");
    }
}

#[test]
fn ids_of_calls_are_all_different() {
    let ids: std::collections::HashSet<_> = (0..1000).map(|_| call_id()).collect();
    assert_eq!(ids.len(), 1000);
    assert!(ids.iter().all(|id| id.len() == 29 && id.starts_with("call_")));
}
