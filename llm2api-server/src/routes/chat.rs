//! `POST /v1/chat/completions`.

use std::sync::Arc;

use llm2api_core::{Call, ChatRequest};
use poem::{Request, Response};

use super::body;
use crate::budget::Charge;
use crate::edge::{Record, TokenCount};
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

/// Answers a chat request, whole or as a stream.
pub(super) async fn create(state: Arc<State>, mut request: Request) -> Result<Response, Failure> {
    let record = request.data::<Record>().cloned().ok_or_else(Failure::internal)?;
    let (chat, charge) = parse(&state, &mut request, record.id()).await?;
    // What the request holds, its body above all, is not needed while the answer runs.
    drop(request);
    let (streams, usage) = (chat.streams(), chat.wants_usage());
    let model = chat.model.clone();
    let count = TokenCount::new(record.clone(), chat.text_bytes());
    let answer = state.client.chat(chat).await?.with_watch(count);
    // Until now the request was waiting or on its way, and held what its body had held.
    drop(charge);
    // Only now is it a model's name; before, it is the client's text, which the log does not take.
    record.model(&model);
    let ignored = answer::ignored(&answer);
    let response = match streams {
        false => answer::completion(&answer.collect().await?),
        // The engine hands an answer out with its first content: what fails before has a status.
        true => answer::stream(answer.into_chunks(usage), state.stop.cut_off(), record),
    };
    Ok(answer::with_ignored(response, ignored))
}

async fn parse(
    state: &State,
    request: &mut Request,
    id: &str,
) -> Result<(ChatRequest, Charge), Failure> {
    let limit = state.limits().messages_limit;
    let body = body::read(request, state).await?;
    let mut chat = ChatRequest::from_json(&body)?;
    if chat.messages.len() > limit {
        return Err(Failure::too_many_messages(limit));
    }
    chat.call = Call::new(id);
    Ok((chat, body.into_charge()))
}
