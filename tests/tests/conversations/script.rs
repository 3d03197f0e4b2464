//! What is sent over twenty turns.

use llm2api_core::{ConversationMode, Message};
use llm2api_tests::{Family, Options, Snapshot};

use crate::stage::{Answered, ask, made, settings, simulator};

const TURNS: usize = 20;

/// Bytes of all bodies that were sent.
fn sent(log: &Snapshot) -> usize {
    log.requests.iter().map(|request| request.body.len()).sum()
}

/// Has a conversation of twenty turns.
async fn talk(family: Family, mode: ConversationMode) -> (Vec<Answered>, Snapshot) {
    let upstream = simulator(Options { family, ..Options::default() }).await;
    let client = settings(&upstream, 1).with_conversations(mode).build().await.expect("a client");
    let mut turns: Vec<Answered> = Vec::new();
    for turn in 0..TURNS {
        let words = "some words of a question that is as long as people's questions are ";
        let answer = "and an answer, which says rather more than what was asked for ".repeat(16);
        let text = format!("Turn {turn}: {}\nECHO:{turn} {answer}", words.repeat(4));
        let mut asked = turns.last().map(Answered::history).unwrap_or_default();
        asked.push(Message::user(text));
        turns.push(ask(&client, asked).await.expect("an answer"));
    }
    (turns, upstream.log())
}

/// The one conversation holds one turn below the other.
fn is_a_line(log: &Snapshot, turns: &[Answered]) {
    let messages = &log.conversations[0].messages;
    let last = messages.last().expect("an answer");
    assert_eq!(last.ancestors.len() + 1, messages.len());
    let users = messages.iter().filter(|one| one.from == "user").map(|one| one.content.clone());
    let asked = turns.iter().filter_map(|turn| turn.asked.last()).map(Message::text);
    assert_eq!(users.collect::<Vec<_>>(), asked.collect::<Vec<_>>());
}

#[tokio::test]
async fn twenty_turns_send_a_fifth_of_what_they_did() {
    for family in [Family::V2, Family::Y2024] {
        let (turns, log) = talk(family, ConversationMode::Reuse).await;
        assert_eq!(made(&log), 1, "one conversation");
        match family {
            Family::V2 => turns.iter().for_each(|turn| turn.is_true_to(&log)),
            // It names no generations; there is but one branch.
            Family::Y2024 => is_a_line(&log, &turns),
        }
        let (_, fresh) = talk(family, ConversationMode::Fresh).await;
        assert_eq!(made(&fresh), TURNS);
        let (reused, fresh) = (sent(&log), sent(&fresh));
        println!("{family:?}: {reused} bytes instead of {fresh}, {} %", reused * 100 / fresh);
        assert!(reused * 5 <= fresh, "{reused} of {fresh}");
    }
}
