//! The web-session protocol of chat-ui, the software behind HuggingChat.
#![doc = include_str!("docs.md")]

mod api;
mod config;
mod devalue;
mod guard;
mod parse;
mod probe;
mod prompt;
mod session;
mod turn;
mod upload;
mod wire;

use async_trait::async_trait;
use tokio::time::timeout;
use uuid::Uuid;
use zeroize::Zeroizing;

use self::api::{Api, Caller};
use self::config::{Family, SESSION_COOKIE};
use self::guard::TurnGuard;
use self::probe::Probe;
use self::prompt::Prompt;
use self::session::{Entry, Session, Sessions};
use self::turn::{Head, Turn};
use self::wire::{Conversation, Created, Send, Superjson};
use super::decode::Answer;
use super::{Account, Capability, Cleanup, SharedOutbox, Upstream, UpstreamConfig};
use crate::chat::{ChatRequest, ChatStream, Model};
use crate::credential::{CookieSet, Credential, Material};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;

/// A chat-ui server.
#[derive(Debug)]
pub struct ChatUi {
    api: Api,
    name: String,
    limits: Limits,
    outbox: SharedOutbox,
    sessions: Sessions,
    probe: Probe,
}

/// A conversation that was made for one turn.
struct Opened {
    session: Session,
    id: String,
    root: Option<String>,
    guard: TurnGuard,
}

impl ChatUi {
    /// Reaches a server under the configuration's URL, base path included.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for a missing or wrong URL.
    pub fn new(config: &UpstreamConfig, limits: &Limits, outbox: SharedOutbox) -> Result<Self> {
        Ok(Self {
            api: Api::new(config.base_url()?, limits)?,
            name: config.name.clone(),
            limits: limits.clone(),
            outbox,
            sessions: Sessions::default(),
            probe: Probe::default(),
        })
    }

    /// Makes a conversation, sends the turn, and hands the running answer out.
    async fn turn(&self, request: &ChatRequest, credential: &Credential) -> Result<ChatStream> {
        let prompt = Prompt::new(request)?;
        let family = self.probe.family(&self.api, &self.sessions, credential).await?;
        self.check_vision(request, &prompt, credential).await?;
        let mut opened = self.open(family, request, &prompt, credential).await?;
        let caller = Caller { session: &opened.session, credential };
        let root = match opened.root.take() {
            Some(root) => root,
            None => self.root(family, caller, &opened.id).await?,
        };
        let generation = Uuid::new_v4().to_string();
        opened.guard.runs(&generation);
        let message = message(family, &prompt.text, &root, &generation);
        let sent = self.api.send(caller, &opened.id, &message, &prompt.uploads).await;
        let response = sent.inspect_err(|error| {
            // The server said no: no run began, so there is none to stop.
            if error.status().is_some() {
                opened.guard.ran();
            }
        })?;
        let head = Head::new(&format!("chatcmpl-{generation}"), &request.model);
        let turn = Turn::new(head, family, credential, self.limits.event_limit);
        let turn = turn.with_guard(opened.guard);
        let body = response.into_stream();
        Ok(ChatStream::new(Answer::new(body, turn, self.limits.progress_timeout)))
    }

    /// Makes a conversation. From here on something has to be cleaned up.
    async fn open(
        &self,
        family: Family,
        request: &ChatRequest,
        prompt: &Prompt,
        credential: &Credential,
    ) -> Result<Opened> {
        let mut entry = self.sessions.enter(credential).await;
        let made =
            self.create(&mut entry, family, (&request.model, &prompt.system), credential).await;
        let response = match made {
            Ok(response) => response,
            Err(error) => {
                drop(entry);
                if error.kind() == ErrorKind::CredentialRejected {
                    self.sessions.forget(credential).await;
                }
                return Err(error);
            }
        };
        let session = entry.keep(response.set_cookie(SESSION_COOKIE));
        let created: Created = self.api.read(response).await?;
        check_id(&created.conversation_id)?;
        let id = created.conversation_id;
        let guard = TurnGuard::new(self.outbox.clone(), credential.clone(), id.clone());
        let stored = created.conversation.as_deref().map(serde_json::from_str);
        let stored: Option<Superjson<Conversation>> = stored.and_then(Result::ok);
        Ok(Opened { session, id, root: stored.and_then(|stored| stored.json.root()), guard })
    }

