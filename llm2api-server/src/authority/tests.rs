use std::fmt::Write as _;
use std::sync::Arc;

use llm2api_core::auth::{Authority, PrivateKey};
use llm2api_core::store::MemoryStore;
use poem::http::{Method, StatusCode, header};
use poem::{Endpoint, Response};
use serde_json::{Value, json};

use super::office::Office;
use super::table::{app, table};
use crate::admin::Level;
use crate::config::{Settings, Sources};
use crate::door::Door;
use crate::routes::resource::Access;
use crate::routes::tests::call;
use crate::stop::Stop;

const KEY: &str = "admin-canary";
const BEARER: (&str, &str) = ("authorization", "Bearer admin-canary");
const WRONG: &str = r#"{"code": "l2a_aaaaaaaaaaaaaaaa_0"}"#;

fn office(stop: Stop) -> Office {
    let key = PrivateKey::random().expect("random");
    office_with(Some(key), stop)
}

fn office_with(key: Option<PrivateKey>, stop: Stop) -> Office {
    let environment = [("ADMIN_KEY", KEY), ("STORE_URL", "memory:")];
    let environment = environment.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let sources = Sources { environment: environment.into(), ..Sources::default() };
    let settings = Settings::resolve(&sources).expect("valid");
    let config = settings.config().expect("valid");
    let authority = Authority::new(Arc::new(MemoryStore::default()), key);
    Office::new(Door::new(&config, stop), authority)
}

/// One authority, and what is asked of it.
struct Desk<E>(E);

fn desk() -> Desk<impl Endpoint<Output = Response>> {
    Desk(app(office(Stop::new())))
}

impl<E: Endpoint<Output = Response>> Desk<E> {
    async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl ToString,
    ) -> Response {
        call(&self.0, method, path, headers, body.to_string()).await
    }

    /// Asks as the operator, and returns status and body.
    async fn ask(&self, method: Method, path: &str, body: impl ToString) -> (u16, Value) {
        told(self.call(method, path, &[BEARER], body).await).await
    }

    async fn check(&self, code: &str) -> (u16, Value) {
        let body = json!({"code": code, "installation": "a", "version": "1.0", "later": true});
        told(self.call(Method::POST, "/auth/check", &[("host", "any.example")], body).await).await
    }
}

async fn told(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.into_body().into_bytes().await.expect("a whole body");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["code"].as_str().unwrap_or_default())
}

