//! One at a time in a conversation, and what becomes of one after a turn that was cut.

use std::time::Duration;

use futures::StreamExt;
use futures::future::join;
use llm2api_core::{ChatRequest, Message};
use llm2api_tests::Options;

use crate::stage::{MODEL, ask, begin, client, go_on, made, simulator};

#[tokio::test]
async fn of_two_follow_ups_at_once_one_begins_anew_and_nothing_is_lost() {
    let options = Options { token_delay: Duration::from_millis(5), ..Options::default() };
    let upstream = simulator(options).await;
    let client = client(&upstream).await;
    let first = begin(&client, "hello").await;
    let (one, other) = join(go_on(&client, &first, "one"), go_on(&client, &first, "other")).await;
    let log = upstream.log();
    [&first, &one, &other].iter().for_each(|answer| answer.is_true_to(&log));
    assert_eq!(made(&log), 2);
    let empty = log.conversations.iter().flat_map(|one| &one.messages);
    assert!(empty.filter(|one| one.from == "assistant").all(|one| !one.content.is_empty()));
    // Both go on where they are.
    let more = join(go_on(&client, &one, "more"), go_on(&client, &other, "more")).await;
    let log = upstream.log();
    assert_eq!(more.0.conversation(&log), one.conversation(&log));
    assert_eq!(more.1.conversation(&log), other.conversation(&log));
    assert_eq!(made(&log), 2);
}

#[tokio::test]
async fn edits_and_regenerations_fork() {
    let upstream = simulator(Options::default()).await;
    let client = client(&upstream).await;
    let first = begin(&client, "hello").await;
    let second = go_on(&client, &first, "ECHO:second").await;
    let third = go_on(&client, &second, "ECHO:third").await;
    let again = ask(&client, third.asked.clone()).await.expect("another");
    let edited = go_on(&client, &first, "ECHO:edited").await;
    let after = go_on(&client, &edited, "ECHO:after").await;
    let log = upstream.log();
    for answer in [&first, &second, &third, &again, &edited, &after] {
        answer.is_true_to(&log);
    }
    assert_eq!(made(&log), 1, "one conversation holds them all");
}

#[tokio::test]
async fn a_turn_that_was_left_is_stopped_and_its_conversation_rests() {
    let options = Options { token_delay: Duration::from_millis(20), ..Options::default() };
    let upstream = simulator(options).await;
    let client = client(&upstream).await;
    let first = begin(&client, "hello").await;
    let asked = first.history().into_iter().chain([Message::user("LONGRUN")]);
    let request = ChatRequest::new(MODEL).with_messages(asked).with_stream(true);
    let mut answer = client.chat(request).await.expect("it begins");
    answer.next().await.expect("a piece").expect("of text");
    drop(answer);
    let log = upstream.wait_for(|log| log.stop_calls.len() == 1 && log.running.is_empty()).await;
    assert!(log.stop_calls[0].running, "what ran was stopped");
    assert_eq!((log.conversations.len(), log.deleted.len()), (1, 0), "the conversation stays");
    let second = go_on(&client, &first, "and?").await;
    let log = upstream.log();
    second.is_true_to(&log);
    assert_ne!(second.conversation(&log), first.conversation(&log), "a stop may linger there");
}

#[tokio::test]
async fn a_turn_that_failed_leaves_the_conversation_as_it_was() {
    let upstream = simulator(Options::default()).await;
    let client = client(&upstream).await;
    let first = begin(&client, "hello").await;
    let asked = first.history().into_iter().chain([Message::user("ERR400")]).collect();
    ask(&client, asked).await.expect_err("the model refuses");
    let second = go_on(&client, &first, "and?").await;
    let log = upstream.log();
    second.is_true_to(&log);
    assert_eq!((made(&log), log.stop_calls.len()), (1, 0));
    // One that fails at once is deleted.
    ask(&client, vec![Message::user("ERR400")]).await.expect_err("the model refuses");
    upstream.wait_for(|log| log.deleted.len() == 1 && log.conversations.len() == 1).await;
}
