//! The web-session protocol of chat-ui, the software behind HuggingChat.
#![doc = include_str!("docs.md")]

mod api;
mod clean_up;
mod config;
mod devalue;
mod faults;
mod given;
mod guard;
mod history;
mod input;
mod marks;
mod note;
mod open;
mod parse;
mod probe;
mod prompt;
mod reading;
mod resume;
mod reuse;
mod server;
mod session;
mod stored;
mod thread;
mod turn;
mod upload;
mod wire;

use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

use self::api::Api;
use self::config::SESSION_COOKIE;
use self::probe::Probe;
use self::server::Server;
use self::session::Sessions;
use super::trace::TraceHeaders;
use super::{
    Account, Capability, Cleanup, SharedConversations, SharedOutbox, Upstream, UpstreamConfig,
};
use crate::chat::{ChatRequest, ChatStream, Model};
use crate::credential::{CookieSet, Credential, Material};
use crate::error::Result;
use crate::http::Wait;
use crate::limits::Limits;

/// A chat-ui server. Cloning is cheap and shares everything.
#[derive(Clone, Debug)]
pub struct ChatUi {
    server: Arc<Server>,
}

impl ChatUi {
    /// Reaches a server under the configuration's URL, base path included.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for a missing or wrong URL.
    pub fn new(
        config: &UpstreamConfig,
        limits: &Limits,
        outbox: SharedOutbox,
        conversations: SharedConversations,
    ) -> Result<Self> {
        let server = Server {
            api: Api::new(config.base_url()?, limits, TraceHeaders::of(config))?,
            name: config.name.clone(),
            limits: limits.clone(),
            outbox,
            conversations,
            sessions: Sessions::default(),
            probe: Probe::default(),
        };
        Ok(Self { server: Arc::new(server) })
    }
}

#[async_trait]
impl Upstream for ChatUi {
    fn capability(&self) -> Capability {
        Capability { limits_by_address: true, ..Capability::default() }
    }

    async fn chat(&self, request: ChatRequest, credential: &Credential) -> Result<ChatStream> {
        // Pinned: by value it would be moved into the wait.
        let turn = pin!(self.server.turn(&request, credential));
        Wait::for_first_content(&self.server.limits).on(turn).await
    }

    async fn models(&self, credential: Option<&Credential>) -> Result<Vec<Model>> {
        self.server.models(credential).await
    }

    async fn check(&self, credential: &Credential) -> Result<Account> {
        let Server { api, probe, sessions, .. } = &*self.server;
        probe.account(api, sessions, credential).await
    }

    fn rest(&self) {
        self.server.api.rest();
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
        self.server.extend(credential).await
    }

    fn reuses_conversations(&self) -> bool {
        self.server.conversations.reuses()
    }

    async fn clean_up(&self, cleanup: &mut Cleanup) -> Result<()> {
        self.server.clean_up(cleanup).await
    }
}

#[cfg(test)]
mod tests;
