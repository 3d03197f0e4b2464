//! The figures through the public door, and the files for Prometheus and Grafana that go by them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use llm2api_core::{Client, UpstreamConfig};
use serde_json::Value;

use crate::harness::{Log, Running, body, config, header, status, within};

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str = r#"{"model":"demo","messages":[{"role":"user","content":"Hello"}]}"#;
const STREAMED: &str =
    r#"{"model":"demo","stream":true,"messages":[{"role":"user","content":"Hello"}]}"#;
const KEY: (&str, &str) = ("ADMIN_KEY", "admin-canary");
const SIGNED_IN: &str = "Host: localhost\r\nAuthorization: Bearer admin-canary\r\n";
const OPEN: &str = "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n";

fn deploy(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(file)
}

/// Runs Prometheus's own checker, which the package `prometheus` brings.
fn promtool(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is there: install the package `prometheus`");
    let mut stdin = child.stdin.take().expect("it was asked for");
    // It may have said what it has to say before it has read everything.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn assert_content(arguments: &[&str], input: &str) {
    let output = promtool(arguments, input);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "promtool {arguments:?} says: {said}");
}

/// Serves the demo, and returns what it tells after some chats.
async fn told(pairs: &[(&str, &str)], accept: &str) -> String {
    let server = Running::start(&[&[("METRICS_PUBLIC", "true"), KEY], pairs].concat()).await;
    for text in [HELLO, STREAMED, "{"] {
        server.post(CHAT, "", text).await;
    }
    body(&server.get("/metrics", accept).await).to_owned()
}

#[tokio::test]
async fn figures_are_the_operators_and_come_in_two_forms() {
    let server = Running::start(&[KEY]).await;
    let answer = server.get_as("/metrics", "Host: localhost\r\n").await;
    assert_eq!(status(&answer), 401, "{answer}");
    let answer = server.get_as("/metrics", SIGNED_IN).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(header(&answer, "content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(!body(&answer).contains("# EOF"), "{answer}");
    let answer = server.get_as("/metrics", &format!("{SIGNED_IN}{OPEN}")).await;
    let wanted = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(header(&answer, "content-type"), Some(wanted));
    assert!(body(&answer).ends_with("# EOF\n"), "{answer}");

    let server = Running::start(&[KEY, ("METRICS_PUBLIC", "true")]).await;
    let answer = server.get("/metrics", "").await;
    assert_eq!(status(&answer), 200, "{answer}");
    let rebound = server.get_as("/metrics", "Host: evil.example\r\n").await;
    assert_eq!(status(&rebound), 403, "{rebound}");
}

#[tokio::test]
async fn answers_are_counted_by_the_rows_of_the_route_table() {
    let text = told(&[], "").await;
    for line in [
        "llm2api_http_responses_total{route=\"/v1/chat/completions\",status=\"200\"} 2",
        "llm2api_http_responses_total{route=\"/v1/chat/completions\",status=\"400\"} 1",
        "llm2api_requests_total{model=\"demo\",outcome=\"completed\"} 2",
        "llm2api_overhead_seconds_count 2",
        "llm2api_requests_in_flight 0",
        "llm2api_streams_active 0",
        "llm2api_store_up 1",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} is missing in\n{text}");
    }
    let server = Running::start(&[KEY, ("METRICS_PUBLIC", "true")]).await;
    for path in ["/made-up/one", "/made-up/two"] {
        assert_eq!(status(&server.get(path, "").await), 404);
    }
    let text = server.get("/metrics", "").await;
    let none = "llm2api_http_responses_total{route=\"none\",status=\"404\"} 2";
    assert!(text.contains(none) && !text.contains("made-up"), "{text}");
}

#[tokio::test]
async fn an_address_of_their_own_tells_figures_without_a_key_and_nothing_else() {
    let mut log = Log::listen();
    let stop = llm2api_server::Stop::new();
    let wanted = [KEY, ("METRICS_LISTEN", "127.0.0.1:0"), ("SHUTDOWN_GRACE", "0")];
    let serving = Box::pin(llm2api_server::serve(config(&wanted), stop.clone()));
    let asking = async {
        let line = log.until("figures are told here without a key").await;
        let address =
            line.rsplit_once("address=").and_then(|(_, rest)| rest.split_whitespace().next());
        let address = address.expect("it says where").to_owned();
        let get_as = async |path: &str, host: &str| {
            let url = address.clone();
            let mut wire = crate::harness::Wire {
                stream: tokio::net::TcpStream::connect(url).await.expect("it listens"),
            };
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            wire.send(&request).await;
            wire.rest().await
        };
        let get = async |path: &str| get_as(path, "localhost").await;
        assert!(get("/metrics").await.contains("llm2api_build_info{version="));
        assert_eq!(status(&get("/livez").await), 200);
        let rebound = get_as("/metrics", "evil.example").await;
        assert_eq!(status(&rebound), 403, "{rebound}");
        assert!(rebound.contains("ALLOWED_HOSTS") && !rebound.contains("llm2api_build_info"));
        for path in ["/", "/cookies", "/v1/models", "/readyz", "/metrics/x"] {
            assert_eq!(status(&get(path).await), 404, "{path}");
        }
        stop.drain();
    };
    let (served, ()) = within(async { tokio::join!(serving, asking) }).await;
    served.expect("it serves until it is told to stop");
}

#[tokio::test]
async fn an_address_that_is_in_use_is_named_with_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("is bound").to_string();
    let wanted = config(&[KEY, ("METRICS_LISTEN", &address)]);
    let refusal = llm2api_server::serve(wanted, llm2api_server::Stop::new()).await;
    let text = refusal.expect_err("somebody else has it").to_string();
    assert!(text.contains(&address) && text.contains("METRICS_LISTEN"), "{text}");
}

