//! One chat-ui server, and a turn at it.

use std::sync::Arc;

use futures::future::join3;
use uuid::Uuid;

use super::api::{Api, Caller};
use super::config::Family;
use super::history::History;
use super::note::Note;
use super::open::{Opened, Wanted, is_a_no};
use super::probe::Probe;
use super::prompt::{Prompt, check};
use super::resume::Resuming;
use super::session::Sessions;
use super::thread::Thread;
use super::turn::{Head, Turn};
use super::wire::Send;
use crate::chat::{Call, ChatRequest, ChatStream, Model};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::http::Response;
use crate::limits::Limits;
use crate::upstream::decode::Answer;
use crate::upstream::{SharedConversations, SharedOutbox};

/// What all calls to one server share.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) api: Api,
    pub(super) name: String,
    pub(super) limits: Limits,
    pub(super) outbox: SharedOutbox,
    pub(super) conversations: SharedConversations,
    pub(super) sessions: Sessions,
    pub(super) probe: Probe,
}

/// What is asked, as whom, and in which protocol.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) request: &'a ChatRequest,
    pub(super) credential: &'a Credential,
    pub(super) family: Family,
}

/// Where a message goes: the conversation, and the message there that it answers.
pub(super) struct Place {
    pub(super) opened: Opened,
    pub(super) thread: Thread,
    pub(super) parent: String,
}

impl Server {
    /// Sends the turn, in the conversation that it goes on with or in one of its own, and hands the
    /// running answer out.
    pub(super) async fn turn(
        self: &Arc<Self>,
        request: &ChatRequest,
        credential: &Credential,
    ) -> Result<ChatStream> {
        let history = self.history(request, credential).await;
        // What cannot be asked is refused before anybody is bothered with it. A history that goes on
        // is written as one text only where it has to be.
        let goes_on = history.as_ref().is_some_and(|history| history.before().is_some());
        let prompt = match goes_on {
            true => check(request).map(|()| None)?,
            false => Some(Prompt::new(request)?),
        };
        let family = self.probe.family(&self.api, &self.sessions, credential).await?;
        let asked = Asked { request, credential, family };
        if let Some(found) = self.find_branch(history.as_ref()).await {
            match self.go_on(asked, found, history.as_ref()).await? {
                Some(stream) => return Ok(stream),
                None => tracing::debug!("what was kept is of no use: beginning anew"),
            }
        }
        let prompt = prompt.map_or_else(|| Prompt::new(request), Ok)?;
        self.begin(asked, &prompt, history).await
    }

    /// Makes a conversation and sends everything that was said.
    async fn begin(
        self: &Arc<Self>,
        asked: Asked<'_>,
        prompt: &Prompt,
        history: Option<History>,
    ) -> Result<ChatStream> {
        let Asked { request, credential, family } = asked;
        self.check_vision(request, prompt, credential).await?;
        let (model, system) = (request.model.clone(), prompt.system.clone());
        let wanted = Wanted { family, credential: credential.clone(), model, system };
        let opened = self.open_with_room(wanted).await?;
        let thread = self.thread(asked, &opened);
        let root = self.prepare(&opened, &thread).await?;
        // The session may have been made only now.
        let history = history.or_else(|| self.history_with(request, credential, &opened.session));
        let mut place = Place { opened, thread, parent: root };
        let sent = self.send(&mut place, prompt, &request.call).await;
        self.answer(asked, place, history, sent)
    }

    /// Names where a turn runs, under a new generation.
    pub(super) fn thread(self: &Arc<Self>, asked: Asked<'_>, opened: &Opened) -> Thread {
        Thread {
            server: self.clone(),
            session: opened.session.clone(),
            credential: asked.credential.clone(),
            conversation: opened.id.clone(),
            generation: Uuid::new_v4().to_string(),
            family: asked.family,
        }
    }

