//! The shapes of calls that models were seen to write.

use super::{told, toolbox};

const BERN: &str = "call get_weather {\"city\":\"Bern\"}\n";

#[test]
fn every_form_of_a_call_is_understood() {
    let toolbox = toolbox();
    let answers = [
        r#"<tool_call>{"name":"get_weather","arguments":{"city":"Bern"}}</tool_call>"#,
        "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\":\"Bern\"}}\n</tool_call>\n",
        "<tool_call>\n```json\n{\"name\": \"get_weather\", \"arguments\": {\"city\":\"Bern\"}}\n```\n</tool_call>",
        "```xml\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\":\"Bern\"}}\n</tool_call>\n```\n",
        r#"<tool_call>[{"name":"get_weather","arguments":{"city":"Bern"}}]</tool_call>"#,
        r#"<tool_call>{"name":"get_weather","parameters":{"city":"Bern"}}</tool_call>"#,
        r#"<tool_call>{"name":"get_weather","arguments":"{\"city\":\"Bern\"}"}</tool_call>"#,
        r#"<tool_call>{"function":{"name":"get_weather","arguments":{"city":"Bern"}}}</tool_call>"#,
        r#"<tool_call>{"type":"function","function":"get_weather","arguments":{"city":"Bern"}}</tool_call>"#,
        r#"<tool_call name="get_weather">{"city":"Bern"}</tool_call>"#,
        r#"<tool_call name="get_weather">{"name":"get_weather","arguments":{"city":"Bern"}}</tool_call>"#,
        r#"<function=get_weather>{"city":"Bern"}</function>"#,
        r#"<tool_call><function=get_weather>{"city":"Bern"}</function></tool_call>"#,
        "<tool_call>\n<function=get_weather>\n<parameter=city>\nBern\n</parameter>\n</function>\n</tool_call>",
        "<function_calls>\n<invoke name=\"get_weather\">\n<parameter name=\"city\">Bern</parameter>\n</invoke>\n</function_calls>",
        r#"<invoke name="get_weather"><parameter name="city">Bern</parameter></invoke>"#,
        r#"[TOOL_CALLS][{"name":"get_weather","arguments":{"city":"Bern"}}]"#,
        r#"[TOOL_CALLS] get_weather{"city":"Bern"}"#,
        r#"[TOOL_CALLS]get_weather[ARGS]{"city":"Bern"}"#,
        r#"<|python_tag|>{"name":"get_weather","parameters":{"city":"Bern"}}<|eom_id|>"#,
        r#"<|tool_call|>[{"name":"get_weather","arguments":{"city":"Bern"}}]<|/tool_call|>"#,
        r#"{"name":"get_weather","arguments":{"city":"Bern"}}"#,
        r#"[{"name":"get_weather","parameters":{"city":"Bern"}}]"#,
        "\n```json\n{\"name\": \"get_weather\", \"arguments\": {\"city\":\"Bern\"}}\n```\n",
        "```\n[{\"name\": \"get_weather\", \"arguments\": {\"city\":\"Bern\"}}]\n```",
        r#"{"tool_calls":[{"id":"1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Bern\"}"}}]}"#,
        r#"{"function":{"name":"get_weather","arguments":{"city":"Bern"}}}"#,
        r#"{"function_call":{"name":"get_weather","arguments":{"city":"Bern"}}}"#,
    ];
    for answer in answers {
        assert_eq!(told(&toolbox, answer), BERN, "{answer}");
    }
}

#[test]
fn what_is_missing_or_too_much_is_made_good() {
    let toolbox = toolbox();
    let answers = [
        r#"<tool_call>{"name":"get_weather","arguments":{"city":"Bern"}}"#,
        r#"<tool_call>{"name":"get_weather","arguments":{"city":"Bern"}</tool_call>"#,
        r#"<tool_call>{"name":"get_weather","arguments":{"city":"Bern"}"#,
        r#"<tool_call>{"name":"get_weather","arguments":{"city":"Bern"}}}</tool_call>"#,
        r#"<tool_call>{"name":"get_weather","arguments":{"city":"Bern"}}</tool_call></tool_call>"#,
        r#"<tool_call>{"name":"get_weather","arguments":{"city":"Bern",}}</tool_call>"#,
        r"<tool_call>{'name':'get_weather','arguments':{'city':'Bern'}}</tool_call>",
        r#"<tool_call>{name:"get_weather",arguments:{city:"Bern"}}</tool_call>"#,
        r"<function=get_weather>{'city':'Bern'}</function>",
        r"<function=get_weather><parameter=city>Bern</function>",
        r#"<function=get_weather>{"city":"Bern"}"#,
        r#"{"name":"get_weather","arguments":{"city":"Bern"}"#,
        r"{'name':'get_weather','arguments':{'city':'Bern'}}",
    ];
    for answer in answers {
        assert_eq!(told(&toolbox, answer), BERN, "{answer}");
    }
}

