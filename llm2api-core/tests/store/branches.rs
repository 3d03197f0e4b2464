//! The part of the suite that is about conversations.

use std::time::Duration;

use llm2api_core::CredentialId;
use llm2api_core::store::{
    Branch, Branches, Collection, Held, Hold, KeptConversation, OutboxEntry,
};
use tokio::time::sleep;

use crate::suite::{Home, entry, outbox, sealed};

/// Longer than any test takes.
const LEASE: Duration = Duration::from_secs(60);

fn conversation(id: &str, owner: &str) -> KeptConversation {
    KeptConversation {
        id: id.into(),
        owner: CredentialId::from_text(owner),
        conversation: format!("upstream-{id}"),
        sealed: sealed("00000001", id),
    }
}

fn branch(key: &str, message: &str) -> Branch {
    Branch { key: key.into(), message: message.into(), thread: Some(format!("thread-{key}")) }
}

fn hold(branch: &str, token: &str) -> Hold {
    Hold { branch: branch.into(), id: None, token: token.into() }
}

/// A hold whose conversation is known.
fn hold_of(id: &str, hold: Hold) -> Hold {
    Hold { id: Some(id.into()), ..hold }
}

async fn keep(store: &dyn Branches, id: &str, owner: &str, key: &str) {
    let kept = store.remember(&conversation(id, owner), &branch(key, key), None).await;
    assert!(kept.expect("an answer"), "{id}");
}

async fn ask(store: &dyn Branches, wanted: &Hold) -> Held {
    store.hold(wanted, LEASE).await.expect("an answer")
}

fn found(id: &str, message: &str) -> Held {
    Held::Yes { id: id.into(), conversation: format!("upstream-{id}"), message: message.into() }
}

async fn collect(store: &dyn Branches, which: Collection) -> Vec<String> {
    let entries = store.collect(&which).await.expect("entries");
    entries.into_iter().map(|entry| entry.id).collect()
}

fn busy() -> Held {
    Held::Busy("a".into())
}

fn of(owner: &str) -> Collection {
    Collection { owner: Some(CredentialId::from_text(owner)), ..Collection::default() }
}

pub(crate) async fn a_conversation_takes_the_place_of_its_clean_up(home: &impl Home) {
    let store = home.open().await;
    let branches = store.branches().expect("it keeps them");
    store.put_outbox(&entry("a", "first")).await.expect("kept");
    keep(branches, "a", "cred_1", "one").await;
    assert_eq!(outbox(&*store).await, []);
    assert_eq!(branches.conversations().await.expect("one"), [conversation("a", "cred_1")]);
    assert_eq!(ask(branches, &hold("unknown", "1")).await, Held::Unknown);
    assert_eq!(ask(branches, &hold("one", "1")).await, found("a", "one"));
    let moved = branches.give_up(&hold("one", "other")).await.expect("an answer");
    assert_eq!(moved, [], "somebody else holds it");
    let moved = branches.give_up(&hold("one", "1")).await.expect("an answer");
    assert_eq!(moved, [OutboxEntry { id: "a".into(), sealed: sealed("00000001", "a") }]);
    assert_eq!(outbox(&*store).await, moved);
    assert_eq!(branches.conversations().await.expect("none"), []);
    assert_eq!(ask(branches, &hold("one", "2")).await, Held::Unknown);
}

pub(crate) async fn one_at_a_time_is_at_work_in_a_conversation(home: &impl Home) {
    let store = home.open().await;
    let branches = store.branches().expect("it keeps them");
    keep(branches, "a", "cred_1", "one").await;
    let first = hold("one", "1");
    assert_eq!(ask(branches, &first).await, found("a", "one"));
    assert_eq!(ask(branches, &hold("one", "2")).await, busy());
    let remember = async |key: &str, held: &Hold| {
        let (kept, new) = (conversation("a", "cred_1"), branch(key, key));
        branches.remember(&kept, &new, Some(held)).await.expect("an answer")
    };
    assert!(!remember("two", &hold("one", "2")).await, "it is not held so");
    assert!(remember("two", &first).await);
    assert!(!remember("three", &first).await, "the hold has ended");
    // Both branches lead there, and one hold counts for both.
    let second = hold("two", "3");
    assert_eq!(ask(branches, &second).await, found("a", "two"));
    assert_eq!(ask(branches, &hold("one", "4")).await, busy());
    branches.release(&hold("one", "4"), Duration::ZERO).await.expect("an answer");
    assert_eq!(ask(branches, &hold("one", "4")).await, busy(), "that was nobody's");
    branches.release(&second, LEASE).await.expect("released");
    assert_eq!(ask(branches, &hold("one", "5")).await, busy(), "it rests");
    assert_eq!(branches.conversations().await.expect("one").len(), 1);
}

