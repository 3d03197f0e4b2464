//! Where a turn has come to, kept for the next one.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::sleep;

use super::api::Caller;
use super::guard::TurnGuard;
use super::history::History;
use super::server::Place;
use super::stored::Conversation;
use super::thread::Thread;
use crate::adapt::normalise_answer;
use crate::error::Result;
use crate::upstream::{BranchKey, Expected};

/// Pauses before each look at a stored answer, which may be on its way to the disk.
const LOOKS: [u64; 4] = [0, 50, 150, 400];

/// What a turn is kept by, once it is whole.
pub(super) struct Note {
    history: History,
    /// The message that the turn's own message answers.
    parent: String,
    /// By what the choice of a credential knows the thread.
    thread: Option<u64>,
    /// The conversation that was kept before, where it was.
    kept: Option<String>,
    whole: Option<Whole>,
}

/// A turn that is whole.
struct Whole {
    key: BranchKey,
    answer: String,
    expected: Expected,
}

impl Note {
    pub(super) fn new(history: History, place: &Place, thread: Option<u64>) -> Self {
        let kept = place.opened.guard.kept().map(str::to_owned);
        Self { history, parent: place.parent.clone(), thread, kept, whole: None }
    }

    /// Notes the answer, so that whoever goes on from it waits until it is kept.
    pub(super) fn is_whole(&mut self, thread: &Thread, answer: &str) {
        if self.whole.is_none() {
            let key = self.history.after(answer);
            let expected = thread.server.conversations.expect(key, self.kept.as_deref());
            self.whole = Some(Whole { key, answer: normalise_answer(answer), expected });
        }
    }

    /// Returns the work that is left when the caller has everything. Where it fails the guard does
    /// what it does for a turn that nobody goes on from.
    pub(super) fn work(self, thread: Thread, mut guard: TurnGuard) -> BoxFuture<'static, ()> {
        async move {
            let Self { parent, thread: number, whole, .. } = self;
            let Some(Whole { key, answer, expected }) = whole else { return };
            match find(&thread, &parent, &answer).await {
                Ok(Some(message)) => guard.remember(key, message, number).await,
                Ok(None) => tracing::debug!("a turn is not kept: its answer is stored otherwise"),
                Err(error) => tracing::debug!(%error, "a turn is not kept"),
            }
            drop(guard);
            drop(expected);
        }
        .boxed()
    }
}

/// Finds the id of the answer, if it is stored as it was given.
async fn find(thread: &Thread, parent: &str, answer: &str) -> Result<Option<String>> {
    let Thread { server, session, credential, conversation, generation, family } = thread;
    let caller = Caller { session, credential };
    for pause in LOOKS {
        sleep(Duration::from_millis(pause)).await;
        let stored = Conversation::read(&server.api, caller, *family, conversation).await?;
        if let Some((id, content)) = stored.answer(generation, parent) {
            let same = normalise_answer(content) == answer;
            return Ok(same.then(|| id.to_owned()));
        }
    }
    Ok(None)
}
