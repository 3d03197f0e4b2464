//! `POST /v1/chat/completions` and `POST /web/v1/chat/completions`.

use std::sync::Arc;

use llm2api_core::ChatRequest;
use poem::{Request, Response};

use super::{ask, body};
use crate::edge::Record;
use crate::openai::answer::{self, Remarks};
use crate::openai::chunks::Chunks;
use crate::openai::error::Failure;
use crate::sse::Events;
use crate::state::State;

/// Answers a chat request, whole or as a stream.
pub(super) async fn create(state: Arc<State>, request: Request) -> Result<Response, Failure> {
    respond(state, request, false).await
}

/// Searches the web for a chat request, whatever it says of that, and answers it.
pub(super) async fn create_searched(
    state: Arc<State>,
    request: Request,
) -> Result<Response, Failure> {
    if !state.door.live.now().searches {
        return Err(Failure::no_search());
    }
    respond(state, request, true).await
}

async fn respond(
    state: Arc<State>,
    mut request: Request,
    searched: bool,
) -> Result<Response, Failure> {
    let record = request.data::<Record>().cloned().ok_or_else(Failure::internal)?;
    let body = body::read(&mut request, &state.door).await?;
    // What the request holds, its body above all, is not needed while the answer runs.
    drop(request);
    let mut chat = ChatRequest::from_json(&body)?;
    ask::check_length(&state, chat.messages.len(), "messages")?;
    let charge = body.into_charge();
    if searched || state.door.live.now().search_every_chat {
        chat = chat.with_web_search();
    }
    let (streams, usage) = (chat.streams(), chat.wants_usage());
    let answer = ask::engine(&state, &record, chat).await?;
    // Until now the request was waiting or on its way, and held what its body had held.
    drop(charge);
    let remarks = Remarks::of(&answer, None);
    let response = match streams {
        false => answer::completion(&answer.collect().await?),
        // The engine hands an answer out with its first content: what fails before has a status.
        true => {
            let chunks = answer.into_chunks(usage);
            answer::stream(Events::new(
                chunks,
                Chunks::new(usage),
                state.door.stop.cut_off(),
                record,
            ))
        }
    };
    Ok(remarks.on(response))
}
