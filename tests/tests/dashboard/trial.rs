//! The operator tries the server out.

use llm2api_tests::processes::{API_KEY, MODEL, http};
use serde_json::{Value, json};

use super::{Place, get};

#[tokio::test]
async fn the_operator_chats_without_a_clients_key() {
    let place = Place::new().await;
    let server = place.start("one", "key-one", &[]).await;
    let made = server.api.post("/key/create", &json!({"label": "Ann"})).await;
    assert_eq!(made.status, 200, "{made:?}");
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "hello"}]});
    let answer = server.api.post("/try/chat/completions", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body["choices"][0]["message"]["content"].is_string());

    let request = get(&server.api, "/requests?limit=1").await["data"][0].clone();
    assert_eq!(request["route"], "/try/chat/completions");
    assert_eq!((&request["key"], &request["model"]), (&Value::Null, &json!(MODEL)));
    let keys = get(&server.api, "/stats/keys").await["data"].clone();
    assert_eq!((&keys[0]["name"], &keys[0]["requests"]), (&json!("Ann"), &json!(0)));

    let url = format!("{}/try/chat/completions", server.api.url());
    let request = http().post(&url).bearer_auth(API_KEY).json(&body);
    assert_eq!(request.send().await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn what_a_key_was_used_for_is_counted_for_it() {
    let place = Place::new().await;
    let server = place.start("one", "key-one", &[]).await;
    let made = server.api.post("/key/create", &json!({"label": "Ann"})).await.body;
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "hello"}]});
    let url = format!("{}/v1/chat/completions", server.api.url());
    let request = http().post(&url).bearer_auth(made["key"].as_str().expect("a key")).json(&body);
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    let keys = get(&server.api, "/stats/keys").await["data"].clone();
    assert_eq!((&keys[0]["id"], &keys[0]["completed"]), (&made["id"], &json!(1)));
    let request = get(&server.api, "/requests?limit=1").await["data"][0].clone();
    assert_eq!(request["key"], json!({"id": made["id"], "name": "Ann"}));
    let path = format!("/stats/series?of=key:{}&span=hour", made["id"].as_str().expect("an id"));
    assert_eq!(get(&server.api, &path).await["points"][0]["requests"], 1);
}
