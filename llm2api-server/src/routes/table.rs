//! The route table: the only list of paths.

use std::sync::Arc;

use poem::Route;
use poem::http::Method;

use super::resource::{
    Resource, admin_get, admin_post, client_get, client_post, messages_post, page_get, page_post,
    probe_get, public_get, secret_get,
};
use super::{
    chat, cookies, events, health, keys, messages, metrics, models, pages, requests, responses,
    root, session, settings, stats,
};
use crate::state::State;

/// Makes the endpoint of every path.
pub(crate) fn routes(state: &Arc<State>) -> Route {
    let add = |route: Route, (path, resource): (String, Resource<State>)| route.at(path, resource);
    table(state).into_iter().fold(Route::new(), add)
}

/// Lists every path and what answers there.
#[rustfmt::skip]
pub(super) fn table(state: &Arc<State>) -> Vec<(String, Resource<State>)> {
    let client = |path: &str| format!("{}{path}", state.api_path);
    let mut table = vec![
        (client("/v1/chat/completions"), client_post(state, chat::create)),
        (client("/web/v1/chat/completions"), client_post(state, chat::create_searched)),
        // An SDK that is pointed at /web/v1 asks for the models there too.
        (client("/web/v1/models"), client_get(state, models::list)),
        (client("/web/v1/models/*id"), client_get(state, models::show)),
        (client("/v1/responses"), client_post(state, responses::create)),
        (client("/v1/messages"), messages_post(state, messages::create)),
        (client("/v1/messages/count_tokens"), messages_post(state, messages::count)),
        (client("/v1/messages/*rest"), messages_post(state, messages::unknown).and(Method::GET, messages::unknown)),
        (client("/v1/models"), client_get(state, models::list)),
        (client("/v1/models/*id"), client_get(state, models::show)),
        ("/cookies".into(), admin_get(state, cookies::list)),
        ("/cookies/export".into(), secret_get(state, cookies::export)),
        ("/cookies/import".into(), admin_post(state, cookies::import)),
        ("/cookie/add".into(), admin_post(state, cookies::add)),
        ("/cookie/check".into(), admin_post(state, cookies::check)),
        ("/cookie/enable".into(), admin_post(state, cookies::enable)),
        ("/cookie/disable".into(), admin_post(state, cookies::disable)),
        ("/cookie/clear".into(), admin_post(state, cookies::clear)),
        ("/cookie/remove".into(), admin_post(state, cookies::remove)),
        ("/cookie/update".into(), admin_post(state, cookies::update)),
        ("/keys".into(), admin_get(state, keys::list)),
        ("/key/create".into(), admin_post(state, keys::create)),
        ("/key/revoke".into(), admin_post(state, keys::revoke)),
        ("/key/rotate".into(), admin_post(state, keys::rotate)),
        ("/key/update".into(), admin_post(state, keys::update)),
        ("/stats".into(), admin_get(state, stats::show)),
        ("/stats/series".into(), admin_get(state, stats::series)),
        ("/stats/models".into(), admin_get(state, stats::models)),
        ("/stats/keys".into(), admin_get(state, stats::keys)),
        ("/stats/sparks".into(), admin_get(state, stats::sparks)),
        ("/requests".into(), admin_get(state, requests::list)),
        ("/v1/explain/:id".into(), admin_get(state, requests::explain)),
        ("/settings".into(), admin_get(state, settings::show)),
        ("/events".into(), admin_get(state, events::open)),
        ("/try/chat/completions".into(), admin_post(state, chat::create_for_operator)),
        ("/session".into(), page_post(state, session::open).and(Method::DELETE, session::close)),
        ("/cookie".into(), page_get(state, pages::cookie)),
        ("/livez".into(), probe_get(state, health::live)),
        ("/readyz".into(), probe_get(state, health::ready)),
        ("/health".into(), probe_get(state, health::summary)),
        ("/healthz".into(), probe_get(state, health::live)),
        ("/health/liveliness".into(), probe_get(state, health::live)),
        ("/health/readiness".into(), probe_get(state, health::ready)),
        ("/metrics".into(), figures(state)),
        ("/".into(), public_get(state, root::show)),
    ];
    table.extend(pages::files(state));
    table
}

/// The figures are the operator's, unless he has said otherwise.
fn figures(state: &Arc<State>) -> Resource<State> {
    match state.exposes.public {
        true => probe_get(state, metrics::show_openly),
        false => admin_get(state, metrics::show),
    }
}

/// Makes the endpoint of the paths on the address of those who watch the server.
pub(crate) fn watch(state: &Arc<State>) -> Route {
    Route::new()
        .at("/metrics", probe_get(state, metrics::show_openly))
        .at("/livez", probe_get(state, health::live))
}