#[tokio::test]
async fn prometheus_finds_nothing_wrong_with_the_text() {
    for pairs in [&[][..], &[("METRICS_GENAI", "true")]] {
        assert_content(&["check", "metrics"], &told(pairs, "").await);
    }
}

#[test]
fn prometheus_takes_the_alerts_and_they_go_off_when_they_should() {
    let path = |file: &str| deploy(file).display().to_string();
    assert_content(&["check", "rules", &path("prometheus/alerts.yml")], "");
    assert_content(&["test", "rules", &path("prometheus/alerts_test.yml")], "");
    assert_content(&["check", "config", &path("prometheus/prometheus.yml")], "");
}

/// The names of our metrics in a text of any kind.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = |word: &&str| word.starts_with("llm2api_") || word.starts_with("process_");
    words.filter(ours).map(str::to_owned).collect()
}

/// The names that a text of figures tells, those of families without samples included.
fn exposed(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, kind) in
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
    {
        names.insert(name.to_owned());
        if kind == "histogram" {
            names.extend(["bucket", "sum", "count"].map(|part| format!("{name}_{part}")));
        }
    }
    names
}

fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str() {
                    Some(text) if matches!(name.as_str(), "expr" | "query" | "definition") => {
                        found.push(text.to_owned());
                    }
                    _ => expressions(field, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_name_in_dashboard_and_alerts_is_told() {
    let exposed = exposed(&told(&[], "").await);
    let text = fs::read_to_string(deploy("grafana/llm2api.json")).expect("the dashboard");
    let dashboard: Value = serde_json::from_str(&text).expect("is JSON");
    let mut found = Vec::new();
    expressions(&dashboard, &mut found);
    assert!(found.len() >= 15, "the dashboard asks for something: {found:?}");
    let alerts = fs::read_to_string(deploy("prometheus/alerts.yml")).expect("the alerts");
    let asked = alerts.lines().filter_map(|line| line.trim().strip_prefix("expr:"));
    found.extend(asked.map(str::to_owned));
    let wanted = named(&found.join("\n"));
    assert!(wanted.len() >= 15, "{wanted:?}");
    let missing: Vec<_> = wanted.difference(&exposed).collect();
    assert!(missing.is_empty(), "{missing:?} of {exposed:?}");
}

#[test]
fn prometheus_can_read_every_expression_of_the_dashboard() {
    let text = fs::read_to_string(deploy("grafana/llm2api.json")).expect("the dashboard");
    let mut found = Vec::new();
    let dashboard: Value = serde_json::from_str(&text).expect("is JSON");
    expressions(&dashboard["panels"], &mut found);
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    for (at, expression) in found.iter().enumerate() {
        // What Grafana puts in place of its variables.
        let expression = expression.replace("$__rate_interval", "1m").replace('$', "any");
        let quoted = Value::String(expression);
        writeln!(rules, "  - record: r{at}\n    expr: {quoted}")
            .expect("a String takes everything");
    }
    let file = tempfile::NamedTempFile::with_suffix(".yml").expect("a file");
    fs::write(file.path(), rules).expect("is written");
    assert_content(&["check", "rules", &file.path().display().to_string()], "");
}

#[tokio::test]
async fn panels_of_the_dashboard_lie_beside_each_other() {
    let text = fs::read_to_string(deploy("grafana/llm2api.json")).expect("the dashboard");
    let dashboard: Value = serde_json::from_str(&text).expect("is JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        let of = |name: &str| panel["gridPos"][name].as_u64().expect("a number");
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{panel}");
        for x in of("x")..of("x") + of("w") {
            for y in of("y")..of("y") + of("h") {
                assert!(x < 24 && taken.insert((x, y)), "{}", panel["title"]);
            }
        }
    }
}

#[tokio::test]
async fn g26_figures_hold_no_secret() {
    let upstream = UpstreamConfig::new("demo", "team").with_credential("credential-canary");
    let client = Client::builder().with_upstream(upstream).build().await.expect("valid");
    let keys = [("API_KEY", "client-canary"), KEY, ("METRICS_PUBLIC", "true")];
    let server = Running::over(client, &[&keys[..], &[("METRICS_GENAI", "true")]].concat());
    for key in ["client-canary", "wrong-canary"] {
        server.post(CHAT, &format!("Authorization: Bearer {key}\r\n"), HELLO).await;
    }
    for accept in ["", OPEN] {
        let text = server.get("/metrics", accept).await;
        assert!(text.contains("llm2api_credential_state{"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}
