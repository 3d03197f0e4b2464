//! What is searched for and what is not: dialects, tools and answers in JSON.

use llm2api_tests::Script;
use llm2api_tests::plan::ANSWER;
use llm2api_tests::processes::{CHAT_UI, OPENAI, Outcome};
use serde_json::{Value, json};

use crate::answer::{annotations, header, parts};
use crate::stage::{CHAT, LANES, Searching, WEB, user};

const EVERY: (&str, &str) = ("TOOL_ALL_IN_ONE", "true");

/// How a model calls a tool that knows nothing but text.
const WRITTEN: &str = "Let me check.\n<tool_call>\n\
                       {\"name\": \"look_up\", \"arguments\": {\"q\":\"x\"}}\n</tool_call>";

/// Replaces what differs from call to call.
fn masked(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| mask(name, value)).collect(),
        Value::Array(values) => values.iter().map(masked).collect(),
        value => value.clone(),
    }
}

fn mask(name: &str, value: &Value) -> (String, Value) {
    let differs = name == "id" || name.ends_with("_id") || name.ends_with("_at");
    (name.to_owned(), if differs { json!("…") } else { masked(value) })
}

/// The objects of an answer, whatever its events are called.
fn objects(outcome: &Outcome) -> Vec<Value> {
    let lines = outcome.body.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
    let parsed = lines.filter_map(|line| serde_json::from_str(line).ok());
    parsed.map(|object: Value| masked(&object)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn other_dialects_are_answered_as_without_a_search() {
    for kind in [OPENAI, CHAT_UI] {
        let (plain, every) =
            (Searching::start(kind, &[]).await, Searching::start(kind, &[EVERY]).await);
        for (path, fields) in [
            ("/v1/responses", json!({"input": "hello"})),
            ("/v1/responses", json!({"input": "hello", "stream": true})),
            ("/v1/messages", json!({"messages": [user("hello")], "max_tokens": 99})),
            (
                "/v1/messages",
                json!({"messages": [user("hello")], "max_tokens": 99, "stream": true}),
            ),
        ] {
            let expected = plain.ask(path, &fields).await;
            let outcome = every.ask(path, &fields).await;
            assert_eq!((outcome.status, header(&outcome)), (200, "none"), "{path} {outcome:?}");
            assert!(!objects(&outcome).is_empty(), "{outcome:?}");
            assert_eq!(objects(&outcome), objects(&expected), "{path}");
        }
        assert!(every.queries().is_empty());
        let outcome = every.ask(CHAT, &json!({"messages": [user("hello")]})).await;
        assert_eq!(header(&outcome), "completed; results=8", "chats are");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_json_has_no_block() {
    let asked = "How large is Oslo?\nECHO:{\"km2\": 454}";
    for (kind, stream) in LANES {
        let searching = Searching::start(kind, &[EVERY]).await;
        let schema = json!({"type": "json_schema", "json_schema": {"name": "area", "schema": {
            "type": "object", "properties": {"km2": {"type": "integer"}}, "required": ["km2"]}}});
        for (path, format) in [(CHAT, json!({"type": "json_object"})), (WEB, schema)] {
            let fields =
                json!({"messages": [user(asked)], "stream": stream, "response_format": format});
            let outcome = searching.ask(path, &fields).await;
            assert!(outcome.is_whole(), "{outcome:?}");
            let said: Value = serde_json::from_str(&outcome.text()).expect("JSON");
            assert_eq!(said, json!({"km2": 454}));
            assert_eq!(header(&outcome), "completed; results=8");
            assert_eq!(annotations(&outcome).len(), 8, "the sources are named even so");
        }
        let text = json!({"messages": [user(asked)], "response_format": {"type": "text"}});
        let outcome = searching.ask(CHAT, &text).await;
        assert!(!parts(&outcome.text()).0.is_empty(), "a text has one: {outcome:?}");
    }
}

/// The arguments of the only call, and the name of its function.
fn call(outcome: &Outcome) -> (String, String) {
    let (mut arguments, mut name) = (String::new(), String::new());
    for object in outcome.objects() {
        let choice = &object["choices"][0];
        for place in ["delta", "message"] {
            let function = &choice[place]["tool_calls"][0]["function"];
            arguments += function["arguments"].as_str().unwrap_or_default();
            name += function["name"].as_str().unwrap_or_default();
        }
    }
    (name, arguments)
}

/// Why the choices ended.
fn reasons(outcome: &Outcome) -> Vec<String> {
    let objects = outcome.objects();
    let reasons = objects.iter().map(|object| &object["choices"][0]["finish_reason"]);
    reasons.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_tool_stands_beside_the_block() {
    let tool = json!({"type": "function", "function": {"name": "look_up", "parameters": {
        "type": "object", "properties": {"q": {"type": "string"}}}}});
    for (kind, stream) in LANES {
        let searching = Searching::start(kind, &[]).await;
        if kind == CHAT_UI {
            searching.stage.upstream.script(Script::answer(WRITTEN));
        }
        let fields = json!({"messages": [user("TOOL hello")], "stream": stream, "tools": [tool]});
        let outcome = searching.ask(WEB, &fields).await;
        assert_eq!((outcome.status, header(&outcome)), (200, "completed; results=8"));
        assert_eq!(reasons(&outcome), ["tool_calls"], "{outcome:?}");
        assert_eq!(call(&outcome), ("look_up".to_owned(), "{\"q\":\"x\"}".to_owned()));
        let text = outcome.text();
        let (block, said) = parts(&text);
        let spoken = if kind == CHAT_UI { "Let me check." } else { "" };
        assert_eq!((block.lines().count(), said.trim()), (8, spoken), "{outcome:?}");
        assert_eq!((annotations(&outcome).len(), outcome.roles()), (8, 1), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_and_reasoning_of_the_model_stay() {
    for (kind, stream) in LANES {
        let searching = Searching::start(kind, &[]).await;
        let fields = json!({"messages": [user("THINK hello")], "stream": stream,
            "stream_options": if stream { json!({"include_usage": true}) } else { Value::Null }});
        let outcome = searching.ask(WEB, &fields).await;
        assert!(outcome.is_whole() && outcome.text().ends_with(ANSWER), "{outcome:?}");
        let usages = outcome.objects().iter().filter(|object| object["usage"].is_object()).count();
        assert_eq!(usages, 1, "{outcome:?}");
        assert!(outcome.body.contains("reasoning_content"), "{outcome:?}");
    }
}
