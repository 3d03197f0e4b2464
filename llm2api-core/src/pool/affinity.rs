//! Which credential has answered a conversation before: services keep what they have read for a
//! while, and chat accounts keep the conversation itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::chat::{ChatRequest, Message, Role};

/// Conversations that are remembered at least; twice as many at most.
const REMEMBERED: usize = 8192;
/// So much of a text tells it from others of the same length.
const PREFIX: usize = 512;

/// Where a request stands in its conversation.
///
/// A request goes on where its messages, up to the last answer, are those of an earlier request.
/// Models of a kind that many requests begin with are no conversation: nobody has asked for their
/// answers. Other processes, and later ones, come to the same numbers: a store keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    before: Option<u64>,
    now: u64,
}

impl Thread {
    /// Reads a request's place in its conversation, in time that does not depend on its length.
    pub(crate) fn of(request: &ChatRequest) -> Self {
        let ChatRequest { model, messages, .. } = request;
        let answer = messages.iter().rposition(|message| message.role == Role::Assistant);
        let before = answer.filter(|at| *at > 0).map(|at| key(model, &messages[..at]));
        Self { before, now: key(model, messages) }
    }

    /// Names what the request goes on from, in every process alike; none where it begins.
    pub(crate) fn before(self) -> Option<u64> {
        self.before
    }

    /// Names what a request goes on from that follows on the answer to this one.
    pub(crate) fn now(self) -> u64 {
        self.now
    }
}

fn key(model: &str, messages: &[Message]) -> u64 {
    let mut hasher = Sha256::new();
    let mut add = |bytes: &[u8], length: usize| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update((length as u64).to_le_bytes());
        hasher.update(bytes);
    };
    add(model.as_bytes(), messages.len());
    for message in messages.first().into_iter().chain(messages.last()) {
        let text = message.first_text().unwrap_or_default().as_bytes();
        add(&text[..text.len().min(PREFIX)], message.text_bytes());
    }
    let digest = hasher.finalize();
    digest.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
}

/// The conversations of late. Those that nobody goes on with are forgotten.
#[derive(Debug, Default)]
pub(super) struct Affinity {
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<u64, Arc<str>>,
    old: HashMap<u64, Arc<str>>,
}

impl Affinity {
    /// Returns the credential that has answered last where this goes on.
    pub(super) fn find(&self, thread: Thread) -> Option<Arc<str>> {
        let before = thread.before?;
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let Generations { young, old } = &*generations;
        young.get(&before).or_else(|| old.get(&before)).cloned()
    }

    /// Notes who has answered.
    pub(super) fn note(&self, thread: Thread, credential: Arc<str>) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.young.len() >= REMEMBERED {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(thread.now, credential);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(texts: &[&str]) -> ChatRequest {
        let message = |(at, text): (usize, &&str)| match at % 2 {
            0 => Message::user(*text),
            _ => Message::assistant(*text),
        };
        let messages = texts.iter().enumerate().map(message);
        messages.fold(ChatRequest::new("m"), ChatRequest::with_message)
    }

    #[test]
    fn a_conversation_is_known_by_what_was_asked_before() {
        let affinity = Affinity::default();
        let thread = |texts: &[&str]| Thread::of(&request(texts));
        affinity.note(thread(&["hello"]), "cred_1".into());
        let found = |texts: &[&str]| affinity.find(thread(texts));
        assert_eq!(found(&["hello", "Hi!", "and?"]).as_deref(), Some("cred_1"));
        assert_eq!(found(&["hello"]), None, "it begins another");
        assert_eq!(found(&["hello!", "Hi!", "and?"]), None);
        assert_eq!(found(&["hello", "Hi!", "and?", "So.", "more"]), None, "nobody asked that here");
        affinity.note(thread(&["hello", "Hi!", "and?"]), "cred_2".into());
        assert_eq!(found(&["hello", "Hi!", "and?", "So.", "more"]).as_deref(), Some("cred_2"));
    }

    #[test]
    fn a_thread_has_the_same_number_in_every_process() {
        let thread = Thread::of(&request(&["hello", "Hi!", "and?"]));
        let expected = (Some(0xc6e3_e390_e80b_0044), 0x83e4_0189_628e_3817);
        assert_eq!((thread.before(), thread.now()), expected);
    }

    #[test]
    fn old_conversations_are_forgotten() {
        let affinity = Affinity::default();
        for number in 0..3 * REMEMBERED as u64 {
            affinity.note(Thread { before: None, now: number }, "cred_1".into());
        }
        let find = |before| affinity.find(Thread { before: Some(before), now: 0 });
        assert!(find(0).is_none() && find(3 * REMEMBERED as u64 - 1).is_some());
        let generations = affinity.generations.lock().expect("no panic");
        assert!(generations.young.len() + generations.old.len() <= 2 * REMEMBERED);
    }
}
