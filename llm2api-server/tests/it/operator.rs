//! Who is let in where operators work.

use std::time::Duration;

use futures::future::join_all;
use llm2api_server::{Stop, serve};
use tempfile::tempdir;
use tokio::time::Instant;

use crate::harness::{Log, Running, config, header, json, status, within};

const JSON: &str = "Content-Type: application/json\r\n";
const PAIRS: [(&str, &str); 2] = [("ADMIN_KEY", "admin-canary"), ("API_KEY", "sk-client")];

#[tokio::test]
async fn only_names_of_ours_are_answered() {
    let server = Running::start(&PAIRS).await;
    let port = server.address.port();
    for host in ["localhost".to_owned(), format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
        let answer = server.get_as("/cookie", &format!("Host: {host}\r\n")).await;
        assert_eq!(status(&answer), 200, "{host}: {answer}");
    }
    for path in ["/cookie", "/cookies", "/ui/cookie.js", "/cookies/export"] {
        let headers = "Host: evil.example\r\nAuthorization: Bearer admin-canary\r\n";
        let answer = server.get_as(path, headers).await;
        assert_eq!(status(&answer), 403, "{path}: {answer}");
        let error = &json(&answer)["error"];
        assert_eq!(error["code"], "host_not_allowed");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("ALLOWED_HOSTS")));
    }
    let chats = "Host: evil.example\r\nAuthorization: Bearer sk-client\r\n";
    assert_eq!(status(&server.get_as("/v1/models", chats).await), 200, "clients may use any name");
    let any = Running::start(&[PAIRS[0], PAIRS[1], ("ALLOWED_HOSTS", "*")]).await;
    assert_eq!(status(&any.get_as("/cookie", "Host: evil.example\r\n").await), 200);
}

#[tokio::test]
async fn a_browser_signs_in_and_out() {
    let server = Running::start(&PAIRS).await;
    let own = format!("Host: localhost\r\nOrigin: http://localhost\r\n{JSON}");
    let wrong = server.post_as("/session", &own, r#"{"key":"sk-client"}"#).await;
    assert_eq!((status(&wrong), header(&wrong, "set-cookie")), (401, None));
    let signed_in = server.post_as("/session", &own, r#"{"key":"admin-canary"}"#).await;
    assert_eq!(status(&signed_in), 200, "{signed_in}");
    let cookie = header(&signed_in, "set-cookie").and_then(|cookie| cookie.split(';').next());
    let session = format!("{own}Cookie: {}\r\n", cookie.expect("a session"));

    let inside = server.post_as("/cookie/add", &session, "{}").await;
    assert_eq!((status(&inside), &json(&inside)["error"]["code"]), (400, &"invalid_json".into()));
    let foreign = session.replace("Origin: http://localhost", "Origin: http://evil.example");
    let outside = server.post_as("/cookie/add", &foreign, "{}").await;
    assert_eq!(json(&outside)["error"]["code"], "cross_site_request");
    let export = server.get_as("/cookies/export", &session).await;
    assert_eq!(json(&export)["error"]["code"], "admin_key_required");
    let chat = server.get_as("/v1/models", &session).await;
    assert_eq!(status(&chat), 401, "a session is no client key");

    let request = format!("DELETE /session HTTP/1.1\r\nConnection: close\r\n{session}\r\n");
    assert_eq!(status(&server.exchange(&request).await), 200);
    assert_eq!(status(&server.post_as("/cookie/add", &session, "{}").await), 401);
}

#[tokio::test]
async fn g32_a_form_of_another_site_does_nothing() {
    let server = Running::start(&PAIRS).await;
    let form = "Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    assert_eq!(status(&server.post_as("/session", form, "key=admin-canary").await), 415);
    assert_eq!(status(&server.post_as("/cookie/add", form, "cookie=a").await), 401);
    let own = format!("Host: localhost\r\nOrigin: http://localhost\r\n{JSON}");
    let signed_in = server.post_as("/session", &own, r#"{"key":"admin-canary"}"#).await;
    let cookie = header(&signed_in, "set-cookie").and_then(|cookie| cookie.split(';').next());
    let form = format!("{form}Origin: http://localhost\r\nCookie: {}\r\n", cookie.expect("one"));
    assert_eq!(status(&server.post_as("/cookie/add", &form, "cookie=a").await), 415);
}

#[tokio::test]
async fn the_key_of_a_proxy_does_not_stand_in_the_way_of_a_session() {
    let server = Running::start(&PAIRS).await;
    let proxy = "Authorization: Basic dTpw\r\n";
    let own = format!("Host: localhost\r\nOrigin: http://localhost\r\n{proxy}{JSON}");
    let signed_in = server.post_as("/session", &own, r#"{"key":"admin-canary"}"#).await;
    let cookie = header(&signed_in, "set-cookie").and_then(|cookie| cookie.split(';').next());
    let session = format!("{own}Cookie: {}\r\n", cookie.expect("a session"));
    assert_eq!(status(&server.get_as("/cookies", &session).await), 200);
    assert_eq!(status(&server.get_as("/cookies", &own).await), 401, "it opens nothing by itself");
}

#[tokio::test]
async fn signing_in_reads_no_more_than_a_key() {
    let server = Running::start(&PAIRS).await;
    let own = format!("Host: localhost\r\nOrigin: http://localhost\r\n{JSON}");
    let long = format!(r#"{{"key":"{}"}}"#, "k".repeat(9000));
    assert_eq!(status(&server.post_as("/session", &own, &long).await), 413);
}

#[tokio::test]
async fn wrong_keys_of_clients_cost_time_and_right_ones_none() {
    let server = Running::start(&PAIRS).await;
    let models = async |key: &str| {
        let headers = format!("Host: localhost\r\nAuthorization: Bearer {key}\r\n");
        let begun = Instant::now();
        let answer = server.get_as("/v1/models", &headers).await;
        (status(&answer), begun.elapsed())
    };
    let wrong = join_all((0..6).map(|_| models("sk-wrong"))).await;
    assert!(wrong.iter().all(|(status, _)| *status == 401));
    let last = wrong.iter().map(|(_, took)| *took).max().expect("six");
    assert!(last >= Duration::from_millis(900), "they wait for each other: {last:?}");
    let (status, took) = models("sk-client").await;
    assert!(status == 200 && took < Duration::from_millis(100), "{took:?}");
}

#[tokio::test]
async fn a_key_is_made_where_none_is_set_and_never_told() {
    let mut log = Log::listen();
    let data = tempdir().expect("a directory");
    let path = data.path().to_str().expect("text");
    let config = config(&[("DATA_DIR", path)]);
    let stop = Stop::new();
    let look = async {
        let logged = log.until("listening").await;
        let key = std::fs::read_to_string(data.path().join("admin.key")).expect("a key");
        assert!(key.trim().len() >= 43 && !logged.contains(key.trim()), "{logged}");
        stop.drain();
    };
    let (ended, ()) =
        within(async { tokio::join!(Box::pin(serve(config, stop.clone())), look) }).await;
    ended.expect("an orderly end");
}
