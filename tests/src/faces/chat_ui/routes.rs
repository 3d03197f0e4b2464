//! The table of paths.

use std::io;
use std::sync::Arc;

use super::{account, conversations, data_json, errors, gate, models, page, reattach, stop};
use crate::http::{Exchange, Reply, Request};
use crate::options::{Family, Options};
use crate::session::Visitor;
use crate::state::State;

/// A request on its way through the table.
#[derive(Clone, Copy)]
pub(super) struct Call<'c> {
    /// Shared state.
    pub(super) state: &'c Arc<State>,
    /// Options in force.
    pub(super) options: &'c Options,
    /// Request.
    pub(super) request: &'c Request,
    /// Who asks.
    pub(super) visitor: &'c Visitor,
}

impl Call<'_> {
    /// Whether the newest family answers.
    pub(super) fn is_v2(&self) -> bool {
        self.options.family == Family::V2
    }
}

/// Whether a request sends a message.
pub(crate) fn is_send(request: &Request) -> bool {
    request.method() == "POST"
        && conversation_of(request).is_some_and(|(_, rest)| rest.is_empty())
        && !wants_page(request)
}

/// The reply to a body over the limit; the hook has run, the body was not read.
pub(crate) fn too_large(state: &State, request: &Request) -> Reply {
    match gate::enter(state, request) {
        Ok(visitor) => dress(&state.options(), request, Some(&visitor), page::too_large()),
        Err(refused) => dress(&state.options(), request, None, refused),
    }
}

/// Answers any request but a send.
pub(crate) async fn answer(
    state: &Arc<State>,
    request: &Request,
    exchange: &mut Exchange<'_>,
) -> io::Result<()> {
    let options = state.options();
    let visitor = match gate::enter(state, request) {
        Ok(visitor) => visitor,
        Err(refused) => return exchange.reply(dress(&options, request, None, refused)).await,
    };
    let call = Call { state, options: &options, request, visitor: &visitor };
    if reattach::is_stream(&call) {
        return reattach::stream(&call, exchange).await;
    }
    let reply = reply(&call);
    exchange.reply(dress(&options, request, Some(&visitor), reply)).await
}

fn reply(call: &Call<'_>) -> Reply {
    let path = call.request.path.as_str();
    if !call.options.read_conversations && reads_conversation(call.request) {
        return page::app(404);
    }
    if path.starts_with("/api/") {
        return api(call);
    }
    if wants_page(call.request) && call.request.method() != "GET" {
        return page::app(405).with("allow", "GET");
    }
    match (call.request.method(), path) {
        ("GET", "/healthcheck") => Reply::new(200, "text/plain;charset=UTF-8", "OK").chunked(),
        ("GET", "/") => page::app(200),
        ("GET", "/__data.json") => data_json::home(call),
        ("POST", "/conversation") => conversations::create(call),
        ("POST", "/settings") => account::save_settings(call),
        ("POST", "/logout") => account::logout(call),
        _ => match conversation_of(call.request) {
            Some((id, rest)) => conversation(call, id, rest),
            None => page::app(404),
        },
    }
}

fn conversation(call: &Call<'_>, id: &str, rest: &str) -> Reply {
    match (call.request.method(), rest) {
        ("PATCH", "") => conversations::patch(call, id, Reply::empty(200)),
        ("DELETE", "") => conversations::delete(call, id, Reply::empty(200)),
        ("GET", "") if wants_page(call.request) => page::app(200),
        ("GET", "") => Reply::new(405, "text/plain", "GET method not allowed")
            .with("allow", "POST, PATCH, DELETE"),
        ("GET", "__data.json") => data_json::conversation(call, id),
        ("POST", "stop-generating") => stop::stop(call, id),
        ("POST", "share") => conversations::share(call, id),
        ("GET", rest) => match rest.strip_prefix("output/") {
            Some(sha) => conversations::file(call, id, sha),
            None => page::app(404),
        },
        _ => page::app(404),
    }
}

fn api(call: &Call<'_>) -> Reply {
    let path = call.request.path.as_str();
    if !call.is_v2() && !call.options.expose_api {
        return Reply::new(403, "text/plain", "API is disabled").chunked();
    }
    if let Some(rest) = path.strip_prefix("/api/v2/") {
        return if call.is_v2() { api_v2(call, rest) } else { page::app(404) };
    }
    let id = path.strip_prefix("/api/conversation/");
    match (call.request.method(), path) {
        ("GET", "/api/user") => account::legacy_user(call),
        ("GET", "/api/models") => models::legacy(call),
        ("GET", "/api/conversations") => conversations::legacy_list(call),
        ("GET", _) if id.is_some() => conversations::legacy_get(call, id.unwrap_or_default()),
        _ => page::app(404),
    }
}

fn api_v2(call: &Call<'_>, path: &str) -> Reply {
    let conversation = path.strip_prefix("conversations/");
    match (call.request.method(), path, conversation) {
        ("GET", "user", _) => account::user(call),
        ("GET", "user/settings", _) => account::settings(call),
        ("POST", "user/settings", _) => account::save_settings(call),
        ("GET", "feature-flags", _) => account::feature_flags(call),
        ("GET", "public-config", _) => account::public_config(call),
        ("GET", "models", _) => models::list(call),
        ("GET", "conversations", _) => conversations::list(call),
        ("DELETE", "conversations", _) => conversations::delete_all(call),
        ("GET", _, Some(id)) => conversations::get(call, id),
        ("PATCH", _, Some(id)) => conversations::patch(call, id, conversations::success()),
        ("DELETE", _, Some(id)) => conversations::delete(call, id, conversations::success()),
        ("GET", _, _) => match path.strip_prefix("models/") {
            Some(id) => models::one(call, id),
            None => errors::message(404, "Not found"),
        },
        _ => page::app(404),
    }
}

/// Conversation id and what follows it in the path.
pub(super) fn conversation_of(request: &Request) -> Option<(&str, &str)> {
    let rest = request.path.strip_prefix("/conversation/")?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

/// Whether a request reads one conversation, in any of the three ways.
fn reads_conversation(request: &Request) -> bool {
    let path = request.path.as_str();
    let data = conversation_of(request).is_some_and(|(_, rest)| rest == "__data.json");
    let api = ["/api/v2/conversations/", "/api/conversation/"];
    request.method() == "GET" && (data || api.iter().any(|start| path.starts_with(start)))
}

/// Whether the client prefers a page to data.
fn wants_page(request: &Request) -> bool {
    request.header("accept").is_some_and(|accept| accept.trim_start().starts_with("text/html"))
}

/// Adds the headers that the server adds to every reply.
pub(super) fn dress(
    options: &Options,
    request: &Request,
    visitor: Option<&Visitor>,
    mut reply: Reply,
) -> Reply {
    let mut headers = Vec::new();
    if options.family == Family::V2 {
        headers.push(("Vary".to_owned(), "Accept-Encoding".to_owned()));
        if request.path.starts_with("/api/") {
            let cors = [
                ("access-control-allow-headers", "Content-Type, Authorization"),
                ("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS"),
                ("access-control-allow-origin", "*"),
            ];
            headers.extend(cors.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
    }
    headers.append(&mut reply.headers);
    let has_cookie = headers.iter().any(|(name, _)| name == "set-cookie");
    if let Some(visitor) = visitor.filter(|_| request.method() == "POST" && !has_cookie) {
        headers.push(("set-cookie".to_owned(), gate::set_cookie(options, &visitor.cookie)));
    }
    Reply { headers, ..reply }
}