#[test]
fn every_path_has_its_guard() {
    let mut text = String::new();
    for (path, resource) in table(&Arc::new(office(Stop::new()))) {
        let methods: Vec<_> = resource.methods().map(Method::as_str).collect();
        writeln!(text, "{path} {} {:?}", methods.join(" "), resource.access())
            .expect("a String takes everything");
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn the_operators_paths_let_nobody_else_in() {
    let desk = desk();
    let table = table(&Arc::new(office(Stop::new())));
    let admin = table.iter().filter(|(_, resource)| {
        matches!(resource.access(), Access::Admin(Level::Session | Level::Key))
    });
    let admin: Vec<_> = admin.collect();
    assert_eq!(admin.len(), 4);
    for (path, resource) in admin {
        for method in resource.methods() {
            for headers in [
                &[][..],
                &[("x-api-key", KEY)],
                &[("authorization", "Bearer guess")],
                &[("cookie", "llm2api_session=guess"), ("origin", "http://localhost:9999")],
            ] {
                let response = desk.call(method.clone(), path, headers, "{}").await;
                assert_eq!(response.header("cache-control"), Some("no-store"), "{path}");
                assert_eq!(response.header("access-control-allow-origin"), None, "{path}");
                let answer = told(response).await;
                assert_eq!(code(&answer), (401, "invalid_admin_key"), "{path}");
                assert!(!answer.1.to_string().contains("/cookie"), "there is no such page");
            }
            let foreign = [("host", "evil.example"), BEARER];
            let answer = told(desk.call(method.clone(), path, &foreign, "{}").await).await;
            assert_eq!(code(&answer), (403, "host_not_allowed"), "{path}");
        }
        let answer = desk.ask(Method::PUT, path, "").await;
        assert_eq!(code(&answer), (405, "method_not_allowed"), "{path}");
    }
}

#[tokio::test]
async fn a_code_is_issued_checked_and_revoked() {
    let desk = desk();
    for signed in [false, true] {
        let order = json!({
            "holder": "Ada", "plan": "team", "expires": "30d", "signed": signed,
            "limits": {"concurrency": 4},
        });
        let (status, issued) = desk.ask(Method::POST, "/auth/issue", order).await;
        assert_eq!(status, 200, "{issued}");
        let code = issued["code"].as_str().expect("told once");
        let (status, good) = desk.check(code).await;
        let end = issued["expires_at"].as_u64().expect("a date");
        let expected = json!({
            "valid": true, "state": "active", "plan": "team", "expires_at": end,
            "limits": {"concurrency": 4},
        });
        assert_eq!((status, good), (200, expected));
        assert_eq!(end - issued["issued_at"].as_u64().expect("a date"), 30 * 86400);

        let pick = json!({"id": issued["id"]});
        for _ in 0..2 {
            let (status, gone) = desk.ask(Method::POST, "/auth/revoke", &pick).await;
            assert_eq!((status, &gone["revoked"], &gone["id"]), (200, &json!(true), &issued["id"]));
            assert_eq!((&gone["note"], &gone["code"]), (&Value::Null, &Value::Null));
        }
        let (status, bad) = desk.check(code).await;
        assert_eq!((status, &bad["valid"], &bad["state"]), (200, &json!(false), &json!("revoked")));
    }
    let (_, listed) = desk.ask(Method::GET, "/auth/codes", "").await;
    assert_eq!((&listed["total"], &listed["data"][1]["holder"]), (&json!(2), &json!("Ada")));
    assert!(listed["data"].as_array().expect("a list").iter().all(|code| code["code"].is_null()));
    let (_, log) = desk.ask(Method::GET, "/auth/audit", "").await;
    let acts: Vec<_> =
        log["data"].as_array().expect("a list").iter().map(|act| &act["act"]).collect();
    assert_eq!(acts, ["code.revoke", "code.issue", "code.revoke", "code.issue"]);
    assert_eq!(log["data"][0]["actor"], "0.0.0.0", "the address that called");
}

#[tokio::test]
async fn lists_are_told_in_pages() {
    let desk = desk();
    for _ in 0..5 {
        desk.ask(Method::POST, "/auth/issue", json!({"holder": "Ada"})).await;
    }
    let (_, all) = desk.ask(Method::GET, "/auth/codes", "").await;
    let (mut path, mut seen) = ("/auth/codes?limit=2".to_owned(), Vec::new());
    loop {
        let (_, page) = desk.ask(Method::GET, &path, "").await;
        let page = page["data"].as_array().expect("a list").clone();
        let Some(last) = page.last() else { break };
        path = format!("/auth/codes?limit=2&after={}", last["id"].as_str().expect("an id"));
        seen.extend(page);
    }
    assert_eq!(json!(seen), all["data"]);
    let (_, log) = desk.ask(Method::GET, "/auth/audit?limit=3", "").await;
    assert_eq!(log["data"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn mistakes_are_named() {
    let desk = desk();
    let mut text = String::new();
    let post = |path, body: &'static str| (Method::POST, path, body);
    for (method, path, body) in [
        post("/auth/issue", "{}"),
        post("/auth/issue", r#"{"holder": "Ada", "expiry": 1}"#),
        post("/auth/issue", r#"{"holder": " "}"#),
        post("/auth/issue", r#"{"holder": "Ada", "expires": "1w"}"#),
        post("/auth/issue", r#"{"holder": "Ada", "expires": "1d", "expires_at": 9}"#),
        post("/auth/issue", r#"{"holder": "Ada", "expires_at": 9}"#),
        post("/auth/issue", r#"{"holder": "Ada", "limits": {"concurrency": 0}}"#),
        post("/auth/issue", r#"{"holder": "Ada", "limits": {"tokens": 1}}"#),
        post("/auth/revoke", "{}"),
        post("/auth/revoke", r#"{"id": ""}"#),
        post("/auth/revoke", r#"{"id": "l2a_aaaaaaaaaaaaaaaa_0"}"#),
        post("/auth/revoke", r#"{"id": "eyJhbGciOiJFZERTQSJ9.e30.c"}"#),
        post("/auth/check", "{}"),
        post("/auth/check", r#"{"code": 7}"#),
        post("/auth/check", "canary"),
        (Method::GET, "/auth/codes?limit=0", ""),
        (Method::GET, "/auth/codes?after=nobody", ""),
        (Method::GET, "/auth/audit?limit=many", ""),
        (Method::GET, "/v1/models", ""),
        (Method::GET, "/auth/check", ""),
    ] {
        let (status, answer) = desk.ask(method, path, body).await;
        let error = &answer["error"];
        writeln!(
            text,
            "{path} {body}\n  {status} {} {} {}",
            error["code"], error["param"], error["message"]
        )
        .expect("a String takes everything");
    }
    assert!(!text.contains("canary\""), "{text}");
    insta::assert_snapshot!(text);
}

#[tokio::test(start_paused = true)]
async fn wrong_codes_are_told_alike_and_run_out() {
    let desk = desk();
    let (_, issued) = desk.ask(Method::POST, "/auth/issue", json!({"holder": "Ada"})).await;
    let good = issued["code"].as_str().expect("told once");
    let id = issued["id"].as_str().expect("an id");
    let unknown = desk.check("l2a_aaaaaaaaaaaaaaaa_0").await;
    for wrong in [&format!("l2a_{id}_0"), &good[..80], "", "a.b.c", "canary", &"x".repeat(9000)] {
        assert_eq!(desk.check(wrong).await, unknown, "{wrong}");
    }
    let expected = json!({"valid": false, "state": "invalid", "message": "the code is not valid"});
    assert_eq!(unknown, (200, expected));
    let mut left = 0;
    while desk.check(&format!("l2a_{id}_{left}")).await == unknown {
        left += 1;
    }
    assert_eq!(left, 3, "ten at once");
    let refused = desk.call(Method::POST, "/auth/check", &[], WRONG).await;
    assert_eq!(refused.header("retry-after"), Some("6"));
    assert_eq!(code(&told(refused).await), (429, "rate_limit_exceeded"));
    assert_eq!(desk.check(good).await.1["valid"], true, "the right one is not kept waiting");
    tokio::time::advance(std::time::Duration::from_secs(6)).await;
    assert_eq!(desk.check("l2a_aaaaaaaaaaaaaaaa_0").await, unknown);
}

#[tokio::test]
async fn without_a_key_nobody_can_say_what_a_signed_code_is_worth() {
    let order = json!({"holder": "Ada", "signed": true});
    let (_, issued) = desk().ask(Method::POST, "/auth/issue", order).await;
    let signed = issued["code"].as_str().expect("told once");
    let keyless = Desk(app(office_with(None, Stop::new())));
    let told = |answer: (u16, Value)| (answer.0, answer.1["error"]["message"].clone());
    let first = keyless.check(signed).await;
    assert_eq!(code(&first), (503, "authority_without_key"));
    let first = told(first);
    assert!(first.1.as_str().is_some_and(|text| text.contains("--private-key-file")), "{first:?}");
    for _ in 0..20 {
        assert_eq!(told(keyless.check("a.b.c").await), first, "no answer says more");
    }
    assert_eq!(keyless.check("canary").await.1["state"], "invalid");
}

#[tokio::test]
async fn large_questions_are_not_read() {
    let body = json!({"code": "x".repeat(20_000)});
    let answer = told(desk().call(Method::POST, "/auth/check", &[], body).await).await;
    assert_eq!(code(&answer), (413, "request_too_large"));
}

#[tokio::test]
async fn the_page_loads_nothing_of_others_and_is_framed_by_nobody() {
    let desk = desk();
    for path in ["/", "/ui/style.css", "/ui/authority.js"] {
        let response = desk.call(Method::GET, path, &[], "").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let policy = response.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'self'; frame-ancestors 'none'"), "{policy}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        let kind = response.header(header::CONTENT_TYPE).expect("a type").to_owned();
        let text = response.into_body().into_string().await.expect("text");
        assert!(kind.starts_with("text/") && text.len() > 500, "{path}: {kind}");
        for forbidden in ["innerHTML", "insertAdjacent", "eval(", "style=", "onclick", "https:"] {
            assert!(!text.contains(forbidden), "{path}: {forbidden}");
        }
        let foreign = desk.call(Method::GET, path, &[("host", "evil.example")], "").await;
        assert_eq!(code(&told(foreign).await), (403, "host_not_allowed"));
    }
}

#[tokio::test]
async fn health_says_whether_it_can_answer() {
    let stop = Stop::new();
    let desk = Desk(app(office(stop.clone())));
    assert_eq!(told(desk.call(Method::GET, "/livez", &[], "").await).await.0, 200);
    let (status, ready) = told(desk.call(Method::GET, "/readyz", &[], "").await).await;
    assert_eq!((status, &ready["store"]), (200, &json!("ok")));
    stop.drain();
    let (status, ready) = told(desk.call(Method::GET, "/readyz", &[], "").await).await;
    assert_eq!((status, &ready["status"]), (503, &json!("shutting_down")));
    assert_eq!(code(&desk.check("x").await), (503, "shutting_down"));
}
