//! What runs at once, and who leaves in between: the store and the pool stay of one mind.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use llm2api_core::accounts::{AccountChange, AccountState, Verdict};
use llm2api_core::{Client, CredentialId};
use tokio::time::{sleep, timeout};

use crate::club::{Home, add, ask, until};
use crate::slow_store::SlowStore;

fn home() -> Home {
    Home::with(Arc::new(SlowStore::default()))
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn secret(text: &str) -> AccountChange {
    let mut change = AccountChange::default();
    change.secret = Some(text.into());
    change
}

/// The ids of the store and those of the list, sorted.
async fn both(home: &Home, client: &Client) -> (Vec<String>, Vec<String>) {
    let rows = home.store.rows().await.expect("rows").0;
    let mut kept: Vec<_> = rows.iter().map(|row| row.id.to_string()).collect();
    let mut listed: Vec<_> =
        client.accounts().list().iter().map(|account| account.id.to_string()).collect();
    kept.sort();
    listed.sort();
    (kept, listed)
}

/// What the store says of an account.
async fn profile(home: &Home, id: &CredentialId) -> serde_json::Value {
    let rows = home.store.rows().await.expect("rows").0;
    let row = rows.iter().find(|row| row.id == *id).expect("kept");
    serde_json::from_str(&row.profile).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_an_account_is_kept_leaves_no_half() {
    let home = home();
    let client = home.start(&[]).await;
    for after in 0..60 {
        let name = format!("user{after}-1");
        let _ = timeout(millis(after), add(&client, &name)).await;
    }
    sleep(millis(200)).await;
    let (kept, listed) = both(&home, &client).await;
    assert_eq!(kept, listed);
    assert!((10..60).contains(&kept.len()), "some were too late: {}", kept.len());
    for (after, account) in client.accounts().list().into_iter().enumerate() {
        let _ = timeout(millis(after as u64 % 30), client.accounts().remove(&account.id)).await;
    }
    sleep(millis(200)).await;
    let (kept, listed) = both(&home, &client).await;
    assert_eq!(kept, listed);
}

#[tokio::test(start_paused = true)]
async fn a_switch_is_kept_whatever_a_check_finds_meanwhile() {
    let home = home();
    let client = home.start(&[]).await;
    for (number, after) in (0..40).enumerate() {
        let id = add(&client, &format!("user{number}-1")).await.expect("valid").account.id;
        let switch = async {
            sleep(millis(after)).await;
            client.accounts().disable(&id).await.expect("kept");
        };
        let rename = async {
            sleep(millis(after)).await;
            let mut change = AccountChange::default();
            change.label = Some("New".into());
            client.accounts().update(&id, change).await.expect("kept");
        };
        let (_, (), ()) = tokio::join!(client.accounts().check(&id), switch, rename);
        let kept = profile(&home, &id).await;
        assert_eq!((&kept["enabled"], &kept["label"]), (&false.into(), &"New".into()), "{after}");
        assert_eq!(client.accounts().get(&id).expect("there").state, AccountState::Disabled);
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_of_the_old_secret_says_nothing_about_the_new() {
    let home = home();
    let client = home.start(&[]).await;
    let id = add(&client, "ann-1").await.expect("valid").account.id;
    home.club.sign_out("ann-1");
    home.club.slow.store(1000, Ordering::Relaxed);
    let check = client.accounts().check(&id);
    let replace = async {
        sleep(millis(100)).await;
        home.club.slow.store(0, Ordering::Relaxed);
        client.accounts().update(&id, secret("ann-2")).await.expect("good")
    };
    let (checked, replaced) = tokio::join!(check, replace);
    assert!(matches!(checked.expect("there").verdict, Verdict::Unknown(_)));
    assert_eq!(replaced.state, AccountState::Active);
    assert_eq!(client.accounts().get(&id).expect("there").state, AccountState::Active);
    assert_eq!(client.ask("m", "hello").await.expect("an answer"), "ann-2");
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_while_its_secret_is_replaced_stays_removed() {
    let home = home();
    let client = home.start(&[]).await;
    for after in 0..40 {
        let id = add(&client, "ann-1").await.expect("valid").account.id;
        let remove = async {
            sleep(millis(after)).await;
            client.accounts().remove(&id).await.expect("gone");
        };
        let _ = tokio::join!(client.accounts().update(&id, secret("ann-2")), remove);
        let (kept, listed) = both(&home, &client).await;
        assert_eq!((kept.len(), listed.len()), (0, 0), "{after}");
    }
}

#[tokio::test(start_paused = true)]
async fn counters_are_kept_once_whenever_the_engine_stops() {
    for after in (4980..5020).step_by(2) {
        let home = home();
        let client = home.start(&["ann-1"]).await;
        client.chat(ask()).await.expect("sent").collect().await.expect("whole");
        sleep(millis(after)).await;
        client.shutdown(Duration::from_secs(5)).await;
        let counts = home.store.counts("model:m").await.expect("counts");
        let requests = counts.iter().find(|count| count.field == "requests").expect("counted");
        assert_eq!(requests.value, 1, "stopped after {after} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_check_has_found_is_kept_a_moment_later() {
    let home = home();
    let client = home.start(&[]).await;
    let id = add(&client, "ann-1").await.expect("valid").account.id;
    add(&client, "bob-1").await.expect("valid");
    home.club.sign_out("ann-1");
    for _ in 0..8 {
        client.chat(ask()).await.expect("the other answers").collect().await.expect("whole");
    }
    let state = || client.accounts().get(&id).expect("there").state;
    until(|| state() == AccountState::Invalid).await;
    sleep(millis(2000)).await;
    let rows = home.store.rows().await.expect("rows").0;
    let row = rows.iter().find(|row| row.id == id).expect("kept");
    assert!(row.health.contains(r#""invalid":true"#), "{}", row.health);
}

#[tokio::test(start_paused = true)]
async fn what_another_server_removes_while_a_loss_is_mended_is_not_put_back() {
    let store = Arc::new(SlowStore::shared());
    let home = Home::with(store.clone());
    let client = home.start(&[]).await;
    let ann = add(&client, "ann-1").await.expect("valid").account.id;
    let bob = add(&client, "bob-1").await.expect("valid").account.id;
    store.lose(&ann).await;
    sleep(millis(3000)).await;
    let (kept, listed) = both(&home, &client).await;
    assert_eq!((kept, listed), (vec![bob.to_string()], vec![bob.to_string()]));
}
