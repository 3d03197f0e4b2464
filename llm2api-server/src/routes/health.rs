//! Health checks: small, public, and never a call upstream or to the store. Nothing in them names an
//! account, an upstream or an address.
//!
//! `/readyz` stays 200 where no credential may be used. Credentials are added through this server, by
//! its page, so it must be reachable without any; those of a fleet rest together, and a balancer that
//! takes out all servers at once helps nobody; and a chat gets 503 `no_credential`, or 429 with the
//! time to come back, which says more than a refused connection. `/health` and `/metrics` have the
//! numbers, for those who want an alarm.

mod checks;

use std::sync::Arc;

use llm2api_core::auth::AuthStatus;
use poem::http::StatusCode;
use poem::{Request, Response};
use serde::Serialize;

use self::checks::{Check, Credentials};
use crate::clock::unix_seconds;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    /// `degraded` while the store cannot be reached: chats go on, changes of accounts fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorisation: Option<Authorisation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<Check>>,
}

/// What `/health` tells.
#[derive(Serialize)]
struct Summary {
    status: &'static str,
    version: &'static str,
    uptime_seconds: u64,
    credentials: Credentials,
    store: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorisation: Option<Authorisation>,
}

/// How the authorisation stands, in our words alone: everybody may read this.
#[derive(Serialize)]
struct Authorisation {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The process runs.
pub(super) async fn live(_state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    let (store, authorisation, checks) = (None, None, None);
    Ok(answer::json(&Health { status: "ok", version: VERSION, store, authorisation, checks }))
}

/// The process may be sent traffic: it runs, may serve, and does not shut down. With `?verbose` each
/// check is told.
///
/// A store that is away does not take a server out of service: what it serves with is in memory.
pub(super) async fn ready(state: Arc<State>, request: Request) -> Result<Response, Failure> {
    let known = state.client.authorisation();
    let status = status(&state, known.as_ref());
    let verbose = request.uri().query().is_some_and(wants_all);
    let health = Health {
        status,
        version: VERSION,
        store: Some(store(&state)),
        checks: verbose.then(|| checks::all(&state, known.as_ref())),
        authorisation: known.map(Authorisation::of),
    };
    Ok(with_status(status, answer::json(&health)))
}

/// Sums up how the server fares, under the same status code as [`ready`].
pub(super) async fn summary(state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    let known = state.client.authorisation();
    let status = status(&state, known.as_ref());
    let summary = Summary {
        status,
        version: VERSION,
        uptime_seconds: unix_seconds().saturating_sub(state.started),
        credentials: Credentials::sum(&state.client.pool().census()),
        store: store(&state),
        authorisation: known.map(Authorisation::of),
    };
    Ok(with_status(status, answer::json(&summary)))
}

fn store(state: &State) -> &'static str {
    if state.client.accounts().store_is_reachable() { "ok" } else { "degraded" }
}

fn with_status(status: &str, mut response: Response) -> Response {
    if status != "ok" {
        response.set_status(StatusCode::SERVICE_UNAVAILABLE);
    }
    response
}

/// Reads `verbose`, also where it has a value.
fn wants_all(query: &str) -> bool {
    query.split('&').any(|pair| match pair.split_once('=') {
        None => pair == "verbose",
        Some((name, value)) => name == "verbose" && !matches!(value, "false" | "0"),
    })
}

/// Says in a word whether traffic is served.
pub(super) fn status(state: &State, known: Option<&AuthStatus>) -> &'static str {
    match known {
        _ if state.door.stop.is_draining() => "shutting_down",
        Some(known) if !known.state.serves() => "unauthorised",
        _ => "ok",
    }
}

impl Authorisation {
    fn of(status: AuthStatus) -> Self {
        Self { state: status.state.as_str(), message: status.message }
    }
}
