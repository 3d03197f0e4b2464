//! Upstreams and aliases come and go while answers run.

use std::time::Duration;

use llm2api_tests::plan::TOKENS;
use llm2api_tests::processes::{API_KEY, CHAT_UI, MODEL, OPENAI, eventually, text_of};
use llm2api_tests::{Options, Simulator};

use crate::{SOON, Stage, alias, file, upstream};

async fn simulator() -> Simulator {
    let options = Options { token_delay: Duration::from_millis(20), ..Options::default() };
    Simulator::start(options).await.expect("the simulator listens")
}

fn url(simulator: &Simulator, kind: &str) -> String {
    if kind == OPENAI { simulator.openai_url() } else { simulator.url() }
}

#[tokio::test]
async fn an_alias_appears_and_goes() {
    let (upstream_server, stage) = (simulator().await, Stage::start(&file("", "")).await);
    assert!(stage.chat(API_KEY, "fast").await.status >= 400, "the demo does not know it");
    let real = upstream("real", OPENAI, &upstream_server.openai_url());
    let message = stage.take_up(&file("", &(real.clone() + &alias("fast", "real")))).await;
    assert!(message.ends_with("changed: upstreams real; models fast"), "{message}");
    let told = stage.chat(API_KEY, "fast").await;
    assert_eq!(told.status, 200, "{told:?}");
    let models = "GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-client\r\n\r\n";
    assert!(stage.server.ask(models).await.body.contains(r#""id":"fast""#));
    let message = stage.take_up(&file("", &real)).await;
    assert!(message.ends_with("changed: models fast"), "{message}");
    assert!(!stage.server.ask(models).await.body.contains(r#""id":"fast""#));
}

/// One stream runs at an upstream while its place is taken by another.
async fn swapped(kind: &str) {
    let (old, new) = (simulator().await, simulator().await);
    let with = |to: &Simulator| {
        file("", &(upstream("main", kind, &url(to, kind)) + &alias("fast", "main")))
    };
    let stage = Stage::start(&with(&old)).await;
    let mut running = stage.begin("fast").await;
    let message = stage.take_up(&with(&new)).await;
    assert!(message.ends_with("changed: upstreams main"), "{message}");
    assert_eq!(stage.chat(API_KEY, "fast").await.status, 200);
    assert_eq!((old.log().generations, new.log().generations), (1, 1), "the next goes elsewhere");
    let accounts = stage.server.api.cookies().await;
    assert_eq!(accounts.len(), 1, "the account is the upstream's, wherever that is");
    assert_eq!(accounts[0]["in_flight"], 1, "it carries the old one's stream: {accounts:?}");

    let answer = running.until("data: [DONE]\n\n").await;
    assert!(text_of(&answer).ends_with(TOKENS[8]), "{answer}");
    assert_eq!(old.log().aborted_streams, 0);
    eventually("nothing is left behind", SOON, async || {
        let at = [&old, &new].map(Simulator::log);
        at.iter().all(|log| log.conversations.is_empty() && log.running.is_empty()).then_some(())
    })
    .await;
    let made = usize::from(kind == CHAT_UI);
    assert_eq!([&old, &new].map(|at| at.log().deleted.len()), [made; 2], "each by its maker");
}

#[tokio::test]
async fn g17_a_stream_runs_to_its_end_whole_while_its_upstream_is_replaced() {
    swapped(OPENAI).await;
    swapped(CHAT_UI).await;
}

#[tokio::test]
async fn g17_what_did_not_change_keeps_its_connections() {
    let (kept, other) = (simulator().await, simulator().await);
    let stage = Stage::start(&file("", &upstream("kept", OPENAI, &kept.openai_url()))).await;
    let model = format!("kept/{MODEL}");
    assert_eq!(stage.chat(API_KEY, &model).await.status, 200);
    let connections = kept.log().connections;
    for places in 1..4 {
        let upstreams = upstream("kept", OPENAI, &kept.openai_url())
            + &format!("max_concurrency_per_credential = {places}\n")
            + &upstream("other", OPENAI, &other.openai_url());
        stage.take_up(&file("retry_max_attempts = 2", &upstreams)).await;
        assert_eq!(stage.chat(API_KEY, &model).await.status, 200);
    }
    assert_eq!(kept.log().connections, connections);
}

#[tokio::test]
async fn g17_a_removed_upstreams_accounts_come_back_with_it() {
    let upstream_server = simulator().await;
    let both = upstream("first", OPENAI, &upstream_server.openai_url())
        + &upstream("second", OPENAI, &upstream_server.openai_url());
    let stage = Stage::start(&file("", &both)).await;
    let before = stage.server.api.ids().await;
    assert_eq!(before.len(), 2);
    let one = upstream("first", OPENAI, &upstream_server.openai_url());
    stage.take_up(&file("", &one)).await;
    assert_eq!(stage.server.api.ids().await.len(), 1);
    let told = stage.chat(API_KEY, &format!("second/{MODEL}")).await;
    assert!(told.status >= 400, "{told:?}");
    stage.take_up(&file("", &both)).await;
    assert_eq!(stage.server.api.ids().await, before);
    assert_eq!(stage.chat(API_KEY, &format!("second/{MODEL}")).await.status, 200);
}
