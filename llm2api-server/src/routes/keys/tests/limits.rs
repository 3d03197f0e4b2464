//! How much keys may use, and what their holders are told.

use std::fmt::Write as _;

use futures::StreamExt;
use llm2api_core::auth::{Authorisation, Claims, PrivateKey, sign};
use llm2api_core::quota::Allowance;

use super::*;

/// The status, the headers about limits, and the error.
async fn told(response: Response) -> String {
    let mut text = format!("{}\n", response.status().as_u16());
    for (name, value) in response.headers() {
        if name.as_str().starts_with("x-ratelimit") || name == "retry-after" {
            let value = value.to_str().expect("is text");
            writeln!(text, "{name}: {value}").expect("a String takes everything");
        }
    }
    let body = response.into_body().into_bytes().await.expect("a whole body");
    let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(error) = body.get_mut("error") {
        error.as_object_mut().map(|error| error.remove("request_id"));
        writeln!(text, "{error}").expect("a String takes everything");
    }
    text
}

async fn asked(app: &impl Endpoint<Output = Response>, key: &str, stream: bool) -> Response {
    answer(app, (Method::POST, CHAT), key, hi(stream)).await
}

/// The tokens that the only key has used today.
async fn today(app: &impl Endpoint<Output = Response>) -> Value {
    let (_, list) = send(app, (Method::GET, "/keys"), "operator", json!(null)).await;
    list["data"][0]["tokens_today"].clone()
}

#[tokio::test(start_paused = true)]
async fn requests_of_a_minute_are_counted_and_told() {
    let app = served(&[]).await;
    let (_, key) = created(&app, json!({"requests_per_minute": 2})).await;
    let mut all = String::new();
    for _ in 0..3 {
        all += &told(asked(&app, &key, false).await).await;
    }
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let body = json!({"model": "demo", "max_tokens": 9, "messages": messages});
    all += &told(answer(&app, (Method::POST, "/v1/messages"), &key, body).await).await;
    insta::assert_snapshot!(all);
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    assert_eq!(chat(&app, &key).await.0, 200);
    assert_eq!(chat(&app, &key).await.1, "rate_limit_exceeded");
}

#[tokio::test]
async fn what_does_not_reach_the_engine_takes_nothing() {
    let app = served(&[]).await;
    let limits = json!({"requests_per_minute": 1, "models": ["demo"], "tokens_per_day": 9999});
    let (_, key) = created(&app, limits).await;
    let post = async |path, body: Value| send(&app, (Method::POST, path), &key, body).await.0;
    assert_eq!(post(CHAT, json!({"model": "demo"})).await, 400);
    assert_eq!(post(CHAT, json!({"model": "other", "messages": hi(false)["messages"]})).await, 403);
    assert_eq!(post("/v1/messages/count_tokens", hi(false)).await, 200);
    for path in ["/v1/models", "/v1/models/demo"] {
        let response = answer(&app, (Method::GET, path), &key, json!(null)).await;
        assert_eq!(response.header("x-ratelimit-limit-requests"), None);
        assert_eq!(response.status().as_u16(), 200);
    }
    assert_eq!(today(&app).await, json!(0));
    assert_eq!(chat(&app, &key).await.0, 200, "all of them have left it");
    assert_eq!(chat(&app, &key).await.0, 429);
}

#[tokio::test]
async fn tokens_of_a_day_are_those_that_answers_took() {
    let app = served(&[]).await;
    let (_, key) = created(&app, json!({"tokens_per_day": 12})).await;
    let (status, body) = send(&app, (Method::POST, CHAT), &key, hi(false)).await;
    let took = &body["usage"]["total_tokens"];
    assert!(status == 200 && took.as_u64().is_some_and(|took| took > 12), "{body}");
    assert_eq!(&today(&app).await, took);
    let response = asked(&app, &key, true).await;
    assert_eq!(response.header("x-ratelimit-limit-tokens"), Some("12"));
    assert_eq!(response.header("x-ratelimit-remaining-tokens"), Some("0"));
    let wait = response.header("retry-after").and_then(|wait| wait.parse::<u64>().ok());
    assert!(wait.is_some_and(|wait| (1..=86_400).contains(&wait)), "{wait:?}");
    let told = told(response).await;
    assert!(told.starts_with("429") && told.contains("insufficient_quota"), "{told}");
}

