//! Parameters that an upstream does not go by, over the demo, which goes by few.

use serde_json::json;

use crate::harness::{Running, body, header, json, status};

const CHAT: &str = "/v1/chat/completions";
const NAMED: &str = "x-llm2api-ignored-params";

fn hello(fields: &str) -> String {
    let messages = r#""messages":[{"role":"user","content":"Hello"}]"#;
    format!(r#"{{"model":"demo",{messages}{fields}}}"#)
}

#[tokio::test]
async fn g24_an_answer_names_what_it_does_not_go_by() {
    let server = Running::start(&[]).await;
    for stream in ["", r#","stream":true"#] {
        let fields = format!(r#"{stream},"seed":7,"n":1,"logprobs":false,"top_k":5,"user":null"#);
        let answer = server.post(CHAT, "", &hello(&fields)).await;
        assert_eq!((status(&answer), header(&answer, NAMED)), (200, Some("seed, top_k")));
        let exposed = header(&answer, "access-control-expose-headers").unwrap_or_default();
        assert!(exposed.contains(NAMED), "{exposed}");
        let answer = server.post(CHAT, "", &hello(stream)).await;
        assert_eq!((status(&answer), header(&answer, NAMED)), (200, None));
    }
}

#[tokio::test]
async fn names_of_the_clients_choice_cannot_forge_headers() {
    let server = Running::start(&[]).await;
    let answer = server.post(CHAT, "", &hello(r#","a\r\nx-forged: b":1,"x,y":1,"z":1"#)).await;
    assert_eq!((status(&answer), header(&answer, NAMED)), (200, Some("z, *")));
    assert_eq!(header(&answer, "x-forged"), None);
    let many: Vec<_> = (0..5000).map(|at| format!(r#","field_{at}":1"#)).collect();
    let answer = server.post(CHAT, "", &hello(&many.concat())).await;
    assert_eq!(status(&answer), 200);
    assert!(header(&answer, NAMED).is_some_and(|names| names.len() < 4096), "{answer}");
}

#[tokio::test]
async fn g24_strict_parameters_turns_ignored_into_400() {
    let server = Running::start(&[("STRICT_PARAMETERS", "true")]).await;
    let refused = server.post(CHAT, "", &hello(r#","seed":7"#)).await;
    let error = &json(&refused)["error"];
    assert_eq!((status(&refused), &error["param"]), (400, &json!("seed")), "{refused}");
    assert_eq!(error["code"], "unsupported_parameter");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains("`seed`") && message.contains("STRICT_PARAMETERS"), "{message}");
    assert_eq!(status(&server.post(CHAT, "", &hello(r#","n":1"#)).await), 200);
}

#[tokio::test]
async fn what_cannot_be_had_is_refused_either_way() {
    for strict in ["true", "false"] {
        let server = Running::start(&[("STRICT_PARAMETERS", strict)]).await;
        let refused = server.post(CHAT, "", &hello(r#","n":2,"stream":true"#)).await;
        let error = &json(&refused)["error"];
        assert_eq!((status(&refused), &error["param"]), (400, &json!("n")), "{refused}");
        assert_eq!(error["code"], "unsupported_parameter");
    }
}

#[tokio::test]
async fn a_model_shows_who_serves_it_and_what_becomes_of_each_parameter() {
    let server = Running::start(&[]).await;
    let list = json(&server.get("/v1/models", "").await);
    let wanted = json!({"upstreams": ["demo"], "capabilities": {
        "vision": true, "tools": "native", "reasoning": false, "structured_output": null
    }});
    assert_eq!(list["data"][0]["llm2api"], wanted);
    for (path, id) in [("demo", "demo"), ("demo/demo", "demo/demo"), ("demo%2Fdemo", "demo/demo")] {
        let answer = server.get(&format!("/v1/models/{path}"), "").await;
        assert_eq!((status(&answer), &json(&answer)["id"]), (200, &json!(id)), "{}", body(&answer));
        let parameters = &json(&answer)["llm2api"]["parameters"];
        let treated = ["tools", "stop", "seed", "n"].map(|name| parameters[name].clone());
        assert_eq!(
            treated,
            ["honoured", "emulated", "ignored", "rejected"].map(|word| json!(word))
        );
    }
}
