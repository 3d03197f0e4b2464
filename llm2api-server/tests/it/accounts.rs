//! The operator's hand on the accounts, through the public door.

use std::time::Duration;

use async_trait::async_trait;
use llm2api_core::upstream::{Account, Capability};
use llm2api_core::{
    ChatRequest, ChatStream, Client, Credential, Error, ErrorKind, Material, Model, Result,
    Upstream, UpstreamConfig,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{Log, Running, body, header, json as read, status};

/// The account that every server of these tests begins with.
const FIRST: &str = "id=first; t=canary";
const KEY: &str = "Host: localhost\r\nAuthorization: Bearer admin-canary\r\n";

/// Knows an account by its cookie: `id=…` is let in, `id=bad…` is not, `id=down…` meets nobody.
#[derive(Debug)]
struct Club;

#[async_trait]
impl Upstream for Club {
    fn capability(&self) -> Capability {
        Capability::default()
    }

    async fn chat(&self, _: ChatRequest, _: &Credential) -> Result<ChatStream> {
        Err(Error::new(ErrorKind::Unsupported, "chat", "the club is silent"))
    }

    async fn models(&self, _: Option<&Credential>) -> Result<Vec<Model>> {
        Ok(vec![Model::new("silence", "club")])
    }

    async fn check(&self, credential: &Credential) -> Result<Account> {
        // Others get their turn here, so that what is asked at once meets.
        tokio::task::yield_now().await;
        let Material::Cookies(set) = credential.material() else { return Ok(Account::default()) };
        let id = set.get("id").map_or("", |value| value.expose());
        match id {
            id if id.starts_with("bad") => {
                Err(Error::new(ErrorKind::CredentialRejected, "check", "no member")
                    .with_status(401))
            }
            id if id.starts_with("down") => {
                Err(Error::new(ErrorKind::Connect, "check", "nobody answers the door"))
            }
            id => Ok(Account::proven(Some(id.to_owned()), Some(format!("member {id}")))),
        }
    }
}

async fn start() -> Running {
    start_with(&[]).await
}

async fn start_with(pairs: &[(&str, &str)]) -> Running {
    let upstream = UpstreamConfig::new("club", "club").with_credential(FIRST);
    let client = Client::builder().with_custom_upstream(upstream, Club).build().await;
    let pairs = [&[("ADMIN_KEY", "admin-canary"), ("API_KEY", "sk-client")], pairs].concat();
    Running::over(client.expect("an engine"), &pairs)
}

async fn post(server: &Running, path: &str, body: &Value) -> (u16, Value) {
    let answer = server.post_as(path, KEY, &body.to_string()).await;
    assert_eq!(header(&answer, "cache-control"), Some("no-store"), "{answer}");
    assert!(!answer.contains("canary"), "{path} tells a secret: {answer}");
    (status(&answer), read(&answer))
}

async fn list(server: &Running, query: &str) -> Value {
    let answer = server.get_as(&format!("/cookies{query}"), KEY).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(!answer.contains("canary"), "{answer}");
    read(&answer)
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn accounts_are_added_changed_and_removed() {
    let server = start().await;
    let new =
        json!({"cookie": "id=ann; x=canary", "label": "Ann", "upstream": "club", "weight": 3});
    let (added, entry) = post(&server, "/cookie/add", &new).await;
    assert_eq!(added, 200, "{entry}");
    assert_eq!(entry["label"], "Ann");
    assert_eq!((&entry["upstream"], &entry["weight"]), (&json!("club"), &json!(3)));
    assert_eq!((&entry["state"], &entry["account"]), (&json!("active"), &json!("member ann")));
    assert!(entry["created"].is_u64() && entry["until"].is_null(), "{entry}");
    let id = &entry["id"];

    let by_id = json!({ "id": id });
    let (_, disabled) = post(&server, "/cookie/disable", &by_id).await;
    assert_eq!(disabled["state"], "disabled");
    let by_cookie = json!({"cookie": "id=ann; x=canary"});
    let (_, enabled) = post(&server, "/cookie/enable", &by_cookie).await;
    assert_eq!((&enabled["state"], &enabled["id"]), (&json!("active"), id));
    assert_eq!(post(&server, "/cookie/clear", &by_id).await.0, 200);

    let change = json!({"id": id, "label": "Anna", "weight": 100});
    let (_, changed) = post(&server, "/cookie/update", &change).await;
    assert_eq!((&changed["label"], &changed["weight"]), (&json!("Anna"), &json!(100)));

    let (_, checked) = post(&server, "/cookie/check", &by_id).await;
    assert_eq!((&checked["verdict"], &checked["message"]), (&json!("valid"), &Value::Null));
    let (_, all) = post(&server, "/cookie/check", &json!({})).await;
    assert_eq!(all["data"].as_array().map(Vec::len), Some(2), "{all}");

    assert_eq!(post(&server, "/cookie/remove", &by_id).await.1["removed"], true);
    assert_eq!(code(&post(&server, "/cookie/remove", &by_id).await), (404, "cookie_not_found"));
    assert_eq!(list(&server, "").await["total"], 1);
}

#[tokio::test]
async fn what_cannot_be_added_says_why() {
    let server = start().await;
    let cases = [
        (json!({"cookie": "id=bad; t=canary"}), 400, "invalid_cookie"),
        (json!({"cookie": "id=x\r\nX: canary"}), 400, "invalid_cookie"),
        (json!({"cookie": "id=y", "upstream": "nobody"}), 400, "unknown_upstream"),
        (json!({"cookie": FIRST}), 409, "duplicate_cookie"),
        (json!({"cookie": "id=down; t=canary"}), 502, "upstream_unreachable"),
        (json!({"cookie": "id=z", "label": ""}), 400, "invalid_value"),
        (json!({"cookie": "id=z", "label": "a\nb"}), 400, "invalid_value"),
        (json!({"cookie": "id=z", "weight": 0}), 400, "invalid_value"),
        (json!({"cookie": "id=z", "weight": "canary"}), 400, "invalid_json"),
        (json!({"cookie": "id=z", "api_base": "http://canary"}), 400, "invalid_json"),
        (json!({}), 400, "invalid_json"),
    ];
    for (request, expected, expected_code) in cases {
        let answer = post(&server, "/cookie/add", &request).await;
        assert_eq!(code(&answer), (expected, expected_code), "{request}");
    }
    let doubled = r#"{"cookie":"id=z","cookie":"id=canary"}"#;
    let answer = server.post_as("/cookie/add", KEY, doubled).await;
    assert_eq!((status(&answer), &read(&answer)["error"]["param"]), (400, &json!("cookie")));
    assert_eq!(list(&server, "").await["total"], 1);
}

#[tokio::test]
async fn the_same_cookie_at_once_is_one_entry() {
    let server = start().await;
    let request = json!({"cookie": "id=twin"});
    let all = (0..8).map(|_| post(&server, "/cookie/add", &request));
    let answers = futures::future::join_all(all).await;
    assert_eq!(answers.iter().filter(|answer| answer.0 == 200).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.0 == 409).count(), 7);
    let named = answers.iter().filter(|answer| answer.1.to_string().contains("member twin"));
    assert_eq!(named.count(), 8, "a refusal names the account");
    assert_eq!(list(&server, "").await["total"], 2);
}

#[tokio::test]
async fn many_are_imported_and_a_bad_one_stops_no_other() {
    let server = start().await;
    let text = "# mine\nid=a\nid=bad; t=canary\nid=a\nid=b\n";
    let (status, report) =
        post(&server, "/cookies/import", &json!({"text": text, "label": "team"})).await;
    assert_eq!(status, 200, "{report}");
    let results: Vec<_> = (0..4).map(|at| report["data"][at]["result"].clone()).collect();
    assert_eq!(results, ["ok", "error", "duplicate", "ok"]);
    assert_eq!(report["data"][3]["label"], "team 4");
    assert_eq!(report["data"][1]["error"]["code"], "invalid_cookie");
    let counts = [&report["added"], &report["duplicates"], &report["failed"]];
    assert_eq!(counts, [&json!(2), &json!(1), &json!(1)]);

    let listed = json!({"cookies": [
        {"cookie": "id=c", "label": "Cem", "weight": 2},
        {"cookie": "id=d", "label": "a\nb"},
        {"cookie": "id=e", "upstream": "nobody"},
    ]});
    let (_, report) = post(&server, "/cookies/import", &listed).await;
    assert_eq!((&report["added"], &report["failed"]), (&json!(1), &json!(2)), "{report}");
    assert_eq!(report["data"][0]["weight"], 2);
}

#[tokio::test]
async fn cookies_of_other_sites_go_nowhere_unless_told() {
    let server = start().await;
    let export = r#"[{"domain": ".bank.example", "name": "id", "value": "money"}]"#;
    let (_, report) = post(&server, "/cookies/import", &json!({"text": export})).await;
    assert_eq!(report["data"][0]["error"]["code"], "unknown_domain", "{report}");
    let told = json!({"text": export, "upstream": "club"});
    let (status, report) = post(&server, "/cookies/import", &told).await;
    assert_eq!((status, &report["added"]), (200, &json!(1)));
}

#[tokio::test]
async fn an_import_that_cannot_be_read_is_refused_whole() {
    let server = start().await;
    let cases = [
        (json!({}), "invalid_value"),
        (json!({"text": ""}), "invalid_value"),
        (json!({"text": "id=a", "cookies": []}), "invalid_value"),
        (json!({"text": "id=a", "format": "yaml"}), "invalid_value"),
        (json!({"text": "{\"canary", "format": "json"}), "invalid_text"),
        (json!({"version": 2, "accounts": []}), "invalid_value"),
        (json!({"cookies": ["id=canary"]}), "invalid_json"),
    ];
    for (request, expected) in cases {
        let answer = post(&server, "/cookies/import", &request).await;
        assert_eq!(code(&answer), (400, expected), "{request}");
    }
    let small = start_with(&[("REQUEST_BODY_LIMIT", "1KiB")]).await;
    let large = json!({"text": "id=a\n".repeat(1000)});
    assert_eq!(post(&small, "/cookies/import", &large).await.0, 413);
}

#[tokio::test]
async fn an_export_goes_to_the_key_alone_and_comes_back() {
    let mut log = Log::listen();
    let server = start().await;
    post(&server, "/cookie/add", &json!({"cookie": "id=b; t=1", "label": "Bo"})).await;
    let export = server.get_as("/cookies/export", KEY).await;
    assert_eq!(status(&export), 200, "{export}");
    assert_eq!(header(&export, "cache-control"), Some("no-store"));
    let disposition = header(&export, "content-disposition").unwrap_or_default();
    assert!(disposition.starts_with("attachment"), "{disposition}");
    assert_eq!(read(&export)["accounts"][1]["cookie"], "id=b; t=1");
    let logged = log.until("handed out all secrets").await;
    assert!(!logged.contains("canary"), "{logged}");

    let other = {
        let upstream = UpstreamConfig::new("club", "club").with_credential(FIRST);
        let client = Client::builder().with_custom_upstream(upstream, Club).build().await;
        Running::over(client.expect("an engine"), &[("ADMIN_KEY", "admin-canary")])
    };
    let report = read(&other.post_as("/cookies/import", KEY, body(&export)).await);
    assert_eq!((&report["added"], &report["duplicates"]), (&json!(1), &json!(1)), "{report}");
    for format in ["netscape", "header", "plain"] {
        let path = format!("/cookies/export?format={format}");
        let text = server.get_as(&path, KEY).await;
        assert_eq!(status(&text), 200, "{text}");
        let again = json!({"text": body(&text), "format": format, "upstream": "club"});
        let (_, report) = post(&other, "/cookies/import", &again).await;
        assert_eq!(report["duplicates"], 2, "{format}: {report}");
    }
    let wrong = server.get_as("/cookies/export?format=xml", KEY).await;
    assert_eq!(status(&wrong), 400);
}

#[tokio::test]
async fn long_lists_come_in_parts_or_whole_and_soon() {
    let server = start().await;
    let lines: Vec<_> = (0..10_000).map(|at| format!("id=n{at}")).collect();
    let text = lines.join("\n");
    let (_, report) = post(&server, "/cookies/import", &json!({"text": text})).await;
    assert_eq!(report["added"], 10_000);

    let start = Instant::now();
    let whole = list(&server, "").await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    let all = whole["data"].as_array().expect("a list");
    assert_eq!((all.len(), &whole["total"]), (10_001, &json!(10_001)));

    let after = all[4999]["id"].as_str().expect("an id");
    let part = list(&server, &format!("?limit=2&after={after}")).await;
    assert_eq!(part["data"], json!([all[5000], all[5001]]));
    assert_eq!(part["total"], 10_001);
    let last = all[10_000]["id"].as_str().expect("an id");
    assert_eq!(list(&server, &format!("?after={last}")).await["data"], json!([]));
    let gone = server.get_as("/cookies?after=cred_gone", KEY).await;
    assert_eq!((status(&gone), &read(&gone)["error"]["param"]), (400, &json!("after")));
}

#[tokio::test]
async fn labels_are_text_and_nothing_else() {
    let server = start().await;
    let label = "<img src=x onerror=alert(1)>\"'&";
    let new = json!({"cookie": "id=mallory", "label": label});
    assert_eq!(post(&server, "/cookie/add", &new).await.1["label"], label);
    let answer = server.get_as("/cookies", KEY).await;
    assert_eq!(header(&answer, "content-type"), Some("application/json"));
    assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn readiness_tells_of_the_store() {
    let server = start().await;
    let answer = read(&server.get("/readyz", "").await);
    assert_eq!((&answer["status"], &answer["store"]), (&json!("ok"), &json!("ok")));
    assert!(read(&server.get("/livez", "").await).get("store").is_none());
}
