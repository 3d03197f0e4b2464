//! What models write, and what it means.

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Schema, find, find_all, repair};

#[test]
fn what_models_get_wrong_is_put_right() {
    let cases = [
        ("trailing commas", r#"{"a": [1, 2,], "b": 3,}"#, r#"{"a":[1,2],"b":3}"#),
        ("missing commas", "{\"a\": 1 \"b\": \"x\"\n\"c\": [1 2]}", r#"{"a":1,"b":"x","c":[1,2]}"#),
        ("commas twice", r#"{"a": 1,, "b": [1,,2]}"#, r#"{"a":1,"b":[1,2]}"#),
        ("line breaks", "{\"a\": \"one\ntwo\tthree\u{1}\"}", r#"{"a":"one\ntwo\tthree\u0001"}"#),
        ("stray marks", r#"{"a": "say "hi" now", "b": 1}"#, r#"{"a":"say \"hi\" now","b":1}"#),
        (
            "stray marks and commas",
            r#"{"a": "say "hi", and go", "b": 1}"#,
            r#"{"a":"say \"hi\", and go","b":1}"#,
        ),
        (
            "stray marks and braces",
            r#"{"code": "if (a) { return "b" }"}"#,
            r#"{"code":"if (a) { return \"b\" }"}"#,
        ),
        ("single marks", r"{'a': 'it's', 'b': 'x\'y'}", r#"{"a":"it's","b":"x'y"}"#),
        ("double in single", r#"{'a': 'say "hi"'}"#, r#"{"a":"say \"hi\""}"#),
        ("smart marks", "{“a”: “b”, ‘c’: ‘d’}", r#"{"a":"b","c":"d"}"#),
        ("smart marks as text", r#"{"a": "“b”",}"#, r#"{"a":"“b”"}"#),
        (
            "no marks",
            "{city: Paris, days: 3, at: 12:30}",
            r#"{"city":"Paris","days":3,"at":"12:30"}"#,
        ),
        ("backticks", "{\"a\": `one\ntwo`}", r#"{"a":"one\ntwo"}"#),
        ("three marks", "{\"a\": \"\"\"say \"hi\"\nnow\"\"\"}", r#"{"a":"say \"hi\"\nnow"}"#),
        (
            "Python",
            "{'a': True, 'b': False, 'c': None, 'd': NaN}",
            r#"{"a":true,"b":false,"c":null,"d":null}"#,
        ),
        ("JavaScript", "{a: undefined, b: -Infinity}", r#"{"a":null,"b":null}"#),
        (
            "numbers",
            "[+1, .5, 5., 1_000, 0x1F, -.5, 1e999, 007]",
            r#"[1,0.5,5.0,1000,31,-0.5,null,"007"]"#,
        ),
        ("comments", "{// one\n\"a\": 1, /* two */ \"b\": 2 # three\n}", r#"{"a":1,"b":2}"#),
        ("dots", "[1, 2, ...]", "[1,2]"),
        ("a fence", "```json\n{\"a\": 1,}\n```", r#"{"a":1}"#),
        ("a fence that is open", "```\n{\"a\": [1", r#"{"a":[1]}"#),
        ("wrong escapes", r#"{"a": "\d+ \(x\) \x41 \u00"}"#, r#"{"a":"\\d+ \\(x\\) A \\u00"}"#),
        ("half a pair", r#"{"a": "\ud83d!"}"#, "{\"a\":\"\u{fffd}!\"}"),
        ("half of two", r#"{"a": "\ud83d\ud83d\ude00",}"#, "{\"a\":\"\u{fffd}😀\"}"),
        ("escaped twice", r#"{\"a\": \"b\"}"#, r#"{"a": "b"}"#),
        ("too many brackets", r#"{"a": [1]}]}"#, r#"{"a":[1]}"#),
        ("too few brackets", r#"{"a": [{"b": 1], "c": 2}"#, r#"{"a":[{"b":1}],"c":2}"#),
        ("a wrong bracket", r#"{"a": 1]"#, r#"{"a":1}"#),
        ("a missing value", r#"{"a": , "b": 1}"#, r#"{"a":null,"b":1}"#),
        ("a wide colon", r#"{"a"： "b"}"#, r#"{"a":"b"}"#),
        ("empty strings", r#"{"a": "", "b": '',}"#, r#"{"a":"","b":""}"#),
        ("a literal", "True", "true"),
        ("a string", "'a'", r#""a""#),
    ];
    for (name, text, meant) in cases {
        assert_eq!(repair(text).as_deref(), Some(meant), "{name}: {text}");
    }
}

#[test]
fn what_is_cut_off_is_closed() {
    let cases = [
        ("{", "{}"),
        (r#"{"a"#, "{}"),
        (r#"{"a""#, "{}"),
        (r#"{"a":"#, "{}"),
        (r#"{"a": ""#, r#"{"a":""}"#),
        (r#"{"a": "he"#, r#"{"a":"he"}"#),
        (r#"{"a": "he\"#, r#"{"a":"he"}"#),
        (r#"{"a": "he\u00"#, r#"{"a":"he"}"#),
        (r#"{"a": 1"#, r#"{"a":1}"#),
        (r#"{"a": 1."#, r#"{"a":1.0}"#),
        (r#"{"a": 1e"#, r#"{"a":1}"#),
        (r#"{"a": -"#, "{}"),
        (r#"{"a": tr"#, r#"{"a":true}"#),
        (r#"{"a": 1, "b": ["x", {"c": null"#, r#"{"a":1,"b":["x",{"c":null}]}"#),
        (r#"{"a": 1, "b"#, r#"{"a":1}"#),
        ("[1, 2,", "[1,2]"),
    ];
    for (text, meant) in cases {
        assert_eq!(repair(text).as_deref(), Some(meant), "{text}");
    }
}

#[test]
fn what_is_no_json_stays_none() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    let cases =
        ["", " ", "hello", "{\"a\": 1} and more", "{this is prose}", "```", ":", "\"", "]", &deep];
    for text in cases.iter().filter(|text| **text != "\"") {
        assert_eq!(repair(text), None, "{text}");
    }
    assert!(repair(&("[".repeat(127) + &"]".repeat(127))).is_some());
}

#[test]
fn json_is_found_in_what_a_model_says() {
    let cases = [
        (r#"Sure! {"a": 1} it is."#, Some(r#"{"a": 1}"#)),
        (r#"{"a": 1}{"b": 2}"#, Some(r#"{"a": 1}"#)),
        ("As in [1]:\n```json\n{\"a\": 2}\n```\nDone.", Some("{\"a\": 2}")),
        ("{\"code\": \"```\\n[1]\\n```\"}", Some("{\"code\": \"```\\n[1]\\n```\"}")),
        ("Here: {'a': 'b', }. Good?", Some("{'a': 'b', }")),
        ("Here: {\"a\": [1, 2", Some("{\"a\": [1, 2")),
        ("```\n{\"a\": [1, 2\n```", Some("{\"a\": [1, 2")),
        ("a {set} of [words], f(x) = {1, 2}", None),
        ("a {set} and {\"a\": 1}", Some("{\"a\": 1}")),
        ("an open {", None),
        ("a \"quoted\" {\"a\": \"b\"} \"text\"", Some("{\"a\": \"b\"}")),
        ("nothing", None),
    ];
    for (text, meant) in cases {
        assert_eq!(find(text).map(|range| &text[range]), meant, "{text}");
    }
    let two: Vec<_> = find_all("{\"a\": 1} and [2]").collect();
    assert_eq!(two, [0..8, 13..16]);
}

#[test]
fn hostile_text_takes_no_more_time_than_its_length() {
    let pieces = [
        "[",
        "{",
        "{\"a\":",
        "[\"",
        "\"",
        "{\"\":\"\"//",
        "\"}",
        "{'a':'",
        "'''",
        "{a ",
        "{\"{'",
        "[x,",
        "/*",
        "`",
    ];
    for piece in pieces {
        let text = format!("{{\"a\": \"{}", piece.repeat(200_000 / piece.len()));
        let started = Instant::now();
        let _ = (find(&text), repair(&text), find(&text[7..]), repair(&text[7..]));
        // A quadratic reader takes minutes.
        assert!(started.elapsed().as_secs() < 20, "{piece}: {:?}", started.elapsed());
    }
}

#[test]
fn problems_are_told_by_their_places_and_not_by_the_values() {
    let schema = Schema::compile(&json!({
        "type": "object",
        "properties": {
            "city": {"type": "string", "pattern": "^[A-Z]"},
            "days": {"type": "array", "items": {"type": "integer", "maximum": 7}},
            "unit": {"enum": ["C", "F"]},
        },
        "required": ["city"],
        "additionalProperties": false,
    }));
    let schema = schema.expect("a schema");
    let value = json!({
        "city": "a secret ".repeat(50), "days": [9, "x", 1.5, 8, 3], "unit": "K", "odd": 1,
    });
    let problems = schema.check(&value).expect_err("wrong all over");
    assert!(!problems.contains("secret"), "{problems}");
    assert_eq!(problems.split("; ").count(), 5, "{problems}");
    insta::assert_snapshot!(problems.replace("; ", "\n"));
}

#[test]
fn a_schema_that_is_none_or_leads_away_is_refused() {
    let wrong = [
        json!("object"),
        json!({"type": "objekt"}),
        json!({"properties": 5}),
        json!({"$ref": "https://example.com/schema.json"}),
        json!({"properties": {"a": {"$ref": "file:///etc/passwd"}}}),
        json!({"$ref": "#/$defs/missing"}),
        json!({"properties": {"a": {"$id": "other", "$ref": "#/$defs/b"}}, "$defs": {"b": {}}}),
        json!({"$ref": "#name", "$defs": {"a": {"$anchor": "name"}}}),
        json!({"pattern": "(a"}),
        json!({"pattern": "(?=a)b"}),
    ];
    for schema in wrong {
        assert!(Schema::compile(&schema).is_err(), "{schema}");
    }
    let named = json!({
        "$id": "https://example.com/a.json", "$ref": "#/$defs/a%20b%3C", "$defs": {"a b<": {"type": "null"}},
    });
    assert_eq!(Schema::compile(&named).expect("a schema").check(&json!(null)), Ok(()));
    let odd = json!({"$schema": "http://json-schema.org/schema#", "format": "phone"});
    assert!(Schema::compile(&odd).expect("a schema").check(&json!("x")).is_ok());
}

#[test]
fn a_schema_that_leads_back_to_itself_is_checked_to_the_end() {
    let tree = json!({
        "$ref": "#/$defs/node",
        "$defs": {"node": {
            "type": "object",
            "properties": {"child": {"$ref": "#/$defs/node"}, "name": {"type": "string"}},
        }},
    });
    let tree = Schema::compile(&tree).expect("a schema");
    let value = (0..100).fold(json!({"name": 1}), |child, _| json!({"child": child}));
    assert!(tree.check(&value).expect_err("a number").contains("/child/name"));
    for endless in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"$ref": "#/$defs/a", "$defs": {
            "a": {"anyOf": [{"$ref": "#/$defs/b"}, {"type": "null"}]}, "b": {"$ref": "#/$defs/a"}}}),
    ] {
        // Either is good: to refuse the schema, or to come to an end.
        let _ = Schema::compile(&endless).map(|schema| schema.check(&json!({"a": 1})));
    }
}

#[test]
fn alternatives_that_refer_back_do_not_double_the_work_without_end() {
    let twice = json!([{"$ref": "#"}, {"$ref": "#"}]);
    for name in ["allOf", "anyOf", "oneOf"] {
        let schema = json!({"properties": {"a": {name: twice}}, "not": {"required": ["z"]}});
        let schema = Schema::compile(&schema).expect("a schema");
        let value = (0..100).fold(json!({"z": 1}), |child, _| json!({"a": child}));
        let problem = schema.check(&value).expect_err("too deep");
        assert!(problem.contains("too deep"), "{name}: {problem}");
        let problem = schema.check(&json!({"a": {"a": {"z": 1}}})).expect_err("wrong");
        assert!(!problem.contains("too deep"), "{name}: {problem}");
    }
    // What refers back at different places may be as large as an answer can be.
    let both = json!({"properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}, "type": "object"});
    let both = Schema::compile(&both).expect("a schema");
    let value = (0..10).fold(json!({}), |child, _| json!({"l": child, "r": child}));
    assert_eq!(both.check(&value), Ok(()));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        "[ -~\n\té“”’日]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec(("[ -~é]{0,6}", inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Cuts that keep characters whole.
fn cut(text: &str, at: proptest::sample::Index) -> &str {
    let ends: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    &text[..ends[at.index(ends.len())]]
}

proptest! {
    #[test]
    fn a_repair_never_changes_json(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        prop_assert_eq!(repair(&format!(" \n{text}\t")), Some(text));
    }

    /// Whatever comes back can be read, and is not changed again.
    #[test]
    fn a_repair_gives_json(text in "([{}\\[\\]\"',:/*#`\\\\ \n“”u0-9a-zé.-]|\"a\": |True|```|'''){0,40}") {
        if let Some(json) = repair(&text) {
            prop_assert!(serde_json::from_str::<Value>(&json).is_ok(), "{}", json);
            prop_assert_eq!(repair(&json), Some(json));
        }
    }

    /// What is found in such a text can be repaired.
    #[test]
    fn what_is_found_can_be_repaired(
        text in "([{}\\[\\]\"',:/*#`\\\\ \n“”u0-9a-zé.-]|\"a\": |True|```|'''|\", \"|\"}){0,40}",
    ) {
        if let Some(range) = find(&text) {
            prop_assert!(repair(&text[range.clone()]).is_some(), "{}", &text[range]);
        }
    }

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        let _ = repair(&text);
        if let Some(range) = find(&text) {
            prop_assert!(text.get(range).is_some());
        }
    }

    /// What stands in prose is found whole.
    #[test]
    fn json_in_prose_is_found_whole(value in any_json(), lead in "[a-z ,.!\n]{0,12}", tail in "[a-z ,.!\n\"]{0,12}") {
        prop_assume!(value.is_object() || value.is_array());
        let text = format!("{lead}{value}{tail}");
        prop_assert_eq!(find(&text).map(|range| &text[range]), Some(&*value.to_string()));
    }

    /// A document that was cut off anywhere is still read, and what is found can be repaired.
    #[test]
    fn what_is_cut_off_anywhere_is_repaired(value in any_json(), at in any::<proptest::sample::Index>()) {
        prop_assume!(value.is_object() || value.is_array());
        let text = value.to_string();
        let cut = cut(&text, at);
        prop_assert_eq!(repair(cut).is_some(), !cut.is_empty(), "{}", cut);
        if let Some(range) = find(cut) {
            prop_assert!(repair(&cut[range]).is_some());
        }
    }

    /// A trailing comma is all that is wrong: everything else stays.
    #[test]
    fn a_repair_of_one_fault_keeps_the_rest(value in any_json()) {
        prop_assume!(value.as_object().is_some_and(|members| !members.is_empty()));
        let text = value.to_string();
        let text = format!("{},}}", &text[..text.len() - 1]);
        let repaired: Value = serde_json::from_str(&repair(&text).expect("JSON")).expect("JSON");
        prop_assert_eq!(repaired, value);
    }
}

#[test]
fn alternatives_for_each_of_many_items_are_refused_and_not_told_one_by_one() {
    let branches: Vec<_> = (0..2000).map(|n| json!({"type": "string", "minLength": n})).collect();
    let schema = Schema::compile(&json!({"type": "array", "items": {"anyOf": branches}}));
    let schema = schema.expect("a schema");
    let began = Instant::now();
    let wrong = schema.check(&Value::from(vec![1; 3000])).expect_err("numbers");
    assert!(wrong.contains("too large"), "{wrong}");
    let wrong = schema.check(&Value::from(vec![1; 20])).expect_err("numbers");
    assert!(wrong.contains("does not satisfy"), "{wrong}");
    assert!(began.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn schemas_of_very_many_patterns_are_refused() {
    let pattern = |n: usize| (format!("p{n}"), json!({"pattern": format!("^\\p{{L}}{{10}}x{n}$")}));
    let properties: serde_json::Map<_, _> = (0..65).map(pattern).collect();
    let error = Schema::compile(&json!({"properties": properties})).expect_err("65 patterns");
    assert!(error.contains("64 patterns"), "{error}");
}
