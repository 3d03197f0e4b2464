//! Makes the conversation of a turn.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::api::Caller;
use super::config::{Family, SESSION_COOKIE};
use super::guard::TurnGuard;
use super::marks::Marks;
use super::parse::CONVERSATION_LIMIT;
use super::server::Server;
use super::session::{Entry, Session};
use super::stored::Conversation;
use super::wire::{Created, Superjson};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::http::Response;
use crate::upstream::Target;

/// How long a conversation is waited for whose caller has left.
const OUTLIVED: Duration = Duration::from_secs(10);
/// How long a call waits for its conversation to be given a title.
const MARKING: Duration = Duration::from_secs(1);

/// The conversation of one turn.
pub(super) struct Opened {
    pub(super) session: Session,
    pub(super) id: String,
    pub(super) guard: TurnGuard,
    pub(super) root: Option<String>,
}

/// What a conversation is made for.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) family: Family,
    pub(super) credential: Credential,
    pub(super) model: String,
    pub(super) system: String,
}

impl Server {
    /// Makes a conversation; where the account has too many, old ones of ours make room for it.
    pub(super) async fn open_with_room(self: &Arc<Self>, wanted: Wanted) -> Result<Opened> {
        match self.open(wanted.clone()).await {
            Err(error) if error.code() == CONVERSATION_LIMIT => {
                let room = self.make_room(&wanted.credential).await;
                if room { self.open(wanted).await } else { Err(error) }
            }
            opened => opened,
        }
    }

    /// Removes some conversations that nobody has gone on with for longest; says whether there were
    /// any.
    async fn make_room(self: &Arc<Self>, credential: &Credential) -> bool {
        let (reply, answer) = oneshot::channel();
        let (server, credential) = (self.clone(), credential.clone());
        let work = async move {
            let cleanups = server.conversations.make_room(&credential).await;
            let some = !cleanups.is_empty();
            for mut cleanup in cleanups {
                if server.clean_up(&mut cleanup).await.is_ok() {
                    cleanup.target = Target::Nothing;
                }
                server.outbox.push(cleanup);
            }
            reply.send(some).unwrap_or_default();
        };
        self.outbox.finish(work.boxed()).await;
        answer.await.unwrap_or(false)
    }

    /// Makes a conversation.
    ///
    /// A caller who leaves meanwhile must not leave one behind whose id nobody knows: the outbox
    /// makes it to its end, and then removes it.
    pub(super) async fn open(self: &Arc<Self>, wanted: Wanted) -> Result<Opened> {
        let (mut reply, answer) = oneshot::channel();
        let server = self.clone();
        let work = async move {
            if let Some(made) = server.make(&wanted, &mut reply).await {
                // Nobody may be left to take it; then it is dropped here.
                let _ = reply.send(made);
            }
        };
        self.outbox.finish(work.boxed()).await;
        answer.await.unwrap_or_else(|_| {
            let message = "the engine stops and makes no more conversations";
            Err(Error::new(ErrorKind::Internal, "chat", message))
        })
    }

    /// Makes a conversation; none where the caller left before it was asked for, or where one who
    /// left has been outlived for long enough.
    async fn make(
        &self,
        wanted: &Wanted,
        reply: &mut oneshot::Sender<Result<Opened>>,
    ) -> Option<Result<Opened>> {
        let mut entry = tokio::select! {
            entry = self.sessions.enter(&wanted.credential) => entry,
            () = reply.closed() => return None,
        };
        let marks = Marks::new(&wanted.model, &wanted.system).text();
        let owner = entry.session().owner(&wanted.credential);
        let (outbox, conversations) = (self.outbox.clone(), self.conversations.clone());
        let mut guard = TurnGuard::new(outbox, conversations, owner, marks);
        if entry.session().is_known() {
            guard.keep().await;
        }
        let outlived = async {
            reply.closed().await;
            sleep(OUTLIVED).await;
        };
        let made = tokio::select! {
            made = self.create(&mut entry, wanted) => made,
            () = outlived => return None,
        };
        Some(match made {
            Ok(response) => self.take(wanted, entry, guard, response).await,
            Err(error) => {
                drop(entry);
                self.note_refusal(wanted, &mut guard, &error).await;
                Err(error)
            }
        })
    }

    async fn note_refusal(&self, wanted: &Wanted, guard: &mut TurnGuard, error: &Error) {
        if is_a_no(error) {
            guard.refused();
        }
        if error.kind() == ErrorKind::CredentialRejected {
            self.sessions.forget(&wanted.credential).await;
        }
    }

    /// Takes what was made.
    async fn take(
        &self,
        wanted: &Wanted,
        entry: Entry<'_>,
        mut guard: TurnGuard,
        response: Response,
    ) -> Result<Opened> {
        let session = entry.keep(response.set_cookie(SESSION_COOKIE));
        guard.belongs_to(session.owner(&wanted.credential));
        let created: Created = self.api.read(response).await?;
        check_id(&created.conversation_id)?;
        let id = created.conversation_id;
        guard.heard(&id);
        let stored = created.conversation.as_deref().map(serde_json::from_str);
        let stored: Option<Superjson<Conversation>> = stored.and_then(Result::ok);
        let root = stored.and_then(|stored| stored.json.root().map(str::to_owned));
        Ok(Opened { session, id, guard, root })
    }

    /// Asks for a conversation, if need be after the disclaimer of the 2024 family was accepted.
    async fn create(&self, entry: &mut Entry<'_>, wanted: &Wanted) -> Result<Response> {
        let Wanted { family, credential, model, system } = wanted;
        let session = entry.session();
        let caller = Caller { session: &session, credential };
        let made = self.api.create(caller, model, system).await;
        match made {
            Err(error) if *family == Family::Y2024 && error.status() == Some(405) => {}
            made => return made,
        }
        let accepted = self.api.accept_modal(caller).await?;
        entry.remember(accepted.set_cookie(SESSION_COOKIE));
        let session = entry.session();
        let caller = Caller { session: &session, credential };
        self.api.create(caller, model, system).await
    }

    /// Returns the id of the first message, which has to be asked for where creating did not tell.
    pub(super) async fn root(
        &self,
        family: Family,
        caller: Caller<'_>,
        opened: &Opened,
    ) -> Result<String> {
        if let Some(root) = &opened.root {
            return Ok(root.clone());
        }
        let stored = Conversation::read(&self.api, caller, family, &opened.id).await?;
        stored.root().map(str::to_owned).ok_or_else(|| {
            let message = "the upstream does not tell the new conversation's first message";
            Error::new(ErrorKind::UpstreamProtocol, "chat", message)
        })
    }

    /// Marks a conversation as ours for those who look at the account. Nothing depends on it, and
    /// the server need not ask a model for a title.
    pub(super) async fn mark(&self, caller: Caller<'_>, opened: &Opened) {
        let title = opened.guard.title();
        match timeout(MARKING, self.api.rename(caller, &opened.id, &title)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a conversation keeps its title"),
            Err(late) => tracing::debug!(%late, "a conversation may keep its title"),
        }
    }
}

/// Says whether an error proves that nothing was done: the server was never reached, or said no
/// itself. A proxy before it may say 502 or 504 while it goes on.
pub(super) fn is_a_no(error: &Error) -> bool {
    let said = error.status().is_some_and(|status| !matches!(status, 408 | 425 | 502 | 504));
    said || error.kind() == ErrorKind::Connect
}

/// The id goes into a path: only what chat-ui gives out passes.
fn check_id(id: &str) -> Result<()> {
    if !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    let message = "the upstream's conversation id is not one";
    Err(Error::new(ErrorKind::UpstreamProtocol, "chat", message))
}
