//! How many conversations are kept, and for how long.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use llm2api_core::accounts::AccountChange;
use llm2api_core::store::{Keyring, MemoryStore, Store};
use llm2api_core::{ChatRequest, ChatStream, ConversationMode, ConversationRules, Message};
use llm2api_tests::processes::eventually;
use llm2api_tests::{Mark, Options, Session};

use crate::stage::{MODEL, begin, client, go_on, made, settings, simulator};

/// How long it may take until a turn is kept.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn those_beyond_the_most_are_deleted_the_oldest_first() {
    let upstream = simulator(Options::default()).await;
    let mut rules = ConversationRules::default();
    rules.most_per_account = 2;
    let settings = settings(&upstream, 1).with_conversation_rules(rules);
    let client = settings.build().await.expect("a client");
    let first = begin(&client, "one").await;
    let second = begin(&client, "two").await;
    // Whoever goes on waits for the turn before to be kept.
    go_on(&client, &second, "more").await;
    go_on(&client, &first, "more").await;
    let log = upstream.log();
    let (oldest, newer) = (second.conversation(&log), first.conversation(&log));
    begin(&client, "three").await;
    let log = upstream.wait_for(|log| log.deleted.len() == 1).await;
    assert_eq!(log.deleted, [oldest]);
    assert!(log.conversations.iter().any(|one| one.id == newer));
    let again = go_on(&client, &second, "again").await;
    again.is_true_to(&upstream.log());
}

#[tokio::test]
async fn one_that_nobody_uses_is_deleted_after_its_life() {
    let upstream = simulator(Options::default()).await;
    let mut rules = ConversationRules::default();
    rules.life = Duration::from_millis(100);
    let settings = settings(&upstream, 1).with_conversation_rules(rules);
    let client = settings.build().await.expect("a client");
    begin(&client, "one").await;
    let log = upstream.wait_for(|log| log.deleted.len() == 1).await;
    assert!(log.conversations.is_empty());
}

#[tokio::test]
async fn an_account_that_is_full_gets_room() {
    let options = Options { conversations_limit: Some(2), ..Options::default() };
    let upstream = simulator(options).await;
    let client = client(&upstream).await;
    let first = begin(&client, "one").await;
    go_on(&client, &first, "more").await;
    // One more is let through, as measured.
    for text in ["two", "three", "four", "five"] {
        begin(&client, text).await;
    }
    let log = upstream.wait_for(|log| log.conversations.len() <= 3).await;
    assert!(!log.deleted.is_empty());
}

#[tokio::test]
async fn those_of_an_account_go_with_it() {
    let upstream = simulator(Options::default()).await;
    let store = Arc::new(MemoryStore::default());
    let settings = settings(&upstream, 1).with_store(store.clone(), Keyring::random());
    let client = settings.build().await.expect("a client");
    begin(&client, "one").await;
    eventually("it is kept", SOON, async || {
        let branches = store.branches().expect("it keeps them");
        branches.conversations().await.expect("an answer").pop()
    })
    .await;
    let id = client.pool().list()[0].id.clone();
    client.accounts().remove(&id).await.expect("removed");
    upstream.wait_for(|log| log.conversations.is_empty()).await;
}

#[tokio::test]
async fn a_turn_that_outlives_its_account_is_not_kept() {
    for goes_on in [true, false] {
        let options = Options { token_delay: Duration::from_millis(20), ..Options::default() };
        let upstream = simulator(options).await;
        let client = client(&upstream).await;
        let before = if goes_on { begin(&client, "one").await.history() } else { Vec::new() };
        let asked = before.into_iter().chain([Message::user("two")]);
        let request = ChatRequest::new(MODEL).with_messages(asked).with_stream(true);
        let mut answer = client.chat(request).await.expect("it begins");
        answer.next().await.expect("a piece").expect("of text");
        let id = client.pool().list()[0].id.clone();
        client.accounts().remove(&id).await.expect("removed");
        assert_eq!(upstream.log().conversations.len(), 1, "its turn is under way");
        ChatStream::collect(answer).await.expect("calls under way go on");
        upstream.wait_for(|log| log.conversations.is_empty()).await;
    }
}

#[tokio::test]
async fn all_go_when_each_request_is_to_have_its_own() {
    let upstream = simulator(Options::default()).await;
    let client = client(&upstream).await;
    let first = begin(&client, "one").await;
    go_on(&client, &first, "more").await;
    let fresh = settings(&upstream, 1).with_conversations(ConversationMode::Fresh);
    client.reload(fresh).await.expect("reloaded");
    begin(&client, "two").await;
    let log = upstream.wait_for(|log| log.conversations.is_empty()).await;
    assert_eq!((made(&log), log.deleted.len()), (2, 2));
}

#[tokio::test]
async fn a_cookie_that_was_replaced_is_no_reason_to_leave_them() {
    let sessions = ["session-0", "session-1"].map(|value| Session::new(value, "ann"));
    let options = Options { login: true, sessions: sessions.into(), ..Options::default() };
    let upstream = simulator(options).await;
    let client = client(&upstream).await;
    let first = begin(&client, "one").await;
    go_on(&client, &first, "more").await;
    let id = client.pool().list()[0].id.clone();
    let mut change = AccountChange::default();
    change.secret = Some("hf-chat=session-1".into());
    client.accounts().update(&id, change).await.expect("it is Ann's as well");
    upstream.mark("session-0", Mark::Revoked);
    let fresh = settings(&upstream, 1).with_conversations(ConversationMode::Fresh);
    client.reload(fresh).await.expect("reloaded");
    upstream.wait_for(|log| log.conversations.is_empty()).await;
}

#[tokio::test]
async fn none_is_left_where_nobody_would_know_it_again() {
    let upstream = simulator(Options::default()).await;
    let client = client(&upstream).await;
    let first = begin(&client, "one").await;
    go_on(&client, &first, "more").await;
    begin(&client, "two").await;
    client.shutdown(Duration::from_secs(5)).await;
    let log = upstream.log();
    assert!(log.conversations.is_empty(), "the store is in memory: {:?}", log.deleted);
}
