//! A conversation that is of no use any more.

use llm2api_core::Client;
use llm2api_tests::processes::http;
use llm2api_tests::{Options, Script, Simulator, Step};
use serde_json::json;

use crate::stage::{Answered, begin, client, go_on, made, settings, simulator};

/// Deletes a conversation as the account's owner does.
async fn delete(upstream: &Simulator, id: &str) {
    let request = http().delete(format!("{}/conversation/{id}", upstream.url()));
    let answer = request.header("cookie", "hf-chat=session-0").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

fn refuse(upstream: &Simulator, before: &Answered, status: u16, message: &str) {
    let id = before.conversation(&upstream.log());
    let body = json!({"message": message});
    let refusal = Script::steps([Step::Json { status, headers: Vec::new(), body }]);
    upstream.script_exact_path(&format!("/conversation/{id}"), refusal);
}

#[tokio::test]
async fn one_that_the_owner_deleted_is_begun_anew() {
    let upstream = simulator(Options::default()).await;
    let client = client(&upstream).await;
    let first = begin(&client, "hello").await;
    let second = go_on(&client, &first, "and?").await;
    delete(&upstream, &first.conversation(&upstream.log())).await;
    let third = go_on(&client, &second, "so?").await;
    let fourth = go_on(&client, &third, "more?").await;
    let log = upstream.log();
    [&third, &fourth].iter().for_each(|answer| answer.is_true_to(&log));
    assert_eq!(made(&log), 2);
}

#[tokio::test]
async fn one_that_is_full_or_does_not_know_the_message_is_begun_anew_and_deleted() {
    let full = "This conversation has more than 9 messages. Start a new one to continue";
    for (status, message) in
        [(429, full), (500, "An error occurred"), (403, "You don't have access")]
    {
        let upstream = simulator(Options::default()).await;
        let client = client(&upstream).await;
        let first = begin(&client, "hello").await;
        refuse(&upstream, &first, status, message);
        let second = go_on(&client, &first, "and?").await;
        let log = upstream.wait_for(|log| log.deleted.len() == 1).await;
        second.is_true_to(&log);
        assert_eq!(made(&log), 2, "{status}");
        let sends = log.requests.iter().filter(|sent| sent.is_send()).count();
        assert_eq!(sends, 3, "{status}: the first, the refused, and one more");
    }
}

#[tokio::test]
async fn beginning_anew_is_one_of_the_sends() {
    let upstream = simulator(Options::default()).await;
    let mut limits = llm2api_core::Limits::default();
    limits.max_attempts = 1;
    let client: Client =
        settings(&upstream, 1).with_limits(limits).build().await.expect("a client");
    let first = begin(&client, "hello").await;
    refuse(&upstream, &first, 500, "An error occurred");
    let asked = first.history().into_iter().chain([llm2api_core::Message::user("and?")]).collect();
    let error = crate::stage::ask(&client, asked).await.expect_err("no send is left");
    assert_eq!(error.status(), Some(500), "{error}");
    go_on(&client, &first, "and?").await;
    assert_eq!(made(&upstream.log()), 2, "the next one knows better");
}
