//! Neither content nor a secret is in a trace.

use llm2api_tests::Script;
use llm2api_tests::processes::{ADMIN_KEY, API_KEY, MODEL, Outcome};
use serde_json::json;

use crate::collector::Collector;
use crate::stage::{ask, traced};

const ACCOUNT: &str = "canary-account-2f90";
const ASKED: &str = "canary-asked-6b1d";
const SAID: &str = "canary-said-e45a";
const REFUSED: &str = "canary-refused-77c3";
const PATH: &str = "canary-path-19be";

#[tokio::test(flavor = "multi_thread")]
async fn g26_neither_content_nor_a_secret_is_in_a_trace() {
    let collector = Collector::start().await;
    let stage = traced(&collector, &[("COOKIES", ACCOUNT), ("RETRY_MAX_ATTEMPTS", "1")]).await;
    let outcome = Outcome::of(&stage.server.api, &format!("{ASKED}\nECHO:{SAID}"), true).await;
    assert!(outcome.is_whole() && outcome.text() == SAID, "{outcome:?}");
    let words = format!("{REFUSED} {ACCOUNT}");
    stage.upstream.script(Script::json(400, json!({"error": {"message": words}})));
    let refused = Outcome::of(&stage.server.api, ASKED, false).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    let unknown = stage.server.ask(ask("", ASKED, "hello")).await;
    assert_eq!(unknown.status, 404, "{unknown:?}");
    let head = format!("Host: x\r\nAuthorization: Bearer {API_KEY}\r\n\r\n");
    let lost = stage.server.ask(format!("GET /v1/models/{PATH} HTTP/1.1\r\n{head}")).await;
    assert_eq!(lost.status, 404, "{lost:?}");

    let spans = collector.wait(7).await;
    assert!(spans.iter().any(|told| told.span.name == format!("chat {MODEL}")), "{spans:?}");
    let told = collector.bodies().concat();
    let told = String::from_utf8_lossy(&told);
    for secret in [ACCOUNT, ASKED, SAID, REFUSED, PATH, API_KEY, ADMIN_KEY] {
        assert!(!told.contains(secret), "{secret} is told of");
        assert!(!stage.server.logged(secret), "{secret} is logged");
    }
}
