//! What all dialects do alike: check the limits, ask the engine, count the tokens.

use llm2api_core::{Call, ChatRequest, ChatStream};

use crate::edge::{Record, TokenCount};
use crate::openai::error::Failure;
use crate::state::State;

/// Refuses a conversation of more pieces than the limit; `param` is where the client put them.
pub(super) fn check_length(state: &State, pieces: usize, param: &str) -> Result<(), Failure> {
    let limit = state.door.limits().messages_limit;
    if pieces > limit { Err(Failure::too_many(param, limit)) } else { Ok(()) }
}

/// Asks the engine, which hands an answer out with its first content.
pub(super) async fn engine(
    state: &State,
    record: &Record,
    mut chat: ChatRequest,
) -> Result<ChatStream, Failure> {
    if record.caller().is_some_and(|key| !key.allows(&chat.model)) {
        return Err(Failure::model_not_allowed());
    }
    chat.call = Call::new(record.id());
    let model = chat.model.clone();
    let count = TokenCount::new(record.clone(), chat.text_bytes());
    let answer = state.client.chat(chat).await?.with_watch(count);
    // Only now is it a model's name; before, it is the client's text, which the log does not take.
    record.model(&model);
    Ok(answer)
}
