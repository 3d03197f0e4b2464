//! The request hook: origin, login, welcome modal, session cookie.

use std::time::Duration;

use crate::clock;
use crate::http::{Reply, Request};
use crate::lock::lock;
use crate::options::{Family, Options};
use crate::session::Visitor;
use crate::state::State;

use super::errors;

/// Life of a session cookie.
const TWO_WEEKS: Duration = Duration::from_secs(14 * 86_400);
/// Content types whose POSTs must name their origin.
const FORMS: [&str; 3] = ["multipart/form-data", "application/x-www-form-urlencoded", "text/plain"];

/// Lets a request in, or refuses it.
pub(super) fn enter(state: &State, request: &Request) -> Result<Visitor, Reply> {
    let options = state.options();
    check_origin(request)?;
    let visitor = Visitor::of(&options, request);
    check_login(state, &options, request, &visitor)?;
    check_modal(state, &options, request, &visitor)?;
    Ok(visitor)
}

/// The cookie that every accepted POST sets again.
pub(super) fn set_cookie(options: &Options, value: &str) -> String {
    let expires = clock::http_date(TWO_WEEKS);
    let name = &options.cookie_name;
    format!("{name}={value}; Path=/; Expires={expires}; HttpOnly; Secure; SameSite=None")
}

fn check_origin(request: &Request) -> Result<(), Reply> {
    let kind = request.header("content-type").unwrap_or_default().to_ascii_lowercase();
    if request.method() != "POST" || !FORMS.iter().any(|form| kind.starts_with(form)) {
        return Ok(());
    }
    let Some(origin) = request.header("origin") else {
        return Err(errors::hook(request, 403, "Non-JSON form requests need to have an origin"));
    };
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    if request.header("host") == Some(host) {
        return Ok(());
    }
    Err(errors::hook(request, 403, "Invalid referer for POST request"))
}

fn check_login(
    state: &State,
    options: &Options,
    request: &Request,
    visitor: &Visitor,
) -> Result<(), Reply> {
    if !options.login || visitor.user.is_some() {
        return Ok(());
    }
    let path = request.path.as_str();
    let to_provider = match request.method() {
        "GET" => path == "/settings" || path == "/login",
        "POST" => path == "/conversation",
        _ => false,
    };
    if to_provider {
        return Err(redirect(state, options, visitor));
    }
    if is_read(request) || is_open(path) {
        return Ok(());
    }
    Err(errors::hook(request, 401, "You have to be logged in."))
}

/// Sends the visitor to the login provider: another host, though one that leads back here, so
/// that a client that follows is seen in the log.
fn redirect(state: &State, options: &Options, visitor: &Visitor) -> Reply {
    let port = state.address.port();
    let location = format!(
        "http://localhost:{port}/__provider/authorize?client_id=mock-client&\
         scope=openid%20profile&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A{port}\
         %2Flogin%2Fcallback&code_challenge_method=S256&state={}",
        uuid::Uuid::new_v4().simple(),
    );
    let verifier = format!(
        "hfChat-codeVerifier={}; Path=/; Expires={}; HttpOnly; Secure; SameSite=None",
        uuid::Uuid::new_v4().simple(),
        clock::http_date(Duration::from_secs(3600)),
    );
    let reply = Reply::empty(302).with("location", location);
    let reply = reply.with("set-cookie", set_cookie(options, &visitor.cookie));
    reply.with("set-cookie", verifier)
}

fn check_modal(
    state: &State,
    options: &Options,
    request: &Request,
    visitor: &Visitor,
) -> Result<(), Reply> {
    let asked = options.family == Family::Y2024 && options.ethics_modal && !options.login;
    if !asked || is_read(request) || is_open(&request.path) {
        return Ok(());
    }
    if lock(&state.memory).accepted.contains(&visitor.cookie) {
        return Ok(());
    }
    Err(errors::hook(request, 405, "You need to accept the welcome modal first"))
}

fn is_read(request: &Request) -> bool {
    matches!(request.method(), "GET" | "HEAD" | "OPTIONS")
}

fn is_open(path: &str) -> bool {
    ["/login", "/admin", "/settings"].iter().any(|open| path.starts_with(open))
}
