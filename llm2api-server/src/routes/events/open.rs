//! Opening a stream of events.

use std::sync::Arc;

use poem::{Request, Response};

use super::stream::Tab;
use crate::admin::Pass;
use crate::edge::Record;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

/// Tells how things are, at once and as they change, until the session ends.
pub(in crate::routes) async fn open(
    state: Arc<State>,
    request: Request,
) -> Result<Response, Failure> {
    let place = state.events.enter().ok_or_else(Failure::too_many_streams)?;
    let pass = Pass::of(request.headers());
    if let Some(record) = request.data::<Record>() {
        // It has no end of its own: a tab that is closed has got all of it.
        record.complete();
    }
    Ok(answer::events(Tab::new(place, state, pass).into_body()))
}
