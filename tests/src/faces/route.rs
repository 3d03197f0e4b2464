//! Which face answers a request.

use std::io;
use std::sync::Arc;

use super::openai::Flavour;
use super::{chat_ui, control, open_webui, openai, searxng};
use crate::http::{Exchange, Reply, Request};
use crate::options::{Face, Options};
use crate::play::{End, Manner, Player};
use crate::script::Script;
use crate::state::State;
use crate::tally::Sort;
use crate::trouble;

/// Largest body of requests on faces that have no limit of their own.
const GENEROUS: usize = 256 << 20;

/// Largest body that the face of this request takes.
pub(crate) fn body_limit(state: &State, request: &Request) -> usize {
    let limited = !request.path.starts_with("/v1/") && !control::is_control(request);
    if limited { state.options().body_limit } else { GENEROUS }
}

/// The reply to a body over the limit.
pub(crate) fn too_large(state: &State, request: &Request) -> Reply {
    chat_ui::too_large(state, request)
}

/// Answers a request, by the script for its path where there is one.
pub(crate) async fn answer(
    state: &Arc<State>,
    request: &Request,
    exchange: &mut Exchange<'_>,
    script: Option<Script>,
) -> io::Result<()> {
    if control::is_control(request) {
        return exchange.reply(control::plain(state, request)).await;
    }
    if searxng::is_searxng(&request.path) {
        return search(state, request, exchange, script).await;
    }
    let options = state.options();
    let web = options.face == Face::OpenWebui;
    let refused = count(state, &options, request, exchange);
    if let Some(refused) = refused.filter(|_| script.is_none()) {
        return exchange.reply(refused).await;
    }
    if request.method() == "POST" && request.path == "/v1/chat/completions" {
        return openai::chat(state, request, exchange, script, Flavour::OpenAi).await;
    }
    if web && request.method() == "POST" && open_webui::is_chat(&request.path) {
        return openai::chat(state, request, exchange, script, Flavour::OpenWebui).await;
    }
    if !web && chat_ui::is_send(request) {
        return chat_ui::send(state, request, exchange, script).await;
    }
    if let Some(script) = script
        && play(state, exchange, script).await == End::Played
    {
        return Ok(());
    }
    normal(state, request, exchange, web).await
}

/// Answers a request for the search engine, which knows neither accounts nor their incidents.
async fn search(
    state: &State,
    request: &Request,
    exchange: &mut Exchange<'_>,
    script: Option<Script>,
) -> io::Result<()> {
    if let Some(script) = script
        && play(state, exchange, script).await == End::Played
    {
        return Ok(());
    }
    searxng::answer(state, request, exchange).await
}

/// Counts a request for its session or key; returns the refusal that stands before everything else.
fn count(
    state: &State,
    options: &Options,
    request: &Request,
    exchange: &mut Exchange<'_>,
) -> Option<Reply> {
    let web = options.face == Face::OpenWebui;
    let (credential, sort) = (credential(options, request), sort(web, request));
    exchange.count(state.tallies.count(credential, sort));
    trouble::refusal(options, request, credential, sort.is_chat())
}

/// The cookie or key of a request; empty without one.
fn credential<'r>(options: &Options, request: &'r Request) -> &'r str {
    let is_key = options.face == Face::OpenWebui || request.path.starts_with("/v1");
    let found = if is_key {
        request.bearer().or(request.cookie("token"))
    } else {
        request.cookie(&options.cookie_name)
    };
    found.unwrap_or_default()
}

/// What a request is, as far as tallies and incidents go.
fn sort(web: bool, request: &Request) -> Sort {
    match (request.method(), request.path.as_str()) {
        ("POST", "/v1/chat/completions") => Sort::Send,
        ("POST", path) if web && open_webui::is_chat(path) => Sort::Send,
        ("POST", "/conversation") if !web => Sort::Create,
        _ if !web && chat_ui::is_send(request) => Sort::Send,
        ("GET", "/api/v2/user" | "/api/user" | "/api/v1/auths/") => Sort::Check,
        _ => Sort::Other,
    }
}

/// Plays a script on a request that is no chat.
async fn play(state: &State, exchange: &mut Exchange<'_>, script: Script) -> End {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let manner = Manner { headers, lines: false, listener: None };
    Player::new(exchange, manner, &state.log).play(script.steps).await
}

async fn normal(
    state: &Arc<State>,
    request: &Request,
    exchange: &mut Exchange<'_>,
    web: bool,
) -> io::Result<()> {
    if request.path == "/v1" || request.path.starts_with("/v1/") {
        exchange.reply(openai::plain(state, request)).await
    } else if web {
        exchange.reply(open_webui::plain(state, request)).await
    } else {
        chat_ui::answer(state, request, exchange).await
    }
}
