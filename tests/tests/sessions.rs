//! The simulator's sessions: what each did, how they die and are banned, incidents.

use std::sync::Arc;
use std::time::Duration;

use llm2api_tests::{Incident, Mark, Options, Script, Session, Simulator, Step};
use reqwest::{Method, Response, redirect};
use serde_json::{Value, json};

/// A visitor of a simulator with a login.
struct Visitor {
    upstream: Simulator,
    http: reqwest::Client,
}

impl Visitor {
    async fn new() -> Self {
        let sessions = vec![Session::new("one", "ann"), Session::new("two", "ann")];
        let options = Options { login: true, sessions, ..Options::default() };
        let upstream = Simulator::start(options).await.expect("the simulator listens");
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .expect("known versions")
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
        let http = http.redirect(redirect::Policy::none()).build().expect("a client");
        Self { upstream, http }
    }

    async fn ask(&self, method: Method, path: &str, session: &str, body: &Value) -> Response {
        let request = self.http.request(method, format!("{}{path}", self.upstream.url()));
        let request = request.header("cookie", format!("hf-chat={session}"));
        let request = request.bearer_auth(session).json(body);
        request.send().await.expect("an answer")
    }

    async fn user(&self, session: &str) -> (u16, Value) {
        let answer = self.ask(Method::GET, "/api/v2/user", session, &Value::Null).await;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or_default();
        (status, body["json"].clone())
    }

    async fn create(&self, session: &str) -> Response {
        self.ask(Method::POST, "/conversation", session, &json!({"model": "mock/vision-1"})).await
    }

    async fn complete(&self, session: &str) -> Response {
        let messages = json!([{"role": "user", "content": "hello"}]);
        let body = json!({"model": "mock/vision-1", "messages": messages});
        self.ask(Method::POST, "/v1/chat/completions", session, &body).await
    }

    async fn control(&self, path: &str, body: &Value) -> Value {
        let answer = self.ask(Method::POST, &format!("/__sim/{path}"), "", body).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.expect("JSON")
    }
}

#[tokio::test]
async fn two_sessions_of_one_user_are_one_account() {
    let visitor = Visitor::new().await;
    let (one, two) = (visitor.user("one").await, visitor.user("two").await);
    assert_eq!(one, two);
    assert_eq!((one.0, &one.1["username"]), (200, &json!("ann")));
    assert_eq!(one.1["id"].as_str().map(str::len), Some(24));
}

#[tokio::test]
async fn a_revoked_session_is_nobody_and_is_sent_to_the_login() {
    let visitor = Visitor::new().await;
    visitor.upstream.mark("one", Mark::Revoked);
    assert_eq!(visitor.user("one").await, (200, Value::Null));
    let created = visitor.create("one").await;
    assert_eq!(created.status(), 302);
    assert!(created.headers()["location"].to_str().is_ok_and(|to| to.contains("authorize")));
    assert_eq!(visitor.complete("one").await.status(), 401);
    assert_eq!(visitor.create("two").await.status(), 200);

    visitor.control("mark", &json!({"value": "one", "mark": null})).await;
    assert_eq!(visitor.create("one").await.status(), 200);
}

#[tokio::test]
async fn a_banned_session_gets_empty_403s_but_for_what_is_public() {
    let visitor = Visitor::new().await;
    visitor.control("mark", &json!({"value": "one", "mark": "banned"})).await;
    for answer in [visitor.create("one").await, visitor.complete("one").await] {
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.text().await.expect("a body"), "");
    }
    assert_eq!(visitor.user("one").await.0, 403);
    let flags = visitor.ask(Method::GET, "/api/v2/feature-flags", "one", &Value::Null).await;
    assert_eq!(flags.status(), 200);
    visitor.upstream.mark("one", None);
    assert_eq!(visitor.user("one").await.0, 200);
}

#[tokio::test]
async fn an_incident_refuses_every_chat_and_no_check() {
    let visitor = Visitor::new().await;
    visitor.upstream.incident(Incident::new(429).with_retry_after(Duration::from_secs(7)));
    for answer in [visitor.create("one").await, visitor.complete("two").await] {
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers()["retry-after"], "7");
        assert_eq!(answer.text().await.expect("a body"), "");
    }
    assert_eq!(visitor.user("one").await.0, 200);
    visitor.control("incident", &json!({"status": 403})).await;
    assert_eq!(visitor.create("one").await.status(), 403);
    visitor.control("incident", &Value::Null).await;
    assert_eq!(visitor.create("one").await.status(), 200);
}

#[tokio::test]
async fn sessions_can_be_added_while_it_runs() {
    let visitor = Visitor::new().await;
    assert_eq!(visitor.user("late").await, (200, Value::Null));
    visitor.upstream.add_sessions([Session::new("late", "bob")]);
    visitor.control("sessions", &json!([{"value": "later", "user": "bob"}])).await;
    assert_eq!(visitor.user("late").await.1["username"], "bob");
    assert_eq!(visitor.user("late").await, visitor.user("later").await);
}

#[tokio::test]
async fn each_session_is_counted_apart() {
    let visitor = Visitor::new().await;
    visitor.user("one").await;
    visitor.create("one").await;
    let hanging = Step::Status { status: 200, headers: Vec::new() };
    (0..2).for_each(|_| visitor.upstream.script(Script::steps([hanging.clone(), Step::Hang])));
    let held = (visitor.complete("two").await, visitor.complete("two").await);
    let (one, two) = (visitor.upstream.tally("one"), visitor.upstream.tally("two"));
    assert_eq!((one.requests, one.chats, one.checks, one.most_sending), (2, 1, 1, 0));
    assert_eq!((two.requests, two.chats, two.sending, two.most_sending), (2, 2, 2, 2));

    drop(held);
    visitor.upstream.wait_for(|log| log.running.is_empty()).await;
    assert_eq!(visitor.upstream.tally("two").sending, 0);
    visitor.control("tallies/reset", &Value::Null).await;
    visitor.complete("two").await;
    let tallies = visitor.ask(Method::GET, "/__sim/tallies", "", &Value::Null).await;
    let tallies: Value = tallies.json().await.expect("JSON");
    let wanted = json!({"requests": 1, "chats": 1, "checks": 0, "sending": 0, "most_sending": 1});
    assert_eq!(tallies, json!({"two": wanted}));
}

#[tokio::test]
async fn the_check_can_answer_with_a_page_or_stall() {
    let visitor = Visitor::new().await;
    let page = Step::Text {
        status: 200,
        content_type: "text/html".to_owned(),
        body: "<!doctype html><title>Sign in</title>".to_owned(),
    };
    visitor.upstream.script_path("/api/v2/user", Script::steps([page]));
    assert_eq!(visitor.user("one").await, (200, Value::Null));
    visitor.upstream.script_path("/api/v2/user", Script::steps([Step::Hang]));
    let stalled = tokio::time::timeout(Duration::from_millis(200), visitor.user("one")).await;
    assert!(stalled.is_err(), "it answers");
}
