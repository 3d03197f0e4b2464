//! What clients see: the real server over the simulator, byte for byte but for ids and dates.

use std::fmt::Write as _;

use llm2api_server::config::{Config, Settings, Sources};
use llm2api_server::{Server, State, Stop, app, client};
use llm2api_tests::{Face, Family, Options, Script, Simulator, Step};
use serde_json::json;
use tokio::task::JoinSet;

/// A server that runs over a simulator; it fails the test when it panics.
struct Stage {
    upstream: Simulator,
    url: String,
    _tasks: JoinSet<()>,
}

impl Stage {
    async fn new(kind: &str, options: Options) -> Self {
        let upstream = Simulator::start(options).await.expect("the simulator listens");
        let url = if kind == "openai" { upstream.openai_url() } else { upstream.url() };
        let config = config(&[
            ("LISTEN", "127.0.0.1:0"),
            ("API_KEY", "sk-client"),
            ("STORE_URL", "memory:"),
            ("UPSTREAM_KIND", kind),
            ("UPSTREAM_URL", &url),
        ]);
        let client = client(&config).await.expect("an engine");
        let server = Server::bind(config.listen).expect("a free port");
        let url = format!("http://{}", server.local_addr().expect("is bound"));
        let stop = Stop::new();
        let state = State::new(client, &config, stop.clone());
        let mut tasks = JoinSet::new();
        let live = state.live();
        tasks.spawn(server.serve(app(state), stop, live));
        Self { upstream, url, _tasks: tasks }
    }

    /// Posts a chat; gives status, the headers that matter, and the body without ids and dates.
    async fn chat(&self, text: &str, stream: bool) -> String {
        let body = json!({
            "model": "mock/vision-1",
            "messages": [{"role": "user", "content": text}],
            "stream": stream,
            "stream_options": if stream { json!({"include_usage": true}) } else { json!(null) },
        });
        let request = reqwest::Client::builder()
            .tls_backend_preconfigured(no_tls())
            .build()
            .expect("a client")
            .post(format!("{}/v1/chat/completions", self.url))
            .bearer_auth("sk-client")
            .header("x-request-id", "req_test")
            .json(&body);
        let response = request.send().await.expect("an answer");
        let mut out = format!("{}\n", response.status());
        for name in ["content-type", "cache-control", "retry-after", "access-control-allow-origin"]
        {
            if let Some(value) = response.headers().get(name) {
                writeln!(out, "{name}: {}", value.to_str().expect("is text")).expect("a String");
            }
        }
        let body = response.text().await.expect("a body that ends as announced");
        format!("{out}\n{}", without_ids(&body))
    }
}

fn config(pairs: &[(&str, &str)]) -> Config {
    let environment = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let sources = Sources { environment, ..Sources::default() };
    Settings::resolve(&sources).and_then(|settings| settings.config()).expect("valid settings")
}

fn no_tls() -> rustls::ClientConfig {
    let ring = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .expect("known versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

/// Replaces ids and dates, which differ from run to run.
fn without_ids(body: &str) -> String {
    let mut out = String::new();
    let mut rest = body;
    while let Some(at) = ["\"id\":\"chatcmpl-", "\"created\":"]
        .iter()
        .filter_map(|mark| rest.find(mark).map(|at| at + mark.len()))
        .min()
    {
        out.push_str(&rest[..at]);
        out.push('…');
        rest = rest[at..].trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-');
    }
    out + rest
}

const KINDS: [(&str, &str, Face, Family); 4] = [
    ("chat-ui", "chat-ui", Face::ChatUi, Family::V2),
    ("chat-ui-2024", "chat-ui", Face::ChatUi, Family::Y2024),
    ("openai", "openai", Face::ChatUi, Family::V2),
    ("open-webui", "open-webui", Face::OpenWebui, Family::V2),
];

async fn stages() -> Vec<(&'static str, Stage)> {
    let mut stages = Vec::new();
    for (name, kind, face, family) in KINDS {
        let options = Options { face, family, ..Options::default() };
        stages.push((name, Stage::new(kind, options).await));
    }
    stages
}

#[tokio::test]
async fn answers_look_like_this() {
    for (name, stage) in stages().await {
        insta::assert_snapshot!(format!("{name}-whole"), stage.chat("hello", false).await);
        insta::assert_snapshot!(format!("{name}-stream"), stage.chat("hello", true).await);
        insta::assert_snapshot!(format!("{name}-reasoning"), stage.chat("THINK", true).await);
    }
}

#[tokio::test]
async fn g07_a_broken_stream_ends_with_an_error_event_and_no_done() {
    for (name, stage) in stages().await {
        let seen = stage.chat("MIDCUT", true).await;
        assert!(!seen.contains("[DONE]") && !seen.contains("\"stop\""), "{name}: {seen}");
        let last = seen.trim_end().rsplit("\n\n").next().unwrap_or_default();
        assert!(last.starts_with(r#"data: {"error":{"#), "{name}: {seen}");
        insta::assert_snapshot!(format!("{name}-broken"), seen);
    }
}

#[tokio::test]
async fn refusals_look_like_this() {
    let refusals = [
        ("429", json!({"error": {"message": "slow down"}, "message": "slow down"}), 429),
        ("500", json!({"error": {"message": "broke"}, "message": "broke"}), 500),
        ("401", json!({"error": {"message": "who?"}, "message": "who?"}), 401),
        ("403", json!({"error": {"message": "no"}, "message": "no"}), 403),
    ];
    for (name, kind, face, family) in KINDS {
        let mut seen = String::new();
        for (title, body, status) in &refusals {
            let options = Options { face, family, ..Options::default() };
            let stage = Stage::new(kind, options).await;
            let step = Step::Json {
                status: *status,
                headers: vec![("retry-after".into(), "7".into())],
                body: body.clone(),
            };
            (0..3).for_each(|_| stage.upstream.script(Script::steps([step.clone()])));
            let answer = stage.chat("hello", true).await;
            writeln!(seen, "## {title}\n{answer}\n").expect("a String takes everything");
        }
        insta::assert_snapshot!(format!("{name}-refused"), seen);
    }
}