    /// Asks for a conversation, if need be after the disclaimer of the 2024 family was accepted.
    async fn create(
        &self,
        entry: &mut Entry<'_>,
        family: Family,
        (model, system): (&str, &str),
        credential: &Credential,
    ) -> Result<crate::http::Response> {
        let session = entry.session();
        let caller = Caller { session: &session, credential };
        let made = self.api.create(caller, model, system).await;
        match made {
            Err(error) if family == Family::Y2024 && error.status() == Some(405) => {}
            made => return made,
        }
        let accepted = self.api.accept_modal(caller).await?;
        entry.remember(accepted.set_cookie(SESSION_COOKIE));
        let session = entry.session();
        let caller = Caller { session: &session, credential };
        self.api.create(caller, model, system).await
    }

    /// Asks for the id of the first message, where creating did not tell.
    async fn root(&self, family: Family, caller: Caller<'_>, id: &str) -> Result<String> {
        let root = match family {
            Family::V2 { .. } => {
                let path = format!("/api/v2/conversations/{id}");
                self.api.get::<Superjson<Conversation>>(caller, &path).await?.json.root()
            }
            Family::Y2024 => {
                let page = self.api.page(caller, &format!("/conversation/{id}"), "01").await?;
                devalue::root_message(&page)
            }
        };
        root.ok_or_else(|| {
            let message = "the upstream does not tell the new conversation's first message";
            Error::new(ErrorKind::UpstreamProtocol, "chat", message)
        })
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

#[async_trait]
impl Upstream for ChatUi {
    fn capability(&self) -> Capability {
        Capability { limits_by_address: true, ..Capability::default() }
    }

    async fn chat(&self, request: ChatRequest, credential: &Credential) -> Result<ChatStream> {
        let limit = self.limits.first_content_timeout;
        let late = || Error::new(ErrorKind::Timeout, "chat", "the upstream did not begin in time");
        timeout(limit, self.turn(&request, credential)).await.map_err(|_| late())?
    }

    async fn models(&self, credential: Option<&Credential>) -> Result<Vec<Model>> {
        let anonymous = Credential::anonymous(self.name.as_str());
        let credential = credential.unwrap_or(&anonymous);
        self.probe.models(&self.api, &self.sessions, credential, &self.name).await
    }

    async fn check(&self, credential: &Credential) -> Result<Account> {
        self.probe.account(&self.api, &self.sessions, credential).await
    }

    /// A bare value is that of the session cookie.
    fn normalise(&self, material: Material) -> Material {
        match &material {
            Material::Token(value) => {
                let named = Zeroizing::new(format!("{SESSION_COOKIE}={}", value.expose()));
                CookieSet::parse(&named).map_or(material, Material::Cookies)
            }
            _ => material,
        }
    }

    /// A session lives 14 days after its last POST: a conversation is made, and removed at once.
    async fn extend(&self, credential: &Credential) -> Result<()> {
        let models = self.models(Some(credential)).await?;
        let model = models.first().ok_or_else(no_model)?;
        let family = self.probe.family(&self.api, &self.sessions, credential).await?;
        let mut entry = self.sessions.enter(credential).await;
        let made = self.create(&mut entry, family, (&model.id, ""), credential).await?;
        let created: Created = self.api.read(made).await?;
        check_id(&created.conversation_id)?;
        let id = created.conversation_id;
        drop(TurnGuard::new(self.outbox.clone(), credential.clone(), id));
        Ok(())
    }

    async fn clean_up(&self, cleanup: &mut Cleanup) -> Result<()> {
        let session = self.sessions.of(&cleanup.credential).await;
        let caller = Caller { session: &session, credential: &cleanup.credential };
        // Whatever the server says to it, a run is stopped once; deleting is tried in any case.
        if let Some(generation) = cleanup.stop.take()
            && let Err(error) = self.api.stop(caller, &cleanup.target, &generation).await
            && error.kind() == ErrorKind::Connect
        {
            cleanup.stop = Some(generation);
            return Err(error);
        }
        gone_is_fine(self.api.delete(caller, &cleanup.target).await)
    }
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

/// The id goes into a path: only what chat-ui gives out passes.
fn check_id(id: &str) -> Result<()> {
    if !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    let message = "the upstream's conversation id is not one";
    Err(Error::new(ErrorKind::UpstreamProtocol, "chat", message))
}

fn no_model() -> Error {
    let message = "the upstream lists no model, and a conversation needs one";
    Error::new(ErrorKind::UpstreamProtocol, "extend session", message)
}

fn gone_is_fine(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if error.status() == Some(404) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests;
