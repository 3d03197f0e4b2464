//! Which face answers a request.

use std::io;
use std::sync::Arc;

use super::openai::Flavour;
use super::{chat_ui, control, open_webui, openai};
use crate::http::{Exchange, Reply, Request};
use crate::options::Face;
use crate::play::{End, Manner, Player};
use crate::script::Script;
use crate::state::State;

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

/// Answers a request.
pub(crate) async fn answer(
    state: &Arc<State>,
    request: &Request,
    exchange: &mut Exchange<'_>,
) -> io::Result<()> {
    if control::is_control(request) {
        return exchange.reply(control::plain(state, request)).await;
    }
    let script = state.take_path_script(&request.path);
    let web = state.options().face == Face::OpenWebui;
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
