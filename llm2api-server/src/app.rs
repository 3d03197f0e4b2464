//! The whole HTTP surface as one endpoint.

use std::sync::Arc;

use poem::error::NotFoundError;
use poem::{Endpoint, EndpointExt, Response};

use crate::edge::Edge;
use crate::openai::error::Failure;
use crate::routes;
use crate::state::State;

/// Makes the endpoint that serves every path.
pub fn app(state: State) -> impl Endpoint<Output = Response> + 'static {
    let State { journal, responses, tracer, .. } = state.clone();
    let routes = routes::routes(&Arc::new(state));
    Edge::new(routes).with_journal(journal).with_responses(responses).with_tracer(tracer)
}

/// Makes the endpoint of the address that only those know who watch the server: nobody there needs a
/// key, and there is nothing but figures.
pub(crate) fn watch(state: State) -> impl Endpoint<Output = Response> + 'static {
    let responses = state.responses.clone();
    let route = routes::watch(&Arc::new(state));
    let named = route.around(async |route, request| route.call(request).await.map_err(unknown));
    Edge::new(named).with_responses(responses)
}

/// The words for an unknown path would name paths that are not here.
fn unknown(error: poem::Error) -> poem::Error {
    if error.is::<NotFoundError>() { Failure::only_figures().into() } else { error }
}
