//! A turn in a conversation that was kept.

use std::sync::Arc;

use super::guard::TurnGuard;
use super::history::{History, Partners};
use super::open::Opened;
use super::parse::CONVERSATION_FULL;
use super::prompt::{Prompt, system};
use super::server::{Asked, Place, Server};
use super::session::Session;
use crate::chat::{ChatRequest, ChatStream};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::upstream::FoundBranch;

/// A branch that a request goes on from, and how many of its messages are known there.
pub(super) struct Found {
    branch: FoundBranch,
    known: usize,
}

impl Server {
    /// Reads a request's history, where that is of use and the session is known.
    pub(super) async fn history(
        &self,
        request: &ChatRequest,
        credential: &Credential,
    ) -> Option<History> {
        if !self.conversations.reuses() || request.call.is_passing() {
            return None;
        }
        let session = self.sessions.of(credential).await;
        if session.is_known() { self.history_with(request, credential, &session) } else { None }
    }

    /// Reads a request's history, where that is of use.
    pub(super) fn history_with(
        &self,
        request: &ChatRequest,
        credential: &Credential,
        session: &Session,
    ) -> Option<History> {
        let (system, first) = system(request);
        let partners = Partners { session, credential, model: &request.model };
        let rest = first..request.messages.len();
        let history = || History::new(partners, request, &system, rest);
        (self.conversations.reuses() && !request.call.is_passing()).then(history)
    }

    /// Finds the branch that a request goes on from.
    pub(super) async fn find_branch(&self, history: Option<&History>) -> Option<Found> {
        let (key, known) = history?.before()?;
        let branch = self.conversations.take(key).await?;
        Some(Found { branch, known })
    }

    /// Sends what is new; none where the conversation is of no use any more, and the call may be
    /// made once more.
    pub(super) async fn go_on(
        self: &Arc<Self>,
        asked: Asked<'_>,
        found: Found,
        history: Option<&History>,
    ) -> Result<Option<ChatStream>> {
        let Found { branch, known } = found;
        let session = self.sessions.of(asked.credential).await;
        let owner = session.owner(asked.credential);
        let (id, parent) = (branch.conversation.clone(), branch.message.clone());
        let (outbox, conversations) = (self.outbox.clone(), self.conversations.clone());
        // From here on the conversation is free again when this is dropped.
        let guard = TurnGuard::found(outbox, conversations, owner, branch);
        let prompt = Prompt::following(asked.request, known)?;
        self.check_vision(asked.request, &prompt, asked.credential).await?;
        let opened = Opened { session, id, guard, root: None };
        let thread = self.thread(asked, &opened);
        opened.guard.keep_with_run(&thread.generation).await;
        let mut place = Place { opened, thread, parent };
        match self.send(&mut place, &prompt, &asked.request.call).await {
            Err(error) if is_stale(&error) => {
                place.opened.guard.give_up().await;
                if asked.request.call.take_send() { Ok(None) } else { Err(error) }
            }
            sent => self.answer(asked, place, history.cloned(), sent).map(Some),
        }
    }
}

/// Says whether an error means that a conversation cannot be gone on with: it is gone, another
/// session's or full, or the message that was to be answered is not there.
fn is_stale(error: &Error) -> bool {
    let refused = error.kind() == ErrorKind::CredentialForbidden;
    refused || error.code() == CONVERSATION_FULL || error.status() == Some(500)
}
