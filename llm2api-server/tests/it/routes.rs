use crate::harness::{Running, body, header, json, status};

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str = r#"{"model":"demo","messages":[{"role":"user","content":"Hello"}]}"#;

#[tokio::test]
async fn models_are_listed_and_shown() {
    let server = Running::start(&[]).await;
    let list = json(&server.get("/v1/models", "").await);
    assert_eq!(list["object"], "list");
    assert_eq!(list["data"][0]["id"], "demo");
    assert_eq!(json(&server.get("/v1/models/demo", "").await)["object"], "model");
    for id in ["meta-llama/Llama", "meta-llama%2FLlama", "", "a%0d%0ab"] {
        let answer = server.get(&format!("/v1/models/{id}"), "").await;
        assert_eq!(status(&answer), 404, "{answer}");
        assert_eq!(json(&answer)["error"]["code"], "model_not_found", "{answer}");
    }
}

#[tokio::test]
async fn client_paths_want_a_key_and_no_others_do() {
    let server = Running::start(&[("API_KEY", "sk-one, sk-two")]).await;
    for path in
        ["/", "/livez", "/readyz", "/health", "/healthz", "/health/liveliness", "/health/readiness"]
    {
        assert_eq!(status(&server.get(path, "").await), 200, "{path}");
    }
    for path in ["/v1/models", "/v1/models/demo", CHAT] {
        let answer = server.get(path, "").await;
        assert_eq!(status(&answer), 401, "{path}");
        assert_eq!(header(&answer, "www-authenticate"), Some("Bearer"));
        assert_eq!(json(&answer)["error"]["code"], "invalid_api_key");
    }
    let wrong =
        ["Authorization: Bearer sk-on\r\n", "Cookie: api_key=sk-one\r\n", "x-api-key: sk-one\r\n"];
    for headers in wrong {
        assert_eq!(status(&server.post(CHAT, headers, HELLO).await), 401, "{headers}");
    }
    assert_eq!(status(&server.get("/v1/models?api_key=sk-one", "").await), 401);
    for key in ["sk-one", "sk-two"] {
        let headers = format!("Authorization: Bearer {key}\r\n");
        assert_eq!(status(&server.post(CHAT, &headers, HELLO).await), 200, "{key}");
    }
}

#[tokio::test]
async fn what_is_not_there_gets_the_envelope() {
    let server = Running::start(&[]).await;
    for path in
        ["/v2", "/v1", "/v1/chat", "/../etc/passwd", "//evil.example", "/livez/x", "/%2e%2e/x"]
    {
        let answer = server.get(path, "").await;
        assert_eq!(status(&answer), 404, "{path}: {answer}");
        assert_eq!(json(&answer)["error"]["code"], "unknown_path");
        assert_eq!(header(&answer, "location"), None);
    }
    let answer = server.get(CHAT, "").await;
    assert_eq!(status(&answer), 405);
    assert_eq!(header(&answer, "allow"), Some("POST, OPTIONS"));
    let answer = server.post("/livez", "", "").await;
    assert_eq!((status(&answer), header(&answer, "allow")), (405, Some("GET, HEAD")));
}

#[tokio::test]
async fn browsers_may_call_the_client_paths_only() {
    let server = Running::start(&[("API_KEY", "sk-one")]).await;
    let origin = "Origin: https://evil.example\r\n";
    let preflight = format!(
        "OPTIONS {CHAT} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{origin}\
         Access-Control-Request-Method: POST\r\n\
         Access-Control-Request-Headers: authorization,x-stainless-os\r\n\r\n"
    );
    let answer = server.exchange(&preflight).await;
    assert_eq!(status(&answer), 204, "{answer}");
    assert_eq!(header(&answer, "access-control-allow-origin"), Some("*"));
    assert_eq!(header(&answer, "access-control-allow-methods"), Some("POST, OPTIONS"));
    assert_eq!(
        header(&answer, "access-control-allow-headers"),
        Some("Authorization, Content-Type, *")
    );
    let refused = server.post(CHAT, origin, HELLO).await;
    assert_eq!(status(&refused), 401);
    assert_eq!(header(&refused, "access-control-allow-origin"), Some("*"));
    assert_eq!(header(&refused, "access-control-allow-credentials"), None);
    let health = server.get("/livez", origin).await;
    assert_eq!(header(&health, "access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_prefix_moves_the_client_paths_and_nothing_else() {
    let server = Running::start(&[("API_PATH", "/team/a/")]).await;
    assert_eq!(status(&server.post("/team/a/v1/chat/completions", "", HELLO).await), 200);
    assert_eq!(status(&server.get("/team/a/v1/models/demo", "").await), 200);
    assert_eq!(status(&server.post(CHAT, "", HELLO).await), 404);
    assert_eq!(status(&server.get("/livez", "").await), 200);
    assert_eq!(status(&server.get("/team/a/livez", "").await), 404);
    assert_eq!(json(&server.get("/", "").await)["base_url"], "/team/a/v1");
}

#[tokio::test]
async fn head_gives_the_head_of_get() {
    let server = Running::start(&[]).await;
    let head = "HEAD /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = server.exchange(head).await;
    assert_eq!((status(&answer), body(&answer)), (200, ""));
}
