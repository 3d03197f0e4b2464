//! What is confirmed is kept, and what is kept comes back.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use llm2api_core::accounts::{AccountChange, AccountState, NewAccount, Verdict};
use llm2api_core::store::Swapped;
use llm2api_core::{ChatRequest, Client, Message};
use tokio::time::{advance, sleep};

use crate::club::{Home, add, ask, until};

#[tokio::test(start_paused = true)]
async fn only_a_valid_account_is_kept_and_each_once() {
    let home = Home::new();
    let client = home.start(&[]).await;
    let ann = add(&client, "ann-1").await.expect("valid");
    assert_eq!((&*ann.account.label, ann.account.proven), ("ann", true));
    let cases = [
        ("ann-1", "duplicate_cookie", Some(409)),
        ("ann-2", "duplicate_cookie", Some(409)),
        ("dead-1", "invalid_cookie", None),
        ("html-1", "invalid_cookie", None),
        ("down-1", "upstream_unreachable", None),
        ("a b", "invalid_cookie", None),
        ("", "invalid_cookie", None),
    ];
    for (key, code, status) in cases {
        let error = add(&client, key).await.expect_err("refused");
        assert_eq!((error.code(), error.status()), (code, status), "{key}");
        assert!(!error.to_string().contains("-1"), "{error}");
    }
    let wrong = NewAccount::new("bob-1").with_upstream("elsewhere");
    let error = client.accounts().add(wrong).await.expect_err("no such upstream");
    assert_eq!(error.code(), "unknown_upstream");
    assert_eq!(client.accounts().list().len(), 1);
    assert_eq!(home.store.rows().await.expect("rows").0.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn g23_the_same_account_at_once_is_asked_about_once() {
    let home = Home::new();
    let client = home.start(&[]).await;
    let all = futures::future::join_all((0..8).map(|_| add(&client, "ann-1"))).await;
    assert_eq!(all.iter().filter(|added| added.is_ok()).count(), 1);
    assert_eq!(home.club.checks.load(Ordering::Relaxed), 1);
    let id = client.accounts().list()[0].id.clone();
    let checks = (0..8).map(|_| client.accounts().check(&id));
    let all = futures::future::join_all(checks).await;
    assert!(all.iter().all(|checked| matches!(checked, Ok(c) if c.verdict == Verdict::Valid)));
    assert_eq!(home.club.checks.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn g17_a_restart_keeps_accounts_with_all_that_is_known() {
    let home = Home::new();
    let client = home.start(&["seed-1"]).await;
    let ann = add(&client, "ann-1").await.expect("valid").account.id;
    let change = {
        let mut change = AccountChange::default();
        (change.label, change.weight) = (Some("Ann".into()), Some(7));
        change
    };
    client.accounts().update(&ann, change).await.expect("kept");
    client.accounts().disable(&ann).await.expect("kept");
    client.ask("m", "hello").await.expect("an answer");
    client.shutdown(Duration::from_secs(5)).await;
    drop(client);

    let client = home.start(&["seed-1", "seed-1"]).await;
    let all = client.accounts().list();
    assert_eq!(all.len(), 2, "seeds are taken once: {all:?}");
    let ann = all.iter().find(|account| account.id == ann).expect("still there");
    assert_eq!((&*ann.label, ann.weight, ann.state), ("Ann", 7, AccountState::Disabled));
    let seed = all.iter().find(|account| account.id != ann.id).expect("the seed");
    assert_eq!((seed.requests, seed.failures), (1, 0), "counters outlive the process");
}

#[tokio::test(start_paused = true)]
async fn what_an_upstream_refuses_is_told_of_the_account_over_a_restart() {
    let home = Home::new();
    let counts = |client: &Client| {
        let account = client.accounts().list().remove(0);
        (account.requests, account.failures)
    };
    let client = home.start(&["seed-1"]).await;
    client.ask("m", "hello").await.expect("an answer");
    client.ask("refused", "hello").await.expect_err("there is no such model");
    assert_eq!(counts(&client), (2, 1));
    let metrics = client.metrics().snapshot();
    assert_eq!((metrics.refused, metrics.failed), (1, 0), "no failure of the gateway's");
    client.shutdown(Duration::from_secs(5)).await;
    drop(client);

    let client = home.start(&["seed-1"]).await;
    assert_eq!(counts(&client), (2, 1));
    client.ask("refused", "hello").await.expect_err("there is no such model");
    assert_eq!(counts(&client), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn a_dead_account_goes_out_after_one_check_and_is_found_again() {
    let home = Home::new();
    let client = home.start(&[]).await;
    let ann = add(&client, "ann-1").await.expect("valid").account.id;
    add(&client, "bob-1").await.expect("valid");
    home.club.sign_out("ann-1");
    for _ in 0..8 {
        let answer = client.chat(ask()).await.expect("the other answers").collect().await;
        assert_eq!(answer.expect("whole").text(), "bob-1");
    }
    let state = || client.accounts().get(&ann).expect("still there").state;
    until(|| state() == AccountState::Invalid).await;
    home.club.sign_in();
    advance(Duration::from_secs(700)).await;
    until(|| state() == AccountState::Active).await;
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_down_throws_nobody_out() {
    let home = Home::new();
    let client = home.start(&["down-1"]).await;
    let checked = client.accounts().check_all().await;
    assert!(matches!(checked[0].verdict, Verdict::Unknown(_)), "{checked:?}");
    assert_eq!(client.accounts().list()[0].state, AccountState::Active);
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_replaced_by_another_of_the_same_account_only() {
    let home = Home::new();
    let client = home.start(&[]).await;
    let ann = add(&client, "ann-1").await.expect("valid").account;
    let replace = async |key: &str| {
        let mut change = AccountChange::default();
        change.secret = Some(key.into());
        client.accounts().update(&ann.id, change).await
    };
    let error = replace("bob-1").await.expect_err("another account");
    assert_eq!(error.code(), "invalid_cookie");
    let error = replace("dead-1").await.expect_err("dead");
    assert_eq!(error.code(), "invalid_cookie");
    assert_eq!(client.ask("m", "hello").await.expect("an answer"), "ann-1");
    let after = replace("ann-2").await.expect("the same account");
    assert_ne!(after.fingerprint, ann.fingerprint);
    assert_eq!(client.ask("m", "hello").await.expect("an answer"), "ann-2");
    drop(client);
    let client = home.start(&[]).await;
    assert_eq!(client.ask("m", "hello").await.expect("an answer"), "ann-2");
}

#[tokio::test(start_paused = true)]
async fn the_anonymous_credential_stands_in_only_where_there_is_no_account() {
    let home = Home::new();
    let client = home.start(&[]).await;
    assert_eq!((client.pool().list().len(), client.accounts().list().len()), (1, 0));
    assert_eq!(client.ask("m", "hello").await.expect("an answer"), "");
    let ann = add(&client, "ann-1").await.expect("valid").account.id;
    assert_eq!(client.pool().list().len(), 1);
    assert_eq!(client.ask("m", "hello").await.expect("an answer"), "ann-1");
    client.accounts().remove(&ann).await.expect("gone");
    assert_eq!(client.ask("m", "hello").await.expect("an answer"), "");
    assert!(client.accounts().remove(&ann).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_is_made_to_last_longer() {
    let home = Home::new();
    let client = home.start(&["ann-1"]).await;
    let id = client.accounts().list()[0].id.clone();
    client.shutdown(Duration::from_secs(5)).await;
    // Eight days ago, by what the store says.
    let (rows, _) = home.store.rows().await.expect("rows");
    let mut profile: serde_json::Value = serde_json::from_str(&rows[0].profile).expect("JSON");
    let created = profile["created_ms"].as_u64().expect("a time");
    profile["created_ms"] = (created - 8 * 24 * 3_600_000).into();
    let set = home.store.set_profile(&id, &rows[0].profile, &profile.to_string()).await;
    assert_eq!(set.expect("kept"), Swapped::Done);
    let client = home.start(&[]).await;
    until(|| home.club.extended.load(Ordering::Relaxed) == 1).await;
    advance(Duration::from_secs(5 * 3600)).await;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(home.club.extended.load(Ordering::Relaxed), 1, "once a week");
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn g23_a_conversation_goes_on_where_it_began() {
    let home = Home::new();
    let client = home.start(&["ann-1", "bob-1", "cid-1", "dan-1"]).await;
    let answer = async |request: ChatRequest| {
        let answer = client.chat(request).await.expect("sent").collect().await;
        answer.expect("whole").text().to_owned()
    };
    let mut answered = BTreeSet::new();
    for number in 0..20 {
        let first = ChatRequest::new("m").with_message(Message::user(format!("hello {number}")));
        let who = answer(first.clone()).await;
        let second =
            first.with_message(Message::assistant(&*who)).with_message(Message::user("and?"));
        assert_eq!(answer(second.clone()).await, who);
        let third = second.with_message(Message::assistant("so")).with_message(Message::user("ok"));
        assert_eq!(answer(third).await, who);
        answered.insert(who);
    }
    assert_eq!(answered.len(), 4, "conversations are spread");
}
