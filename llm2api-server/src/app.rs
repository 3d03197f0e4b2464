//! The whole HTTP surface as one endpoint.

use std::sync::Arc;

use poem::{Endpoint, Response};

use crate::edge::Edge;
use crate::routes;
use crate::state::State;

/// Makes the endpoint that serves every path.
pub fn app(state: State) -> impl Endpoint<Output = Response> + 'static {
    let journal = state.journal.clone();
    Edge::new(routes::routes(&Arc::new(state))).with_journal(journal)
}
