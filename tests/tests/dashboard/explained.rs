//! Why a request went as it did.

use llm2api_tests::processes::{Outcome, Server};
use llm2api_tests::{Script, Step};
use serde_json::{Value, json};

use super::{Place, chat, get, name_accounts, number, text};

/// Refuses the next request for its rate, for half a minute.
fn limited() -> Script {
    let headers = vec![("retry-after".into(), "30".into())];
    Script::steps([Step::Json {
        status: 429,
        headers,
        body: json!({"error": {"message": "slow"}}),
    }])
}

async fn last(server: &Server) -> Value {
    get(&server.api, "/requests?limit=1").await["data"][0].clone()
}

#[tokio::test]
async fn a_retry_with_another_credential_is_told_with_reasons_and_times() {
    let place = Place::new().await;
    let server = place.start("one", "key-one,key-two", &[]).await;
    let ids = name_accounts(&server).await;
    place.upstream.script(limited());
    let outcome = chat(&server).await;

    let id = outcome.header("x-request-id").expect("an id").to_owned();
    let explained = get(&server.api, &format!("/v1/explain/{id}")).await;
    assert_eq!(explained["id"], id.as_str());
    assert_eq!((&explained["status"], &explained["code"]), (&json!(200), &Value::Null));
    let [failed, completed] = &explained["attempts"].as_array().expect("a list")[..] else {
        panic!("two attempts: {explained}")
    };
    assert_eq!((&failed["result"], &failed["status"]), (&json!("failed"), &json!(429)));
    assert_eq!(failed["code"], "rate_limit_exceeded");
    assert_eq!(failed["then"], "other credentials");
    assert_eq!((&completed["result"], &completed["then"]), (&json!("completed"), &Value::Null));
    let labels = [text(&failed["label"]), text(&completed["label"])];
    assert!(labels.contains(&"first".to_owned()) && labels.contains(&"second".to_owned()));
    let (over, began) = (number(&failed["end_ms"]), number(&completed["at_ms"]));
    let (content, end) = (number(&completed["first_content_ms"]), number(&completed["end_ms"]));
    assert!(over <= began && began <= content && content <= end, "{explained}");
    assert!(end <= number(&explained["duration_ms"]) + 1, "{explained}");

    let [first, second] = &explained["choices"].as_array().expect("a list")[..] else {
        panic!("two choices: {explained}")
    };
    assert_eq!(first["considered"].as_array().map(Vec::len), Some(2));
    assert_eq!(first["by"], "least-loaded");
    assert_eq!(
        (&first["credential"], &second["credential"]),
        (&failed["credential"], &completed["credential"])
    );
    let excluded = &second["excluded"][0];
    assert_eq!(excluded["credential"], failed["credential"]);
    assert_eq!(
        (&excluded["label"], &excluded["reason"]),
        (&failed["label"], &json!("tried before"))
    );

    // It rests now, and the next choice says until when.
    let limited = ids.iter().find(|id| **id == failed["credential"]).expect("one of them");
    let accounts = server.api.cookies().await;
    let account =
        accounts.iter().find(|account| account["id"] == limited.as_str()).expect("listed");
    assert_eq!(account["state"], "cooling");
    chat(&server).await;
    let next = last(&server).await;
    let next = get(&server.api, &format!("/v1/explain/{}", text(&next["id"]))).await;
    let excluded = &next["choices"][0]["excluded"][0];
    assert_eq!(
        (&excluded["label"], &excluded["reason"]),
        (&failed["label"], &json!("rate_limited"))
    );
    let (until, known) = (number(&excluded["until"]), number(&account["until"]));
    assert!(until.abs_diff(known) <= 1, "{until} and {known}");
}

#[tokio::test]
async fn a_model_that_nobody_has_is_named_to_the_operator_and_not_in_the_log() {
    let place = Place::new().await;
    let server = place.start("one", "key-one", &[]).await;
    let body =
        json!({"model": "my-secret-canary", "messages": [{"role": "user", "content": "hi"}]});
    let outcome = Outcome::to(&server.api, "/v1/chat/completions", &body).await;
    assert_eq!(outcome.refusal(), (404, "model_not_found".to_owned()));
    let request = last(&server).await;
    assert_eq!((&request["model"], &request["status"]), (&json!("my-secret-canary"), &json!(404)));
    assert_eq!(request["code"], "model_not_found");
    assert!(!server.logged("my-secret-canary"));
}

#[tokio::test]
async fn a_request_that_nobody_knows_and_wrong_queries_are_refused() {
    let place = Place::new().await;
    let server = place.start("one", "key-one", &[]).await;
    let unknown = server.api.get("/v1/explain/req_nobody").await;
    assert_eq!(
        (unknown.status, &unknown.body["error"]["code"]),
        (404, &json!("request_not_found"))
    );
    for path in [
        "/requests?limit=0",
        "/requests?limit=many",
        "/stats/series",
        "/stats/series?of=total&span=day",
        "/stats/series?of=total&span=hour&last=721",
    ] {
        let answer = server.api.get(path).await;
        assert_eq!((answer.status, &answer.body["error"]["code"]), (400, &json!("invalid_value")));
        let message = text(&answer.body["error"]["message"]);
        assert!(message.starts_with("write "), "{path}: {message}");
    }
}

#[tokio::test]
async fn a_refusal_names_counts_and_the_time_to_come_back_and_no_account() {
    let place = Place::new().await;
    let server = place.start("one", "key-one,key-two", &[("QUEUE_TIMEOUT", "0")]).await;
    let ids = name_accounts(&server).await;
    // Two that are limited would be the upstream's own fault, which has no counts.
    let disabled = server.api.post("/cookie/disable", &json!({"id": ids[0]})).await;
    assert_eq!(disabled.status, 200);
    place.upstream.script(limited());
    let outcome = Outcome::of(&server.api, "hello", false).await;
    assert_eq!(outcome.status, 429, "{outcome:?}");
    let messages = json!([{"role": "user", "content": "hi"}]);
    let model = llm2api_tests::processes::MODEL;
    let asked = [
        ("/v1/chat/completions", json!({"model": model, "messages": messages})),
        ("/v1/chat/completions", json!({"model": model, "messages": messages, "stream": true})),
        ("/v1/responses", json!({"model": model, "input": "hi"})),
        ("/v1/messages", json!({"model": model, "messages": messages, "max_tokens": 9})),
    ];
    for (path, body) in asked {
        let outcome = Outcome::to(&server.api, path, &body).await;
        assert_eq!(outcome.status, 429, "{path}: {outcome:?}");
        assert!(outcome.body.contains("1 disabled, 1 rate_limited"), "{path}: {outcome:?}");
        assert!(outcome.retry_after.is_some_and(|wait| (1..=30).contains(&wait)), "{outcome:?}");
        let names = ["first", "second", "key-one", "key-two"].into_iter();
        for name in names.chain(ids.iter().map(String::as_str)) {
            assert!(!outcome.body.contains(name), "{path} names {name}: {outcome:?}");
        }
        // The operator is told which.
        let request = text(&last(&server).await["id"]);
        let explained = get(&server.api, &format!("/v1/explain/{request}")).await;
        let excluded = explained["choices"][0]["excluded"].as_array().expect("a list");
        assert_eq!(excluded.len(), 2, "{explained}");
        assert!(text(&explained["choices"][0]["refusal"]).contains("1 rate_limited"));
    }
}
