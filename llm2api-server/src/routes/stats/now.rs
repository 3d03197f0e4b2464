//! `GET /stats`.

use std::sync::Arc;

use poem::{Request, Response};

use super::wire::{Credentials, Figures, NowPart, ServerPart, Stats};
use crate::clock::unix_seconds;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::routes::health;
use crate::state::State;

/// Says how the server fares, and what all servers on its store have done.
pub(in crate::routes) async fn show(
    state: Arc<State>,
    _request: Request,
) -> Result<Response, Failure> {
    Ok(answer::json(&of(&state).await))
}

/// Puts together how things are.
pub(in crate::routes) async fn of(state: &State) -> Stats {
    let statistics = state.client.statistics();
    let now = NowPart::new(&statistics.now(), credentials(state));
    let totals = Figures::from(&statistics.total().await);
    Stats { server: server(state), now, totals }
}

fn server(state: &State) -> ServerPart {
    let known = state.client.authorisation();
    let terms = state.door.live.now();
    let reachable = state.client.accounts().store_is_reachable();
    ServerPart {
        version: env!("CARGO_PKG_VERSION"),
        started: state.started,
        now: unix_seconds(),
        status: health::status(state, known.as_ref()),
        store: if reachable { "ok" } else { "degraded" },
        open: terms.keys.are_optional() && !state.client.keys().is_closed(),
        api_path: state.api_path.clone(),
        web_search: terms.searches,
        authorisation: known.map(Into::into),
    }
}

/// Those that stand in for accounts count as well: they serve. Where an upstream is out, none of its
/// own may be used.
fn credentials(state: &State) -> Credentials {
    let mut credentials = Credentials::default();
    for upstream in state.client.pool().census() {
        credentials.usable += if upstream.is_out { 0 } else { upstream.usable };
        credentials.total += upstream.total;
    }
    credentials
}