pub(crate) async fn a_hold_runs_out_unless_it_is_renewed(home: &impl Home) {
    let store = home.open().await;
    let branches = store.branches().expect("it keeps them");
    keep(branches, "a", "cred_1", "one").await;
    let (first, second) = (hold("one", "1"), hold("one", "2"));
    let short = Duration::from_millis(50);
    let held = branches.hold(&first, short).await.expect("an answer");
    assert_eq!(held, found("a", "one"));
    branches.renew_holds(std::slice::from_ref(&first), LEASE).await.expect("renewed");
    sleep(2 * short).await;
    assert_eq!(ask(branches, &second).await, busy());
    branches.renew_holds(&[second.clone(), first.clone()], short).await.expect("renewed");
    sleep(2 * short).await;
    assert_eq!(ask(branches, &second).await, found("a", "one"));
    branches.renew_holds(std::slice::from_ref(&first), Duration::ZERO).await.expect("ignored");
    assert_eq!(ask(branches, &hold("one", "3")).await, busy(), "it was another's by then");
}

pub(crate) async fn a_hold_stays_when_its_branch_becomes_another_conversations(home: &impl Home) {
    let store = home.open().await;
    let branches = store.branches().expect("it keeps them");
    let remember = async |key: &str, held: &Hold| {
        let (kept, new) = (conversation("a", "cred_1"), branch(key, key));
        branches.remember(&kept, &new, Some(held)).await.expect("an answer")
    };
    keep(branches, "a", "cred_1", "one").await;
    assert_eq!(ask(branches, &hold("one", "1")).await, found("a", "one"));
    assert!(remember("two", &hold_of("a", hold("one", "1"))).await);
    let (short, first) = (Duration::from_millis(50), hold("one", "2"));
    assert_eq!(branches.hold(&first, short).await.expect("an answer"), found("a", "one"));
    keep(branches, "b", "cred_2", "one").await;
    let first = hold_of("a", first);
    branches.renew_holds(std::slice::from_ref(&first), LEASE).await.expect("renewed");
    sleep(2 * short).await;
    assert_eq!(ask(branches, &hold("two", "3")).await, busy(), "it was renewed");
    assert!(remember("three", &first).await);

    let second = hold("two", "4");
    assert_eq!(ask(branches, &second).await, found("a", "two"));
    keep(branches, "c", "cred_2", "two").await;
    branches.release(&hold_of("a", second), Duration::ZERO).await.expect("released");
    let third = hold("three", "5");
    assert_eq!(ask(branches, &third).await, found("a", "three"), "it was released");
    keep(branches, "d", "cred_2", "three").await;
    let other = hold_of("b", third.clone());
    assert_eq!(branches.give_up(&other).await.expect("an answer"), [], "that one is not held");
    let moved = branches.give_up(&hold_of("a", third)).await.expect("an answer");
    assert_eq!(moved.len(), 1, "it was held");
    assert_eq!(ask(branches, &hold("one", "6")).await, found("b", "one"));
}

pub(crate) async fn what_is_old_or_too_much_is_collected(home: &impl Home) {
    let store = home.open().await;
    let branches = store.branches().expect("it keeps them");
    for (id, owner) in [("a", "cred_1"), ("b", "cred_1"), ("c", "cred_2"), ("d", "cred_1")] {
        keep(branches, id, owner, &format!("of-{id}")).await;
    }
    let unused_for = Duration::from_secs(3600);
    let none: [&str; 0] = [];
    assert_eq!(collect(branches, Collection { unused_for, ..Collection::default() }).await, none);
    // It is used, and so the one that was used last.
    assert_eq!(ask(branches, &hold("of-a", "1")).await, found("a", "of-a"));
    branches.release(&hold("of-a", "1"), Duration::ZERO).await.expect("released");
    assert_eq!(collect(branches, Collection { spare: 2, ..of("cred_1") }).await, ["b"]);
    assert_eq!(ask(branches, &hold("of-d", "2")).await, found("d", "of-d"));
    assert_eq!(collect(branches, Collection { at_most: 1, ..of("cred_1") }).await, ["a"]);
    assert_eq!(collect(branches, of("cred_1")).await, none, "the last one is held");
    assert_eq!(collect(branches, Collection::default()).await, ["c"]);
    assert_eq!(collect(branches, Collection { held_too: true, ..of("cred_1") }).await, ["d"]);
    let left: Vec<_> = outbox(&*store).await.into_iter().map(|entry| entry.id).collect();
    assert_eq!(left, ["a", "b", "c", "d"]);
}

pub(crate) async fn a_thread_leads_to_who_has_answered_it(home: &impl Home) {
    let store = home.open().await;
    let branches = store.branches().expect("it keeps them");
    let owner = async |thread: &str| branches.owner_of(thread).await.expect("an answer");
    assert_eq!(owner("thread-one").await, None);
    keep(branches, "a", "cred_1", "one").await;
    assert_eq!(owner("thread-one").await, Some(CredentialId::from_text("cred_1")));
    keep(branches, "b", "cred_2", "one").await;
    assert_eq!(owner("thread-one").await, Some(CredentialId::from_text("cred_2")), "the last");
    // What is another conversation's by now stays when the first one goes.
    assert_eq!(collect(branches, of("cred_1")).await, ["a"]);
    assert_eq!(ask(branches, &hold("one", "1")).await, found("b", "one"));
    assert_eq!(owner("thread-one").await, Some(CredentialId::from_text("cred_2")));
}
