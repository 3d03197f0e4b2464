//! One method a call.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, ORIGIN};
use serde::de::DeserializeOwned;

use super::parse::{Redirect, Step, refusal};
use super::session::Session;
use super::upload::{Upload, form};
use super::wire::{Create, PageData, Rename, Send, StopGenerating};
use crate::chat::Call;
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{HttpClient, Request, Response, Wait};
use crate::limits::Limits;
use crate::upstream::trace::TraceHeaders;
use crate::upstream::url::BaseUrl;

/// Longest wait for the body of a refusal.
const REFUSAL_WAIT: Duration = Duration::from_secs(5);
const JSON: &str = "application/json";
/// What the record of a generation comes in.
pub(super) const EVENTS: &str = "text/event-stream";

/// Who calls: the cookies, and the credential they belong to.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) session: &'a Session,
    pub(super) credential: &'a Credential,
}

#[derive(Clone, Debug)]
pub(super) struct Api {
    http: HttpClient,
    base: BaseUrl,
    trace: TraceHeaders,
    wait: Wait,
}

impl Api {
    pub(super) fn new(base: BaseUrl, limits: &Limits, trace: TraceHeaders) -> Result<Self> {
        let http = HttpClient::new(limits, base.tls())?;
        Ok(Self { http, base, trace, wait: Wait::for_first_content(limits) })
    }

    /// Closes the connections that have waited for a call for too long.
    pub(super) fn rest(&self) {
        self.http.rest();
    }

    pub(super) async fn create(
        &self,
        caller: Caller<'_>,
        model: &str,
        preprompt: &str,
    ) -> Result<Response> {
        let body = encode(&Create { model, preprompt })?;
        let call = self.call(&Method::POST, "/conversation", caller).header(CONTENT_TYPE, JSON);
        self.send_call(Step::Create, call.body(body), caller).await
    }

    pub(super) async fn send(
        &self,
        caller: Caller<'_>,
        conversation: &str,
        message: &Send<'_>,
        uploads: &[Upload],
        asked_by: &Call,
    ) -> Result<Response> {
        let data =
            String::from_utf8(encode(message)?).map_err(|error| no_form().with_source(error))?;
        let (boundary, body) = form(&data, uploads);
        let call = self
            .call(&Method::POST, &format!("/conversation/{conversation}"), caller)
            .header(CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"));
        let call = self.trace.on(call, asked_by);
        self.send_call(Step::Send, call.body(body), caller).await
    }

    pub(super) async fn stop(
        &self,
        caller: Caller<'_>,
        conversation: &str,
        generation_id: &str,
    ) -> Result<()> {
        let path = format!("/conversation/{conversation}/stop-generating");
        let body = encode(&StopGenerating { generation_id })?;
        let call = self.call(&Method::POST, &path, caller).header(CONTENT_TYPE, JSON).body(body);
        self.send_call(Step::Other, call, caller).await.map(drop)
    }

    pub(super) async fn rename(
        &self,
        caller: Caller<'_>,
        conversation: &str,
        title: &str,
    ) -> Result<()> {
        let path = format!("/conversation/{conversation}");
        let call = self.call(&Method::PATCH, &path, caller).header(CONTENT_TYPE, JSON);
        let call = call.body(encode(&Rename { title })?);
        self.send_call(Step::Other, call, caller).await.map(drop)
    }

    /// Reads the record of a generation, which has numbers, from the one after `seen` on.
    pub(super) async fn reattach(
        &self,
        caller: Caller<'_>,
        conversation: &str,
        generation_id: &str,
        seen: u64,
    ) -> Result<Response> {
        let query = format!("generationId={generation_id}&fromSeq={seen}");
        let path = format!("/conversation/{conversation}/stream?{query}");
        let call = self.call_for(EVENTS, &Method::GET, &path, caller);
        self.send_call(Step::Other, call, caller).await
    }

    pub(super) async fn delete(&self, caller: Caller<'_>, conversation: &str) -> Result<()> {
        let call = self.call(&Method::DELETE, &format!("/conversation/{conversation}"), caller);
        self.send_call(Step::Other, call, caller).await.map(drop)
    }

    /// Accepts the disclaimer that servers of the 2024 family may ask for in each session.
    pub(super) async fn accept_modal(&self, caller: Caller<'_>) -> Result<Response> {
        let call = self.call(&Method::POST, "/settings", caller).header(CONTENT_TYPE, JSON);
        let call = call.body(r#"{"ethicsModalAccepted":true}"#);
        self.send_call(Step::Other, call, caller).await
    }

    /// Reads a path's JSON.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        caller: Caller<'_>,
        path: &str,
    ) -> Result<T> {
        self.read(self.ask(caller, path).await?).await
    }

    /// Asks for a path's JSON; its head may matter too.
    pub(super) async fn ask(&self, caller: Caller<'_>, path: &str) -> Result<Response> {
        let call = self.call(&Method::GET, path, caller);
        self.send_call(Step::Other, call, caller).await
    }

    /// Reads a page's data before `/api/v2`; `nodes` selects which.
    pub(super) async fn page(
        &self,
        caller: Caller<'_>,
        path: &str,
        nodes: &str,
    ) -> Result<PageData> {
        self.get(caller, &format!("{path}/__data.json?x-sveltekit-invalidated={nodes}")).await
    }

    /// Reads the body of an answer.
    pub(super) async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<T> {
        decode(&response.bytes(self.wait).await?)
    }

    /// Sends a call; every answer but a 200 is an error.
    async fn send_call(&self, step: Step, call: Request, caller: Caller<'_>) -> Result<Response> {
        let response = self.http.send(call, self.wait).await?;
        if caller.session.is_replaced_by(response.set_cookie(super::config::SESSION_COOKIE)) {
            let message = "the server dropped the session: the cookie is dead, replace it";
            return Err(Error::new(ErrorKind::CredentialRejected, "chat", message));
        }
        if response.status() == 200 {
            return response.unpacked();
        }
        let (status, pause) = (response.status(), response.retry_after());
        let redirect = match response.location().filter(|_| (300..400).contains(&status)) {
            Some(location) if self.base.leads_to_sign_in(location) => Some(Redirect::SignIn),
            Some(_) => Some(Redirect::Other),
            None => None,
        };
        let body = response.bytes(self.wait.at_most(REFUSAL_WAIT)).await.unwrap_or_default();
        let error = refusal(step, status, redirect, &body, caller.credential);
        Err(error.with_retry_after(pause))
    }

    /// Every call names its origin, which chat-ui wants of form posts, and asks for JSON errors.
    fn call(&self, method: &Method, path: &str, caller: Caller<'_>) -> Request {
        self.call_for(JSON, method, path, caller)
    }

    fn call_for(
        &self,
        accept: &'static str,
        method: &Method,
        path: &str,
        caller: Caller<'_>,
    ) -> Request {
        let call = self.http.request(method, &self.base.join(path));
        let call = call.header(ORIGIN, self.base.origin()).header(ACCEPT, accept);
        match caller.session.header() {
            Some(cookies) => call.header(COOKIE, cookies.expose()),
            None => call,
        }
    }
}

fn encode(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| no_form().with_source(error))
}

fn no_form() -> Error {
    Error::new(ErrorKind::Internal, "encode request", "the request has no JSON form")
}

fn decode<T: DeserializeOwned>(body: &Bytes) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        let message = "the upstream's answer is not what chat-ui says: check its URL";
        Error::new(ErrorKind::UpstreamProtocol, "ask upstream", message).with_source(error)
    })
}
