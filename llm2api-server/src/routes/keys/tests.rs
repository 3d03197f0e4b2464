//! The operator's paths for keys, and what keys open.

use llm2api_core::Client;
use poem::http::Method;
use poem::{Endpoint, Request, Response};
use serde_json::{Value, json};

use crate::app;
use crate::config::{Settings, Sources};
use crate::state::State;
use crate::stop::Stop;

mod limits;

const CHAT: &str = "/v1/chat/completions";

/// An app over the demo.
async fn served(pairs: &[(&str, &str)]) -> impl Endpoint<Output = Response> {
    over(Client::builder().build().await.expect("the demo needs nothing"), pairs)
}

fn over(client: Client, pairs: &[(&str, &str)]) -> impl Endpoint<Output = Response> + use<> {
    let pairs = pairs.iter().chain(&[("ADMIN_KEY", "operator"), ("STORE_URL", "memory:")]);
    let pairs = pairs.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let sources = Sources { environment: pairs.collect(), ..Sources::default() };
    let settings = Settings::resolve(&sources).expect("valid");
    let config = settings.config().expect("valid");
    app(State::new(client, &config, Stop::new()))
}

/// Sends a request with a key; returns the status and the body.
async fn send(
    app: &impl Endpoint<Output = Response>,
    (method, path): (Method, &str),
    key: &str,
    body: Value,
) -> (u16, Value) {
    let response = answer(app, (method, path), key, body).await;
    let status = response.status().as_u16();
    let body = response.into_body().into_bytes().await.expect("a whole body");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn answer(
    app: &impl Endpoint<Output = Response>,
    (method, path): (Method, &str),
    key: &str,
    body: Value,
) -> Response {
    let request = Request::builder().method(method).uri_str(path).header("host", "localhost:9999");
    let request = request.header("authorization", format!("Bearer {key}"));
    app.get_response(request.body(body.to_string())).await
}

async fn order(app: &impl Endpoint<Output = Response>, path: &str, body: Value) -> (u16, Value) {
    send(app, (Method::POST, path), "operator", body).await
}

async fn created(app: &impl Endpoint<Output = Response>, body: Value) -> (String, String) {
    let (status, entry) = order(app, "/key/create", body).await;
    assert_eq!(status, 200, "{entry}");
    let text = |name: &str| entry[name].as_str().expect("a text").to_owned();
    (text("id"), text("key"))
}

fn hi(stream: bool) -> Value {
    let messages = json!([{"role": "user", "content": "Hi"}]);
    json!({"model": "demo", "stream": stream, "messages": messages})
}

/// Chats; returns the status and the code of the error.
async fn chat(app: &impl Endpoint<Output = Response>, key: &str) -> (u16, String) {
    let (status, body) = send(app, (Method::POST, CHAT), key, hi(false)).await;
    (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_key_is_told_once_and_listed_without_its_secret() {
    let app = served(&[]).await;
    let body = json!({
        "label": "Ann", "expires_at": 4_000_000_000_u64, "models": ["demo"],
        "requests_per_minute": 60, "tokens_per_day": 1000, "concurrency": 2,
    });
    let (status, mut entry) = order(&app, "/key/create", body).await;
    assert_eq!(status, 200);
    let (id, key) = (entry["id"].clone(), entry["key"].take());
    let key = key.as_str().expect("a key").to_owned();
    let (_, list) = send(&app, (Method::GET, "/keys"), "operator", json!(null)).await;
    assert_eq!((&list["total"], &list["data"][0]["id"]), (&json!(1), &id));
    assert!(!list.to_string().contains(&key));
    (entry["id"], entry["key"], entry["created_at"]) =
        ("ID".into(), "sk-l2a-ID-SECRET".into(), 1.into());
    insta::assert_snapshot!(entry);

    let second = created(&app, json!({})).await.0;
    for (query, ids) in
        [("limit=1", vec![&id]), (&*format!("after={id}").replace('"', ""), vec![&json!(second)])]
    {
        let path = format!("/keys?{query}");
        let (_, page) = send(&app, (Method::GET, &path), "operator", json!(null)).await;
        let data = page["data"].as_array().expect("a list");
        assert_eq!(
            (data.iter().map(|key| &key["id"]).collect::<Vec<_>>(), &page["total"]),
            (ids, &json!(2))
        );
    }
    for (query, code) in [("limit=0", "invalid_value"), ("after=x", "key_not_found")] {
        let path = format!("/keys?{query}");
        let (status, page) = send(&app, (Method::GET, &path), "operator", json!(null)).await;
        assert_eq!((status, &page["error"]["code"]), (400, &json!(code)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_opens_until_it_is_revoked_and_the_door_stays_shut() {
    let app = served(&[]).await;
    assert_eq!(chat(&app, "whatever").await.0, 200, "no key yet: everybody may chat");
    let (id, key) = created(&app, json!({})).await;
    assert_eq!(chat(&app, &key).await.0, 200);
    assert_eq!(chat(&app, "whatever").await, (401, "invalid_api_key".into()));
    let (_, rotated) = order(&app, "/key/rotate", json!({"id": id})).await;
    let second = rotated["key"].as_str().expect("a key");
    assert_eq!(chat(&app, &key).await, (401, "api_key_expired".into()));
    assert_eq!(chat(&app, second).await.0, 200);
    let (_, rotated) = order(&app, "/key/rotate", json!({"id": id, "grace": "10m"})).await;
    let third = rotated["key"].as_str().expect("a key");
    assert_eq!((chat(&app, second).await.0, chat(&app, third).await.0), (200, 200));
    let (status, revoked) = order(&app, "/key/revoke", json!({"id": id})).await;
    assert_eq!((status, &revoked["state"]), (200, &json!("revoked")));
    for key in [second, third] {
        assert_eq!(chat(&app, key).await, (401, "api_key_revoked".into()));
    }
    assert_eq!(chat(&app, "whatever").await, (401, "invalid_api_key".into()));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_costs_time_and_a_stopped_key_none() {
    let app = served(&[("API_KEY", "sk-fixed")]).await;
    let (id, key) = created(&app, json!({})).await;
    order(&app, "/key/revoke", json!({"id": id})).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(chat(&app, &key).await.1, "api_key_revoked");
    assert_eq!(begun.elapsed().as_millis(), 0);
    let (wrong, _) = key.split_at(key.len() - 1);
    assert_eq!(chat(&app, wrong).await.1, "invalid_api_key");
    assert!(begun.elapsed().as_millis() >= 100);
    assert_eq!(chat(&app, "sk-fixed").await.0, 200);
}

#[tokio::test]
async fn a_key_asks_for_its_models_alone() {
    let app = served(&[]).await;
    let (id, key) = created(&app, json!({"models": ["other", "up/*"]})).await;
    assert_eq!(chat(&app, &key).await, (403, "model_not_allowed".into()));
    let models = async |path| send(&app, (Method::GET, path), &key, json!(null)).await;
    assert_eq!(models("/v1/models").await.1["data"], json!([]));
    assert_eq!(models("/v1/models/demo").await.1["error"]["code"], "model_not_allowed");
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let messages = json!({"model": "demo", "max_tokens": 9, "messages": messages});
    let response = json!({"model": "demo", "input": "Hi"});
    for (path, body) in [("/v1/responses", response), ("/v1/messages", messages)] {
        assert_eq!(send(&app, (Method::POST, path), &key, body).await.0, 403, "{path}");
    }
    let change = json!({"id": id, "models": ["de*"]});
    assert_eq!(order(&app, "/key/update", change).await.0, 200);
    assert_eq!(chat(&app, &key).await.0, 200);
    assert_eq!(models("/v1/models").await.1["data"][0]["id"], "demo");
    assert_eq!(models("/v1/models/demo").await.0, 200);
}

#[tokio::test]
async fn an_update_sets_and_null_clears() {
    let app = served(&[]).await;
    let (id, _) = created(&app, json!({"label": "Ann", "expires": "1h", "concurrency": 2})).await;
    let change = json!({"id": id, "label": null, "expires": null, "tokens_per_day": 7});
    let (status, entry) = order(&app, "/key/update", change).await;
    assert_eq!((status, &entry["label"], &entry["expires_at"]), (200, &json!(null), &json!(null)));
    assert_eq!((&entry["tokens_per_day"], &entry["concurrency"]), (&json!(7), &json!(2)));
    let (_, entry) = order(&app, "/key/update", json!({"id": id, "expires": "30d"})).await;
    let end = entry["expires_at"].as_u64().zip(entry["created_at"].as_u64());
    assert!(end.is_some_and(|(end, created)| (2_592_000..2_592_060).contains(&(end - created))));
}

#[tokio::test]
async fn mistakes_of_the_operator_are_named() {
    let app = served(&[]).await;
    let cases = [
        ("/key/create", json!({"expires": "soon"}), 400, "invalid_value", "expires"),
        (
            "/key/create",
            json!({"expires": "1h", "expires_at": 4_000_000_000_u64}),
            400,
            "invalid_value",
            "expires",
        ),
        ("/key/create", json!({"expires_at": 1}), 400, "invalid_value", "expires_at"),
        ("/key/create", json!({"concurrency": 0}), 400, "invalid_value", "concurrency"),
        ("/key/create", json!({"concurrency": -1}), 400, "invalid_json", "concurrency"),
        ("/key/create", json!({"models": []}), 400, "invalid_value", "models"),
        ("/key/create", json!({"models": [""]}), 400, "invalid_value", "models"),
        ("/key/create", json!({"lable": "x"}), 400, "invalid_json", "lable"),
        ("/key/revoke", json!({"id": "000000000000"}), 404, "key_not_found", ""),
        ("/key/rotate", json!({"id": "000000000000"}), 404, "key_not_found", ""),
        ("/key/rotate", json!({"id": "x", "grace": "1w"}), 400, "invalid_value", "grace"),
        ("/key/update", json!({"id": "000000000000"}), 404, "key_not_found", ""),
        ("/key/update", json!({}), 400, "invalid_json", "id"),
        ("/key/revoke", json!({"id": "sk-l2a-x-canary"}), 400, "invalid_value", "id"),
        ("/key/rotate", json!({"id": "sk-l2a-x-canary"}), 400, "invalid_value", "id"),
        ("/key/update", json!({"id": "sk-l2a-x-canary"}), 400, "invalid_value", "id"),
    ];
    for (path, body, status, code, param) in cases {
        let (answered, told) = order(&app, path, body.clone()).await;
        let error = &told["error"];
        assert_eq!((answered, &error["code"]), (status, &json!(code)), "{body}: {told}");
        assert_eq!(error["param"].as_str().unwrap_or_default(), param, "{body}: {told}");
        assert!(!told.to_string().contains("canary"), "{body}: {told}");
    }
    let (id, _) = created(&app, json!({"models": null})).await;
    let (status, told) = order(&app, "/key/update", json!({"id": id, "models": []})).await;
    assert_eq!((status, &told["error"]["param"]), (400, &json!("models")));
    order(&app, "/key/revoke", json!({"id": id})).await;
    let (status, told) = order(&app, "/key/rotate", json!({"id": id})).await;
    assert_eq!((status, &told["error"]["code"]), (409, &json!("key_revoked")));
}
