//! Reading an answer again: by its generation, and as it is stored.

use std::time::Duration;

use tokio::io::AsyncReadExt;

use super::client::{Talk, status};
use crate::plan::ANSWER;
use crate::{Options, Script, Simulator, Step};

const GENERATION: &str = "ae88904f-5216-4db1-ae80-415c1c68cc3d";
const STREAM: &str = "stream?generationId=ae88904f-5216-4db1-ae80-415c1c68cc3d";

async fn start(options: Options) -> Simulator {
    Simulator::start(options).await.unwrap()
}

/// Sends a message and leaves as soon as the answer begins.
async fn leave(talk: &Talk<'_>, text: &str) {
    let mut socket = talk.open(text, Some(GENERATION)).await;
    socket.read_exact(&mut [0; 16]).await.unwrap();
}

fn slow(options: Options) -> Options {
    Options { token_delay: Duration::from_millis(20), ..options }
}

#[tokio::test]
async fn tokens_merge_as_the_real_server_merges_them() {
    let simulator = start(Options { merge_tokens: true, ..Options::default() }).await;
    let talk = Talk::start(&simulator).await;
    leave(&talk, "hello").await;
    simulator.wait_for(|log| log.running.is_empty()).await;
    let log = talk.get(STREAM).await;
    assert!(
        log.contains("id: 3\nevent: update\ndata: {\"type\":\"stream\",\"token\":\"Hello from\"}")
    );
    assert!(log.contains(
        "id: 4\nevent: update\ndata: {\"type\":\"stream\",\"token\":\" the mock model\"}"
    ));
    let rest = talk.get(&format!("{STREAM}&fromSeq=4")).await;
    assert!(log.ends_with(&rest) && rest.starts_with("id: 5\n"), "{rest}");
}

#[tokio::test]
async fn without_a_recording_the_generation_is_gone() {
    let simulator = start(Options { events_recorded: false, ..Options::default() }).await;
    let talk = Talk::start(&simulator).await;
    leave(&talk, "hello").await;
    assert_eq!(talk.get(STREAM).await, "event: end\ndata: {\"status\":\"gone\"}\n\n");
}

#[tokio::test]
async fn silence_is_filled_with_comments_and_named_events_in_turn() {
    let options = Options { heartbeat_every: Duration::from_millis(5), ..Options::default() };
    let simulator = start(slow(options)).await;
    let talk = Talk::start(&simulator).await;
    leave(&talk, "hello").await;
    let log = talk.get(STREAM).await;
    assert!(log.contains(": heartbeat\n\nevent: heartbeat\ndata: {}\n\n"), "{log}");
    assert!(log.ends_with("event: end\ndata: {\"status\":\"completed\"}\n\n"), "{log}");
}

#[tokio::test]
async fn a_stream_that_lived_long_enough_is_closed_without_an_end() {
    let options = Options { reattach_lifetime_ms: Some(30), ..Options::default() };
    let simulator = start(slow(options)).await;
    let talk = Talk::start(&simulator).await;
    leave(&talk, "hello").await;
    let log = talk.get(STREAM).await;
    assert!(log.contains("id: 1\n") && !log.contains("event: end"), "{log}");
}

#[tokio::test]
async fn what_is_told_in_one_go_is_heard_to_its_end() {
    let simulator = start(Options::default()).await;
    for step in [Step::Fixture("v0.20-plain".into()), Step::FixtureTimed("v0.20-plain".into())] {
        simulator.script(Script::steps([step]));
        let talk = Talk::start(&simulator).await;
        leave(&talk, "hello").await;
        let log = talk.get(STREAM).await;
        assert!(log.contains("\"type\":\"finalAnswer\""), "{log}");
        assert!(log.ends_with("event: end\ndata: {\"status\":\"completed\"}\n\n"), "{log}");
        let stored = simulator.wait_for(|log| log.running.is_empty()).await;
        let talks = stored.conversations.iter();
        let stored = talks.filter(|one| one.id == talk.id).flat_map(|one| &one.messages).last();
        let stored = stored.expect("an answer");
        assert_eq!((stored.content.as_str(), stored.interrupted), (ANSWER, Some(false)));
        simulator.reset();
    }
}

#[tokio::test]
async fn a_scripted_answer_is_stored_while_it_is_told() {
    let simulator = start(Options::default()).await;
    simulator.script(Script::steps([Step::FixtureTimed("v0.20-plain".into())]));
    let talk = Talk::start(&simulator).await;
    leave(&talk, "hello").await;
    let stored = simulator.wait_for(|log| {
        log.conversations[0].messages.last().is_some_and(|last| !last.content.is_empty())
    });
    let stored = stored.await.conversations[0].messages.last().cloned().expect("an answer");
    assert!(ANSWER.starts_with(&stored.content) && stored.content != ANSWER, "{stored:?}");
    assert_eq!(stored.interrupted, None);
}

#[tokio::test]
async fn conversations_can_be_made_unreadable() {
    let simulator = start(Options::default()).await;
    let talk = Talk::start(&simulator).await;
    let paths = [
        format!("/api/v2/conversations/{}", talk.id),
        format!("/api/conversation/{}", talk.id),
        format!("/conversation/{}/__data.json", talk.id),
    ];
    for (readable, expected) in [(true, 200), (false, 404)] {
        simulator.reconfigure(|options| options.read_conversations = readable);
        for path in &paths {
            assert_eq!(status(&simulator, path).await, expected, "{path}");
        }
    }
}

#[tokio::test]
async fn the_id_of_a_conversation_begins_with_the_time_of_its_making() {
    let simulator = start(Options::default()).await;
    let talk = Talk::start(&simulator).await;
    let made = u64::from_str_radix(&talk.id[..8], 16).expect("hexadecimal digits");
    assert!(made.abs_diff(crate::clock::unix_seconds()) < 60, "{}", talk.id);
    assert_eq!(talk.id.len(), 24);
}
