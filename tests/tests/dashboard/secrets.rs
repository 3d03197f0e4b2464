//! None of what the dashboard is told holds a secret, or what was said.

use llm2api_tests::Script;
use llm2api_tests::processes::{ADMIN_KEY, API_KEY, MODEL, Outcome};
use serde_json::json;

use super::feed::Feed;
use super::{Place, get};

const SECRETS: [&str; 6] =
    ["canary-cookie", "canary-question", "canary-answer", "canary-made-key", ADMIN_KEY, API_KEY];

#[tokio::test]
async fn g26_the_dashboard_is_told_no_secret_and_nothing_that_was_said() {
    let place = Place::new().await;
    let server = place.start("one", "canary-cookie-one", &[]).await;
    let made = server.api.post("/key/create", &json!({"label": "Ann"})).await.body;
    let key = made["key"].as_str().expect("a key").to_owned();
    let pass = format!("Bearer {ADMIN_KEY}");
    let feed = Feed::open(server.api.url(), ("authorization", &pass)).await;
    let mut feed = feed.unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let mut told = format!("{:?}", feed.next().await);

    // An upstream that repeats what it was sent with an error, and one that answers.
    let repeats = json!({"error": {"message": "no: Bearer canary-cookie-one"}});
    place.upstream.script(Script::json(500, repeats));
    let messages = json!([{"role": "user", "content": "ECHO:canary-answer canary-question"}]);
    for body in [
        json!({"model": MODEL, "messages": messages}),
        json!({"model": MODEL, "messages": messages, "stream": true}),
        json!({"model": MODEL, "messages": messages, "user": key, "max_tokens": -1}),
    ] {
        Outcome::to(&server.api, "/v1/chat/completions", &body).await;
    }
    let requests = get(&server.api, "/requests").await;
    for name in ["stats", "accounts", "requests"] {
        told += &feed.event(name).await.to_string();
    }
    let ids = requests["data"].as_array().expect("a list").iter();
    let explained =
        ids.map(|request| format!("/v1/explain/{}", request["id"].as_str().expect("an id")));
    let paths = [
        "/stats",
        "/stats/models",
        "/stats/keys",
        "/stats/sparks",
        "/stats/series?of=total&span=minute",
        "/requests",
        "/settings",
    ];
    for path in paths.map(str::to_owned).into_iter().chain(explained) {
        told += &get(&server.api, &path).await.to_string();
    }
    assert!(told.len() > 5000 && told.contains("upstream"), "{told}");
    for secret in SECRETS.into_iter().chain([key.as_str()]) {
        assert!(!told.contains(secret), "{secret} is told: {told}");
    }
}
