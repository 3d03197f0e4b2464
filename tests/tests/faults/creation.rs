//! A chat-ui that refuses the conversation, before any message.

use llm2api_tests::plan::ANSWER;
use llm2api_tests::processes::{CHAT_UI, Outcome};
use llm2api_tests::{Script, Step, each};

use crate::stage;
use crate::table::refuse;

#[tokio::test]
async fn g08_a_conversation_that_is_refused_is_made_with_another_account() {
    let faults = [
        ("reset", Step::Reset),
        ("401", refuse(401, &[])),
        ("login page", refuse(302, &[("location", "/login")])),
        ("403", refuse(403, &[])),
        ("429", refuse(429, &[])),
        ("500", refuse(500, &[])),
    ];
    each(faults, async |(name, fault)| {
        let stage = stage(CHAT_UI, 2, &[]).await;
        stage.upstream.script_path("/conversation", Script::steps([fault]));
        let told = Outcome::of(&stage.server.api, "hello", true).await;
        assert!(told.is_whole() && told.text() == ANSWER, "{name}: {told:?}");
        let log = stage.upstream.log();
        let made = log
            .requests
            .iter()
            .filter(|request| request.method == "POST" && request.path == "/conversation");
        assert_eq!((made.count(), log.senders().len()), (2, 1), "{name}");
    })
    .await;
}

/// A chat-ui may limit us before a message is sent.
#[tokio::test]
async fn g21_a_limit_before_the_conversation_is_passed_on_with_its_time() {
    let stage = stage(CHAT_UI, 1, &[]).await;
    let limited = Script::steps([refuse(429, &[("retry-after", "90")])]);
    stage.upstream.script_path("/conversation", limited);
    let told = Outcome::of(&stage.server.api, "hello", true).await;
    assert_eq!(told.refusal(), (429, "rate_limit_exceeded".to_owned()), "{told:?}");
    assert_eq!(told.retry_after, Some(90), "{told:?}");
}
