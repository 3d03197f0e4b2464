use std::fmt::Write as _;
use std::sync::Arc;

use llm2api_core::Client;
use poem::http::{Method, StatusCode, header};
use poem::{Body, Endpoint, Request, Response};
use serde_json::Value;

use super::resource::{Access, Resource};
use super::table::table;
use crate::app;
use crate::config::{Settings, Sources};
use crate::state::State;
use crate::stop::Stop;

const KEY: &str = "admin-canary";

/// Makes what a server shares, over the demo; the operator's key is `admin-canary`.
pub(crate) async fn state(pairs: &[(&str, &str)]) -> State {
    let mut sources = Sources::default();
    let pairs = pairs.iter().chain(&[("ADMIN_KEY", KEY), ("STORE_URL", "memory:")]);
    let pairs = pairs.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    sources.environment = pairs.collect();
    let settings = Settings::resolve(&sources).expect("valid");
    let config = settings.config().expect("valid");
    let client = Client::builder().build().await.expect("the demo needs nothing");
    State::new(client, &config, Stop::new())
}

/// Sends a request with these header lines; a `host` is there unless one is given.
async fn send(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Response {
    let app = app(state(&[]).await);
    call(&app, method, path, headers, body).await
}

/// Sends a request to an endpoint; a `host` is there unless one is given.
pub(crate) async fn call(
    app: &impl Endpoint<Output = Response>,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Response {
    let mut request = Request::builder().method(method).uri_str(path);
    if headers.iter().all(|(name, _)| *name != "host") {
        request = request.header("host", "localhost:9999");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.get_response(request.body(body.into())).await
}

async fn code(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body().into_bytes().await.expect("a whole body");
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    (status, json["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn bearer() -> (&'static str, &'static str) {
    ("authorization", "Bearer admin-canary")
}

#[tokio::test]
async fn every_path_has_its_guard() {
    let state = Arc::new(state(&[]).await);
    let mut text = String::new();
    for (path, resource) in table(&state) {
        let methods: Vec<_> = resource.methods().map(Method::as_str).collect();
        writeln!(text, "{path} {} {:?}", methods.join(" "), resource.access())
            .expect("a String takes everything");
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn the_operators_paths_let_nobody_else_in() {
    let paths = table(&Arc::new(state(&[]).await));
    let admin = |access| matches!(access, Access::Admin(_));
    let admin: Vec<_> = paths.iter().filter(|(_, resource)| admin(resource.access())).collect();
    assert!(admin.len() >= 10);
    for (path, resource) in admin {
        for method in resource.methods() {
            let response = send(method.clone(), path, &[], "{}").await;
            assert_eq!(response.header("cache-control"), Some("no-store"), "{path}");
            assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{path}");
            assert_eq!(response.header("access-control-allow-origin"), None, "{path}");
            assert_eq!(code(response).await, (401, "invalid_admin_key".into()), "{path}");
            for headers in [
                [("cookie", "llm2api_session=guess"), ("origin", "http://localhost:9999")],
                [("x-api-key", KEY), ("cookie", "key=admin-canary")],
            ] {
                let response = send(method.clone(), path, &headers, "{}").await;
                assert_eq!(code(response).await.0, 401, "{path}");
            }
            let host = [("host", "evil.example:9999"), bearer()];
            let response = send(method.clone(), path, &host, "{}").await;
            assert_eq!(code(response).await, (403, "host_not_allowed".into()), "{path}");
        }
        let response = send(Method::OPTIONS, path, &[("origin", "http://evil.example")], "").await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(response.header("access-control-allow-origin"), None, "{path}");
        let response = send(Method::PUT, path, &[bearer()], "").await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[tokio::test]
async fn a_client_key_opens_no_admin_path() {
    let app = app(state(&[("API_KEY", "sk-client")]).await);
    let client = [("authorization", "Bearer sk-client")];
    let response = call(&app, Method::GET, "/cookies?limit=0", &client, "").await;
    assert_eq!(code(response).await.0, 401);
    let response = call(&app, Method::GET, "/cookies?limit=0", &[bearer()], "").await;
    assert_eq!(code(response).await, (400, "invalid_value".into()));
}

#[tokio::test(start_paused = true)]
async fn wrong_keys_take_longer_and_the_right_one_does_not() {
    let app = app(state(&[]).await);
    let start = tokio::time::Instant::now();
    for _ in 0..60 {
        let wrong = [("authorization", "Bearer admin-canar")];
        assert_eq!(code(call(&app, Method::GET, "/cookies", &wrong, "").await).await.0, 401);
    }
    assert!(start.elapsed().as_secs() > 60, "{:?}", start.elapsed());
    let start = tokio::time::Instant::now();
    let response = call(&app, Method::GET, "/cookies?limit=0", &[bearer()], "").await;
    assert_eq!(code(response).await.0, 400, "it is let in");
    assert_eq!(start.elapsed().as_millis(), 0);
}

const JSON: (&str, &str) = ("content-type", "application/json");
const ORIGIN: (&str, &str) = ("origin", "http://localhost:9999");

#[tokio::test(start_paused = true)]
async fn a_session_is_good_for_pages_of_our_own_until_it_ends() {
    let app = app(state(&[]).await);
    let wrong = call(&app, Method::POST, "/session", &[JSON], r#"{"key":"guess"}"#).await;
    assert_eq!(wrong.header("set-cookie"), None);
    assert_eq!(code(wrong).await.0, 401);

    let right =
        call(&app, Method::POST, "/session", &[JSON, ORIGIN], r#"{"key":"admin-canary"}"#).await;
    let cookie = right.header("set-cookie").expect("a session").to_owned();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200"), "{cookie}");
    assert!(!cookie.contains("canary"));
    let cookie = ("cookie", cookie.split(';').next().expect("a pair"));

    // A body that cannot be read says that the request was let in.
    let add = "/cookie/add";
    let inside = call(&app, Method::POST, add, &[cookie, JSON, ORIGIN], "{}").await;
    assert_eq!(code(inside).await, (400, "invalid_json".into()));
    let evil = ("origin", "http://evil.example");
    assert_eq!(
        code(call(&app, Method::POST, add, &[cookie, JSON, evil], "{}").await).await.1,
        "cross_site_request"
    );
    assert_eq!(
        code(call(&app, Method::POST, add, &[cookie, JSON], "{}").await).await.1,
        "cross_site_request"
    );
    let form = ("content-type", "text/plain");
    assert_eq!(
        code(call(&app, Method::POST, add, &[cookie, form, ORIGIN], "{}").await).await.0,
        415
    );
    assert_eq!(code(call(&app, Method::GET, "/cookies?limit=0", &[cookie], "").await).await.0, 400);
    let site = ("sec-fetch-site", "cross-site");
    assert_eq!(
        code(call(&app, Method::GET, "/cookies?limit=0", &[cookie, site], "").await).await.0,
        403
    );
    assert_eq!(
        code(call(&app, Method::GET, "/cookies/export", &[cookie], "").await).await.1,
        "admin_key_required"
    );

    let out = call(&app, Method::DELETE, "/session", &[cookie, evil], "").await;
    assert_eq!(code(out).await.0, 403, "nobody else signs the operator out");
    let out = call(&app, Method::DELETE, "/session", &[cookie, ORIGIN], "").await;
    assert!(out.header("set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")));
    assert_eq!(code(call(&app, Method::GET, "/cookies?limit=0", &[cookie], "").await).await.0, 401);
}

#[tokio::test]
async fn behind_tls_the_session_stays_behind_tls() {
    let tls = [JSON, ("x-forwarded-proto", "https"), ("origin", "https://localhost:9999")];
    let response = send(Method::POST, "/session", &tls, r#"{"key":"admin-canary"}"#).await;
    assert!(response.header("set-cookie").is_some_and(|cookie| cookie.ends_with("; Secure")));
    let evil = [JSON, ("origin", "https://evil.example")];
    let response = send(Method::POST, "/session", &evil, r#"{"key":"admin-canary"}"#).await;
    assert_eq!(code(response).await, (403, "cross_site_request".into()));
}

/// What no page of ours needs, and what other people's texts could do harm with.
const FORBIDDEN: [&str; 9] = [
    "innerHTML",
    "dangerouslySet",
    "insertAdjacent",
    "document.write",
    "eval(",
    "style=",
    "onclick",
    "//cdn",
    "https:",
];

#[tokio::test]
async fn g32_pages_load_nothing_of_others_and_are_framed_by_nobody() {
    let state = Arc::new(state(&[]).await);
    let page = |resource: &Resource<_>| {
        resource.access() == Access::Page && resource.methods().any(|method| *method == Method::GET)
    };
    let paths: Vec<_> = table(&state).into_iter().filter(|(_, one)| page(one)).collect();
    assert!(paths.len() > 30);
    for path in paths.iter().map(|(path, _)| path.as_str()).chain(["/"]) {
        let accept = ("accept", "text/html,*/*;q=0.8");
        let response = send(Method::GET, path, &[accept], "").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let policy = response.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'self'; frame-ancestors 'none'"), "{policy}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        let kind = response.header(header::CONTENT_TYPE).expect("a type").to_owned();
        let text = response.into_body().into_string().await.expect("text");
        assert!(kind.starts_with("text/") && text.len() > 100, "{path}: {kind}");
        let foreign = [("host", "evil.example"), accept];
        let foreign = send(Method::GET, path, &foreign, "").await;
        assert_eq!(code(foreign).await, (403, "host_not_allowed".into()), "{path}");
        // What is not ours can do all of that, and is never asked to.
        for forbidden in FORBIDDEN.iter().filter(|_| !path.starts_with("/ui/vendor/")) {
            assert!(!text.contains(forbidden), "{path}: {forbidden}");
        }
    }
}

#[tokio::test]
async fn only_browsers_are_shown_the_page() {
    for (accept, kind) in [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
    ] {
        let response = send(Method::GET, "/", &[("accept", accept)], "").await;
        assert_eq!(response.header(header::CONTENT_TYPE), Some(kind), "{accept}");
        assert_eq!(response.header(header::VARY), Some("Accept"));
    }
    let anywhere = send(Method::GET, "/", &[("host", "evil.example")], "").await;
    assert_eq!(anywhere.status(), StatusCode::OK, "what this is may be known to everybody");
}

/// What is held of every request that runs is moved into boxes of its own when it begins.
#[tokio::test]
async fn what_a_chat_holds_while_it_runs_stays_small() {
    let state = Arc::new(state(&[]).await);
    let handler = size_of_val(&super::chat::create(state.clone(), Request::default()));
    let resource = super::resource::client_post(&state, super::chat::create);
    let path = size_of_val(&resource.call(Request::default()));
    let whole = size_of_val(&app(State::clone(&state)).get_response(Request::default()));
    let fits = handler <= 4096 && path <= 4096 && whole <= 5120;
    assert!(fits, "handler {handler}, path {path}, whole {whole} bytes");
}