#[test]
fn odd_strings_and_words_are_made_good() {
    let toolbox = toolbox();
    let told = |arguments: &str| {
        told(
            &toolbox,
            &format!("<tool_call>{{\"name\":\"write\",\"arguments\":{arguments}}}</tool_call>"),
        )
    };
    assert_eq!(told("{\"text\":\"a\nb\tc\"}"), "call write {\"text\":\"a\\nb\\tc\"}\n");
    assert_eq!(
        told(r#"{"text":"say "hi" now"}"#),
        "call write {\"text\":\"say \\\"hi\\\" now\"}\n"
    );
    assert_eq!(told(r#"{"text":"a","wind":True}"#), "call write {\"text\":\"a\",\"wind\":true}\n");
    assert_eq!(told(r#"{"text":"a","more":None}"#), "call write {\"text\":\"a\",\"more\":null}\n");
}

#[test]
fn several_calls_come_in_their_order() {
    let toolbox = toolbox();
    let one = r#"{"name":"now","arguments":{}}"#;
    let two = r#"{"name":"get_weather","arguments":{"city":"Bern"}}"#;
    let answers = [
        format!("<tool_call>{one}</tool_call>\n<tool_call>{two}</tool_call>"),
        format!("<tool_call>{one}\n{two}</tool_call>"),
        format!("<tool_call>[{one},{two}]</tool_call>"),
        format!("<tool_call>{one}\n<tool_call>{two}</tool_call>"),
        format!("[TOOL_CALLS][{one}, {two}]"),
        "[TOOL_CALLS]now[ARGS]{}[TOOL_CALLS]get_weather[ARGS]{\"city\":\"Bern\"}".to_owned(),
        "<function=now></function><function=get_weather>{\"city\":\"Bern\"}</function>".to_owned(),
        format!("{one}\n{two}"),
        format!("{one}; {two}"),
        format!("```json\n[{one},{two}]\n```"),
    ];
    for answer in answers {
        assert_eq!(told(&toolbox, &answer), format!("call now {{}}\n{BERN}"), "{answer}");
    }
}

#[test]
fn text_around_calls_stays_and_blanks_go() {
    let toolbox = toolbox();
    let call = r#"<tool_call>{"name":"now","arguments":{}}</tool_call>"#;
    let answer = format!("Let me look.\n\n{call}\n\n{call}\n\nDone. ");
    assert_eq!(
        told(&toolbox, &answer),
        "text \"Let me look.\"\ncall now {}\ncall now {}\ntext \"\\n\\nDone. \"\n"
    );
    let invented =
        format!("{call}\n<tool_response name=\"now\" call=\"1\">\n12:30\n</tool_response>\nIt is");
    assert_eq!(told(&toolbox, &invented), "call now {}\n");
}

#[test]
fn a_closing_tag_in_a_string_belongs_to_the_string() {
    let toolbox = toolbox();
    let text = r#"{"text":"</tool_call> <tool_call>{} </function> </parameter>"}"#;
    let answer = format!("<tool_call>{{\"name\":\"write\",\"arguments\":{text}}}</tool_call>");
    assert_eq!(told(&toolbox, &answer), format!("call write {text}\n"));
    let answer = "<function=write><parameter=text>if </function> then\n</parameter></function>";
    assert_eq!(told(&toolbox, answer), "call write {\"text\":\"if </function> then\"}\n");
}

#[test]
fn arguments_in_tags_get_the_types_of_the_schema() {
    let toolbox = toolbox();
    let answer = "<function=get_weather>\n<parameter=city>\n12\n</parameter>\n<parameter=days>\n3\n\
                  </parameter>\n<parameter=wind>\nTrue\n</parameter>\n</function>";
    let expected = "call get_weather {\"city\":\"12\",\"days\":3,\"wind\":true}\n";
    assert_eq!(told(&toolbox, answer), expected);
}

#[test]
fn what_is_no_call_is_text() {
    let toolbox = toolbox();
    let answers = [
        "Plain text, 1 < 2, a[0], <b>bold</b> and <tools>.",
        "{\"temperature\": 3}",
        "{\"name\":\"Alice\",\"age\":3}",
        "{\"name\":\"unknown\",\"arguments\":{}}",
        "[1, 2]",
        "```python\nprint(1)\n```",
        "```json\n{\"name\":\"now\",\"arguments\":{}}\n```\nis how it would look.",
        "{\"name\":\"now\",\"argum",
        "std::function<int> f; </function> <parameter name=\"a\"> </parameter>",
        "a <tool",
        "",
    ];
    for answer in answers {
        let expected = if answer.is_empty() { String::new() } else { format!("text {answer:?}\n") };
        assert_eq!(told(&toolbox, answer), expected, "{answer}");
    }
}

#[test]
fn a_mention_is_left_out_and_a_failed_call_is_told() {
    let toolbox = toolbox();
    let cases = [
        (
            "Write <tool_call> and then </tool_call> around it.",
            "text \"Write  and then  around it.\"\n",
        ),
        ("<tool_call>\nget_weather(Bern)\n</tool_call>", "broken: a tool call cannot be read\n"),
        ("Hm.\n<tool_call>\n</tool_call>", "text \"Hm.\"\nbroken: a tool call cannot be read\n"),
        ("Hm.\n<tool_call>\n", "text \"Hm.\"\nbroken: the answer ends within a tool call\n"),
        ("Hm. <tool_call>", "text \"Hm. \"\n"),
        ("Hm.\n<tool_ca", "text \"Hm.\"\nbroken: the answer ends within a tool call\n"),
        (
            "<tool_call>{\"name\":\"write\",\"arguments\":{\"text\":\"a b",
            "broken: the answer ends within a tool call\n",
        ),
        ("<tool_call>{\"arguments\":{}}</tool_call>", "broken: a tool call cannot be read\n"),
        (
            "<tool_call>{\"name\":\"other\",\"arguments\":{}}</tool_call>",
            "problem: a tool was called that is not offered\n",
        ),
        ("<|python_tag|>now.call()", "broken: the answer ends within a tool call\n"),
        ("<function=write>12</function>", "broken: a tool call cannot be read\n"),
        (
            "<tool_call>{\"name\":\"write\",\"arguments\":[1]}</tool_call>",
            "problem: the arguments of the call of `write` are no JSON object\n",
        ),
    ];
    for (answer, expected) in cases {
        assert_eq!(told(&toolbox, answer), expected, "{answer}");
    }
    let long = format!("<tool_call>\nis a tag {}", "that models know. ".repeat(20));
    assert!(told(&toolbox, &long).starts_with("text \"\\nis a tag"), "prose after a tag is prose");
    let problem = told(&toolbox, "<tool_call>{\"name\":\"write\",\"arguments\":{}}</tool_call>");
    assert!(
        problem.starts_with("problem: the arguments of the call of `write` do not fit"),
        "{problem}"
    );
}

#[test]
fn a_call_without_end_is_given_up_in_time() {
    let toolbox = toolbox();
    let answer = format!("Hm.\n<tool_call>{{\"name\":\"{}", "x".repeat(2 << 20));
    let expected = "text \"Hm.\"\nbroken: a tool call is longer than 1 MiB\n";
    assert_eq!(told(&toolbox, &answer), expected);
}

#[test]
fn closing_tags_behind_a_call_are_left_out_whatever_their_form() {
    let toolbox = toolbox();
    let call = r#"{"name":"now","arguments":{}}"#;
    let answers = [
        format!("<tool_call>{call}</function> bye"),
        format!("<tool_call>{call}</invoke>\nbye"),
        format!("<tool_call>{call}</parameter></tool_call> bye"),
        "<function=now>{}</tool_calls></function> bye".to_owned(),
        format!("[TOOL_CALLS][{call}]</tool_call></function>bye"),
    ];
    for answer in answers {
        assert_eq!(told(&toolbox, &answer), "call now {}\ntext \"bye\"\n", "{answer}");
    }
}

#[test]
fn blanks_before_a_tag_that_is_left_out_stay() {
    let toolbox = toolbox();
    assert_eq!(told(&toolbox, "Done.\n\n<|eom_id|>Next"), "text \"Done.\\n\\nNext\"\n");
    let wrapped = "Hm.\n<tool_calls>\n<function=now>{}</function>\n</tool_calls>";
    assert_eq!(told(&toolbox, wrapped), "text \"Hm.\"\ncall now {}\n");
}
