//! `POST /v1/responses`.

use std::sync::Arc;

use poem::{Request, Response};

use super::{ask, body};
use crate::dialect::Blocks;
use crate::edge::Record;
use crate::openai::answer::{self, Remarks};
use crate::openai::error::Failure;
use crate::responses::{self, Asked, ResponseEvents};
use crate::sse::Events;
use crate::state::State;

/// Answers a request, whole or as a stream.
pub(super) async fn create(state: Arc<State>, mut request: Request) -> Result<Response, Failure> {
    let record = request.data::<Record>().cloned().ok_or_else(Failure::internal)?;
    let body = body::read(&mut request, &state.door).await?;
    drop(request);
    let mut parsed = responses::Request::from_json(&body)?;
    ask::check_length(&state, parsed.items(), "input")?;
    let lenient = !state.door.live.now().strict;
    let left_out = (lenient && parsed.leave_out_hosted_tools()).then_some("tools");
    let Asked { chat, template } = parsed.into_asked()?;
    let mut charge = body.into_charge();
    let streams = chat.streams();
    let answer = ask::engine(&state, &record, chat).await?;
    // What the answer tells back is held until its end.
    charge.keep(template.size());
    let remarks = Remarks::of(&answer, left_out);
    let response = if streams {
        let encoder = ResponseEvents::new(template, charge);
        let chunks = answer.into_chunks(true);
        answer::stream(Events::new(chunks, encoder, state.door.stop.cut_off(), record))
    } else {
        let blocks = Blocks::of(answer.collect().await?)?;
        answer::with_json(template.whole(&blocks)?)
    };
    Ok(remarks.on(response))
}