#[tokio::test]
async fn a_place_is_held_until_the_stream_ends_whichever_way() {
    let app = served(&[]).await;
    let (_, key) = created(&app, json!({"concurrency": 1, "tokens_per_day": 99_999})).await;
    let stream = asked(&app, &key, true).await;
    assert_eq!(stream.status().as_u16(), 200);
    assert_eq!(stream.header("x-ratelimit-limit-requests"), None, "there is no such limit");
    let refused = told(asked(&app, &key, false).await).await;
    assert!(refused.contains("concurrency_limit_exceeded"), "{refused}");
    assert!(refused.contains("retry-after: 1"), "{refused}");
    let mut pieces = stream.into_body().into_bytes_stream();
    for _ in 0..2 {
        pieces.next().await.expect("a role, and a word").expect("a whole piece");
    }
    drop(pieces);
    let after = today(&app).await;
    assert!(after.as_u64().is_some_and(|tokens| tokens > 0), "a cancelled one counts: {after}");
    let stream = asked(&app, &key, true).await;
    assert_eq!(stream.status().as_u16(), 200, "it is free again");
    stream.into_body().into_bytes().await.expect("a whole stream");
    assert_eq!(chat(&app, &key).await.0, 200, "and again");
}

#[tokio::test]
async fn browsers_may_read_what_is_left() {
    let app = served(&[]).await;
    let (_, key) = created(&app, json!({"requests_per_minute": 2})).await;
    let response = asked(&app, &key, false).await;
    let exposed = response.header("access-control-expose-headers").expect("there are some");
    let told = response.headers().keys().map(poem::http::HeaderName::as_str);
    let told: Vec<_> = told.filter(|name| name.starts_with("x-ratelimit")).collect();
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|name| exposed.contains(name)), "{exposed}");
}

/// An engine that is authorised for so much.
async fn authorised(limits: Allowance) -> Client {
    let key = PrivateKey::random().expect("random");
    let mut claims = Claims::new("code_1", "Ann", 1_790_000_000);
    claims.limits = limits;
    let code = sign(&claims, &key).expect("short");
    let authorisation = Authorisation::new(code).with_public_key(key.public_key());
    let client = Client::builder().with_authorisation(authorisation).build();
    client.await.expect("the code is good")
}

#[tokio::test(start_paused = true)]
async fn all_callers_together_are_held_to_what_the_installation_may() {
    let limits = Allowance { requests_per_minute: Some(2), ..Allowance::default() };
    let app = over(authorised(limits).await, &[("API_KEY", "sk-fixed")]);
    let (_, key) = created(&app, json!({"requests_per_minute": 1})).await;
    assert_eq!(chat(&app, &key).await.0, 200);
    assert_eq!(chat(&app, &key).await.1, "rate_limit_exceeded", "that of the key");
    assert_eq!(chat(&app, "sk-fixed").await.0, 200, "it has taken nothing from the others");
    let refused = asked(&app, "sk-fixed", false).await;
    assert_eq!(refused.header("x-ratelimit-limit-requests"), None, "that is of keys");
    let refused = told(refused).await;
    assert!(refused.contains("this server has begun all requests"), "{refused}");
    assert!(refused.contains("retry-after: "), "{refused}");
}

#[tokio::test]
async fn the_place_of_the_installation_is_held_until_the_stream_ends() {
    let limits = Allowance { concurrency: Some(1), ..Allowance::default() };
    let app = over(authorised(limits).await, &[]);
    let stream = asked(&app, "any", true).await;
    assert_eq!(chat(&app, "any").await, (429, "concurrency_limit_exceeded".into()));
    drop(stream);
    assert_eq!(chat(&app, "any").await.0, 200);
}
