//! One chat-ui server, and a turn at it.

use std::sync::Arc;

use futures::future::join3;
use uuid::Uuid;

use super::api::{Api, Caller};
use super::config::Family;
use super::open::{Opened, Wanted, is_a_no};
use super::probe::Probe;
use super::prompt::Prompt;
use super::resume::Resuming;
use super::session::Sessions;
use super::thread::Thread;
use super::turn::{Head, Turn};
use super::wire::Send;
use crate::chat::{ChatRequest, ChatStream, Model};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::http::Response;
use crate::limits::Limits;
use crate::upstream::SharedOutbox;
use crate::upstream::decode::Answer;

/// What all calls to one server share.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) api: Api,
    pub(super) name: String,
    pub(super) limits: Limits,
    pub(super) outbox: SharedOutbox,
    pub(super) sessions: Sessions,
    pub(super) probe: Probe,
}

impl Server {
    /// Makes a conversation, sends the turn, and hands the running answer out.
    pub(super) async fn turn(
        self: &Arc<Self>,
        request: &ChatRequest,
        credential: &Credential,
    ) -> Result<ChatStream> {
        let prompt = Prompt::new(request)?;
        let family = self.probe.family(&self.api, &self.sessions, credential).await?;
        self.check_vision(request, &prompt, credential).await?;
        let (model, system) = (request.model.clone(), prompt.system.clone());
        let wanted = Wanted { family, credential: credential.clone(), model, system };
        let mut opened = self.open(wanted).await?;
        let generation = Uuid::new_v4().to_string();
        let thread = Thread {
            server: self.clone(),
            session: opened.session.clone(),
            credential: credential.clone(),
            conversation: opened.id.clone(),
            generation,
            family,
        };
        let root = self.prepare(&opened, &thread).await?;
        let (body, lost) = match self.send(&mut opened, &thread, &prompt, &root).await {
            Ok(response) => (Some(response.into_stream()), None),
            // It may have arrived all the same: then the answer is to be had without another run.
            Err(error) if may_have_arrived(&error) => (None, Some(error)),
            Err(error) => return Err(error),
        };
        let head = Head::new(&format!("chatcmpl-{}", thread.generation), &request.model);
        let turn = Turn::new(head, family, credential, self.limits.event_limit);
        let answer = Answer::new(body, turn, self.limits.progress_timeout);
        Ok(ChatStream::new(Resuming::new(answer, thread, opened.guard, lost)))
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
    async fn send(
        &self,
        opened: &mut Opened,
        thread: &Thread,
        prompt: &Prompt,
        root: &str,
    ) -> Result<Response> {
        let Thread { session, credential, family, generation, .. } = thread;
        let caller = Caller { session, credential };
        let message = message(*family, &prompt.text, root, generation);
        opened.guard.may_run(generation);
        let sent = self.api.send(caller, &opened.id, &message, &prompt.uploads).await;
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
    async fn check_vision(
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
