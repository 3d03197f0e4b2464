//! One method a call.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE};
use serde::de::IgnoredAny;

use super::config::Preset;
use super::parse::refusal;
use super::wire::{ModelList, WhoAmI};
use crate::adapt::Profile;
use crate::chat::{ChatRequest, Model};
use crate::credential::{Credential, Material};
use crate::error::{Error, ErrorKind, Result};
use crate::http::{HttpClient, Request, Response, Target, Wait};
use crate::limits::Limits;
use crate::single_flight::Cached;
use crate::upstream::Account;
use crate::upstream::trace::TraceHeaders;
use crate::upstream::url::BaseUrl;

/// How long is believed that a server wants a credential, or wants none.
const CLOSED_LIFE: Duration = Duration::from_secs(600);
/// Longest wait for the body of a refusal.
const REFUSAL_WAIT: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(super) struct Api {
    http: HttpClient,
    base: BaseUrl,
    /// Where chats go.
    chat: Option<Target>,
    preset: Preset,
    trace: TraceHeaders,
    /// Whether it wants a credential.
    closed: Arc<Cached<bool>>,
}

impl Api {
    pub(super) fn new(
        base: BaseUrl,
        preset: Preset,
        limits: &Limits,
        trace: TraceHeaders,
    ) -> Result<Self> {
        let http = HttpClient::new(limits, base.tls())?;
        let closed = Arc::new(Cached::new(CLOSED_LIFE, Duration::ZERO));
        let base = base.or_path(preset.default_path);
        let chat = http.target(&base.join(preset.chat));
        Ok(Self { http, base, chat, preset, trace, closed })
    }

    /// Closes the connections that have waited for a call for too long.
    pub(super) fn rest(&self) {
        self.http.rest();
    }

    pub(super) fn profile(&self) -> Profile {
        self.preset.profile
    }

    /// Asks for an answer; a stream's head must come within the first-content limit.
    pub(super) async fn chat(
        &self,
        request: &ChatRequest,
        credential: &Credential,
    ) -> Result<Response> {
        let limits = self.http.limits();
        let (accept, wait) = match request.streams() {
            true => ("text/event-stream", Wait::for_first_content(limits)),
            false => ("application/json", Wait::for_response(limits)),
        };
        let call = self.http.request_to(&Method::POST, self.chat.clone());
        let call = self.with_credential(call, Some(credential));
        let call = call.header(ACCEPT, accept).header(CONTENT_TYPE, "application/json");
        let call = self.trace.on(call, &request.call);
        self.send(call.body(self.encode(request)?), wait, Some(credential)).await
    }

    pub(super) async fn models(
        &self,
        owner: &str,
        credential: Option<&Credential>,
    ) -> Result<Vec<Model>> {
        let list: ModelList = self.get(self.preset.models, credential).await?;
        Ok(list.into_models(owner))
    }

    /// Asks who the credential is. A server that tells anybody, or that has nothing to tell, proves
    /// nothing.
    pub(super) async fn check(&self, credential: &Credential) -> Result<Account> {
        let who: WhoAmI = match self.get(self.preset.check, Some(credential)).await {
            Err(error) if error.status() == Some(404) => return Ok(Account::default()),
            who => who?,
        };
        if !self.asks_for_credential().await {
            return Ok(Account::default());
        }
        Ok(Account::proven(who.id, who.name.or(who.email)))
    }

    /// Says whether the server refuses those who show nothing; asks it once in ten minutes.
    async fn asks_for_credential(&self) -> bool {
        let refuses = async || match self.get::<IgnoredAny>(self.preset.check, None).await {
            Ok(_) => Ok(false),
            Err(error) if error.status().is_some() => Ok(true),
            Err(error) => Err(error),
        };
        self.closed.get(refuses).await.unwrap_or_default()
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        credential: Option<&Credential>,
    ) -> Result<T> {
        let wait = Wait::for_first_content(self.http.limits());
        let call = self.http.request(&Method::GET, &self.base.join(path));
        let call = self.with_credential(call, credential).header(ACCEPT, "application/json");
        let body = self.send(call, wait, credential).await?.bytes(wait).await?;
        serde_json::from_slice(&body).map_err(|error| {
            let message = format!("the upstream's answer to GET {path} is not what it should be");
            Error::new(ErrorKind::UpstreamProtocol, "ask upstream", message).with_source(error)
        })
    }

    async fn send(
        &self,
        call: Request,
        wait: Wait,
        credential: Option<&Credential>,
    ) -> Result<Response> {
        let response = self.http.send(call, wait).await?;
        if response.status() == 200 {
            return response.unpacked();
        }
        let (status, pause) = (response.status(), response.retry_after());
        let location = response.location().map(str::to_owned);
        let body = response.bytes(wait.at_most(REFUSAL_WAIT)).await.unwrap_or_default();
        let error = refusal(status, location.as_deref(), &body, credential);
        Err(error.with_retry_after(pause))
    }

    fn with_credential(&self, call: Request, credential: Option<&Credential>) -> Request {
        match credential.map(Credential::material) {
            Some(Material::Token(key)) => call.bearer_auth(key.expose()),
            Some(Material::Cookies(set)) => {
                match self.preset.bearer_cookie.and_then(|name| set.get(name)) {
                    Some(key) => call.bearer_auth(key.expose()),
                    None => call.header(COOKIE, set.header().expose()),
                }
            }
            _ => call,
        }
    }

    fn encode(&self, request: &ChatRequest) -> Result<Vec<u8>> {
        let encoded = if self.preset.withheld.iter().any(|name| request.extra.contains_key(*name)) {
            let mut request = request.clone();
            request.extra.retain(|name, _| !self.preset.withheld.contains(&name.as_str()));
            serde_json::to_vec(&request)
        } else {
            serde_json::to_vec(request)
        };
        encoded.map_err(|error| {
            Error::new(ErrorKind::Internal, "encode request", "the request has no JSON form")
                .with_source(error)
        })
    }
}