    /// Hands the running answer out.
    pub(super) fn answer(
        &self,
        asked: Asked<'_>,
        place: Place,
        history: Option<History>,
        sent: Result<Response>,
    ) -> Result<ChatStream> {
        let (body, lost) = match sent {
            Ok(response) => (Some(response.into_stream()), None),
            // It may have arrived all the same: then the answer is to be had without another run.
            Err(error) if may_have_arrived(&error) => (None, Some(error)),
            Err(error) => return Err(error),
        };
        let Asked { request, credential, family } = asked;
        let note = history.map(|history| Note::new(history, &place, request.call.thread()));
        let Place { opened, thread, .. } = place;
        let head = Head::new(&format!("chatcmpl-{}", thread.generation), &request.model);
        let turn = Turn::new(head, family, credential, self.limits.event_limit);
        let answer = Answer::new(body, turn, self.limits.progress_timeout);
        Ok(ChatStream::new(Resuming::new(answer, thread, opened.guard, note, lost)))
    }

    /// Writes down what has to be cleaned up, before it comes into being, and returns the id that the
    /// message answers.
    async fn prepare(&self, opened: &Opened, thread: &Thread) -> Result<String> {
        let caller = Caller { session: &thread.session, credential: &thread.credential };
        let kept = opened.guard.keep_with_run(&thread.generation);
        let root = self.root(thread.family, caller, opened);
        let ((), (), root) = join3(kept, self.mark(caller, opened), root).await;
        root
    }

    /// Sends the message.
    pub(super) async fn send(
        &self,
        place: &mut Place,
        prompt: &Prompt,
        call: &Call,
    ) -> Result<Response> {
        let Place { opened, thread, parent } = place;
        let Thread { session, credential, family, generation, .. } = &*thread;
        let caller = Caller { session, credential };
        let message = message(*family, &prompt.text, parent, generation);
        opened.guard.may_run(generation);
        let sent = self.api.send(caller, &opened.id, &message, &prompt.uploads, call).await;
        match &sent {
            Ok(_) => opened.guard.runs(),
            Err(error) if is_a_no(error) => opened.guard.ran(),
            Err(_) => {}
        }
        sent
    }

    pub(super) async fn models(&self, credential: Option<&Credential>) -> Result<Vec<Model>> {
        let anonymous = Credential::anonymous(self.name.as_str());
        let credential = credential.unwrap_or(&anonymous);
        self.probe.models(&self.api, &self.sessions, credential, &self.name).await
    }

    /// Makes a conversation, which is removed at once: the session counts as used.
    pub(super) async fn extend(self: &Arc<Self>, credential: &Credential) -> Result<()> {
        let models = self.models(Some(credential)).await?;
        let model = models.into_iter().next().ok_or_else(no_model)?.id;
        let family = self.probe.family(&self.api, &self.sessions, credential).await?;
        let (credential, system) = (credential.clone(), String::new());
        self.open(Wanted { family, credential, model, system }).await.map(drop)
    }

    /// chat-ui drops images silently where the model cannot see them, so that is checked before.
    pub(super) async fn check_vision(
        &self,
        request: &ChatRequest,
        prompt: &Prompt,
        credential: &Credential,
    ) -> Result<()> {
        if prompt.uploads.is_empty() {
            return Ok(());
        }
        let models = self.models(Some(credential)).await?;
        let model = models.iter().find(|model| model.id == request.model);
        if model.is_some_and(|model| model.vision == Some(false)) {
            let message = format!("model `{}` does not look at images", request.model);
            return Err(Error::new(ErrorKind::Unsupported, "chat", message).with_param("messages"));
        }
        Ok(())
    }
}

/// Says whether a message may have arrived whose answer did not.
fn may_have_arrived(error: &Error) -> bool {
    error.kind() == ErrorKind::ConnectionReset || matches!(error.status(), Some(502 | 504))
}

fn message<'a>(family: Family, inputs: &'a str, id: &'a str, generation: &'a str) -> Send<'a> {
    match family {
        Family::V2 { .. } => Send::V2 {
            inputs,
            id,
            is_retry: false,
            is_continue: false,
            generation_id: generation,
            mcp_names: [],
            mcp_servers: [],
            timezone: "UTC",
        },
        Family::Y2024 => Send::Y2024 {
            inputs,
            id,
            is_retry: false,
            is_continue: false,
            web_search: false,
            tools: [],
        },
    }
}

fn no_model() -> Error {
    let message = "the upstream lists no model, and a conversation needs one";
    Error::new(ErrorKind::UpstreamProtocol, "extend session", message)
}
