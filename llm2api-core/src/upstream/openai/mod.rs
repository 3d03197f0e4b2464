//! OpenAI-compatible services: vLLM, llama.cpp, Ollama, providers, and Open WebUI as a preset.
#![doc = include_str!("docs.md")]

mod api;
mod choices;
mod config;
mod decoder;
mod fields;
mod parse;
mod reasoning;
mod repair;
mod shape;
mod slots;
mod view;
mod wire;

use std::pin::pin;

use async_trait::async_trait;

use self::api::Api;
use self::config::Preset;
use self::decoder::{Decoder, read_whole};
use super::decode::Answer;
use super::trace::TraceHeaders;
use super::{Account, Capability, Upstream, UpstreamConfig};
use crate::chat::{ChatRequest, ChatStream, Model};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{Response, Wait};
use crate::limits::Limits;

/// An OpenAI-compatible service.
#[derive(Clone, Debug)]
pub struct OpenAi {
    api: Api,
    name: String,
    limits: Limits,
}

impl OpenAi {
    /// Reaches a service under the configuration's URL; an empty path is taken as `/v1`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for a missing or wrong URL.
    pub fn new(config: &UpstreamConfig, limits: &Limits) -> Result<Self> {
        Self::with_preset(config, limits, Preset::openai())
    }

    /// Reaches an Open WebUI under its site's URL.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for a missing or wrong URL.
    pub fn open_webui(config: &UpstreamConfig, limits: &Limits) -> Result<Self> {
        Self::with_preset(config, limits, Preset::open_webui())
    }

    fn with_preset(config: &UpstreamConfig, limits: &Limits, preset: Preset) -> Result<Self> {
        let api = Api::new(config.base_url()?, preset, limits, TraceHeaders::of(config))?;
        Ok(Self { api, name: config.name.clone(), limits: limits.clone() })
    }

    /// Goes by what the answer is, not by what was asked: some services force one mode.
    async fn read(
        &self,
        response: Response,
        request: &ChatRequest,
        credential: &Credential,
    ) -> Result<ChatStream> {
        let media_type = response.media_type();
        if media_type == "text/event-stream" {
            let decoder = Decoder::new(request, credential, self.limits.event_limit);
            let body = response.into_stream();
            return Ok(ChatStream::new(Answer::new(
                Some(body),
                decoder,
                self.limits.progress_timeout,
            )));
        }
        let body = response.bytes(Wait::for_response(&self.limits)).await?;
        if media_type == "text/html" || !body.trim_ascii_start().starts_with(b"{") {
            return Err(not_the_protocol(&media_type));
        }
        read_whole(body, request, credential).map(ChatStream::whole)
    }
}

#[async_trait]
impl Upstream for OpenAi {
    fn capability(&self) -> Capability {
        Capability { profile: self.api.profile(), ..Capability::openai() }
    }

    async fn chat(&self, request: ChatRequest, credential: &Credential) -> Result<ChatStream> {
        // Pinned: by value it would be moved into the wait.
        let answer = pin!(async {
            let response = self.api.chat(&request, credential).await?;
            self.read(response, &request, credential).await
        });
        // One limit for head and body; a stream has its own clocks once its head has come.
        Wait::for_response(&self.limits).on(answer).await
    }

    async fn models(&self, credential: Option<&Credential>) -> Result<Vec<Model>> {
        self.api.models(&self.name, credential).await
    }

    async fn check(&self, credential: &Credential) -> Result<Account> {
        self.api.check(credential).await
    }

    fn rest(&self) {
        self.api.rest();
    }
}

fn not_the_protocol(media_type: &str) -> Error {
    let message = match media_type {
        "text/html" => "the upstream answered with a web page: check its URL",
        _ => "the upstream's answer is neither JSON nor an event stream",
    };
    Error::new(ErrorKind::UpstreamProtocol, "chat", message)
}

#[cfg(test)]
mod tests;
