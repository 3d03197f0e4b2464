//! `POST /v1/messages` and `POST /v1/messages/count_tokens`.

use std::sync::Arc;

use llm2api_core::adapt::estimate_request;
use poem::{Request, Response};
use serde::Serialize;

use super::{ask, body};
use crate::dialect::{Blocks, new_id};
use crate::edge::Record;
use crate::messages::{self, Asked, MessageEvents};
use crate::openai::answer::{self, Remarks};
use crate::openai::error::Failure;
use crate::sse::Events;
use crate::state::State;

#[derive(Serialize)]
struct Counted {
    input_tokens: u64,
}

/// Answers a request, whole or as a stream.
pub(super) async fn create(state: Arc<State>, mut request: Request) -> Result<Response, Failure> {
    let record = request.data::<Record>().cloned().ok_or_else(Failure::internal)?;
    let body = body::read(&mut request, &state.door).await?;
    drop(request);
    let (parsed, left_out) = parse(&state, &body)?;
    let Asked { chat, stop_sequences } = parsed.into_asked()?;
    let charge = body.into_charge();
    let (streams, model) = (chat.streams(), chat.model.clone());
    let prompt = if streams { estimate_request(&chat) } else { 0 };
    let answer = ask::engine(&state, &record, chat).await?;
    drop(charge);
    let id = new_id("msg")?;
    let remarks = Remarks::of(&answer, left_out);
    let response = if streams {
        let encoder = MessageEvents::new(id, model, stop_sequences, prompt);
        let chunks = answer.into_chunks(true);
        answer::stream(Events::new(chunks, encoder, state.door.stop.cut_off(), record))
    } else {
        let blocks = Blocks::of(answer.collect().await?)?;
        answer::with_json(messages::whole(&id, &model, &blocks, &stop_sequences)?)
    };
    Ok(remarks.on(response))
}

/// Estimates how many tokens a request has; no upstream is asked.
pub(super) async fn count(state: Arc<State>, mut request: Request) -> Result<Response, Failure> {
    let body = body::read(&mut request, &state.door).await?;
    let (parsed, _) = parse(&state, &body)?;
    let chat = parsed.into_chat()?;
    Ok(answer::json(&Counted { input_tokens: estimate_request(&chat) }))
}

/// Refuses what else there is under this path, in the envelope that its clients read.
pub(super) async fn unknown(_state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    Err(Failure::unknown_path())
}

/// Returns the request, and the name of what was left out of it.
fn parse(state: &State, body: &[u8]) -> Result<(messages::Request, Option<&'static str>), Failure> {
    let mut request = messages::Request::from_json(body)?;
    ask::check_length(state, request.turns(), "messages")?;
    let lenient = !state.door.live.now().strict;
    let left_out = (lenient && request.leave_out_hosted_tools()).then_some("tools");
    Ok((request, left_out))
}
