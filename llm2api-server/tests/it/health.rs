use llm2api_core::{Client, UpstreamConfig};
use serde_json::json;

use crate::harness::{Running, json as read, status};

async fn team() -> Client {
    let upstream = UpstreamConfig::new("demo", "team-canary")
        .with_credential("secret-canary")
        .with_credential("second-canary");
    Client::builder().with_upstream(upstream).build().await.expect("valid")
}

#[tokio::test]
async fn a_server_without_usable_credentials_is_ready_and_says_so() {
    let client = team().await;
    let server = Running::over(client.clone(), &[]);
    let health = read(&server.get("/health", "").await);
    assert_eq!(health["status"], "ok");
    assert_eq!(health["credentials"], json!({"usable": 2, "total": 2}));
    assert_eq!(health["store"], "ok");
    assert!(health["uptime_seconds"].is_u64() && health["version"].is_string(), "{health}");
    for account in client.accounts().list() {
        client.accounts().disable(&account.id).await.expect("is there");
    }
    let health = read(&server.get("/health", "").await);
    assert_eq!(health["credentials"], json!({"usable": 0, "total": 2}));
    let answer = server.get("/readyz?verbose", "").await;
    assert_eq!(status(&answer), 200, "{answer}");
    let checks = &read(&answer)["checks"];
    let of_upstream = json!({
        "name": "credentials", "ok": false, "required": false, "upstream": 1, "usable": 0, "total": 2
    });
    assert!(checks.as_array().expect("checks").contains(&of_upstream), "{checks}");
}

#[tokio::test]
async fn checks_are_told_to_those_who_ask_for_them() {
    let server = Running::over(team().await, &[]);
    for path in ["/readyz", "/readyz?verbose=false", "/readyz?verbosely", "/health/readiness"] {
        assert!(read(&server.get(path, "").await).get("checks").is_none(), "{path}");
    }
    for path in ["/readyz?verbose", "/readyz?a=b&verbose=1", "/health/readiness?verbose"] {
        let answer = read(&server.get(path, "").await);
        let names: Vec<_> = answer["checks"]
            .as_array()
            .expect("checks")
            .iter()
            .map(|check| check["name"].as_str().expect("a name"))
            .collect();
        assert_eq!(names, ["draining", "authorisation", "store", "credentials"], "{path}");
    }
}

#[tokio::test]
async fn health_names_no_account_and_no_upstream() {
    let client = team().await;
    let ids: Vec<_> = client.accounts().list().into_iter().map(|account| account.id).collect();
    let server = Running::over(client, &[]);
    for path in ["/livez", "/readyz?verbose", "/health", "/healthz", "/health/liveliness"] {
        let answer = server.get(path, "").await;
        assert!(!answer.contains("canary"), "{answer}");
        for id in &ids {
            assert!(!answer.contains(id.as_str()), "{answer}");
        }
    }
}
