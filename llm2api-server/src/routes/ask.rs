//! What all dialects do alike: check the limits, ask the engine, count the tokens.

use llm2api_core::quota::Ticket;
use llm2api_core::{Call, ChatRequest, ChatStream};

use crate::edge::{Record, TokenCount};
use crate::openai::error::{Failure, Whose};
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
    let ticket = admit(state, record, &chat).await?;
    chat.call = Call::new(record.id());
    let model = chat.model.clone();
    let count = TokenCount::new(record.clone(), chat.text_bytes(), ticket);
    let answer = state.client.chat(chat).await?.with_watch(count);
    // Only now is it a model's name; before, it is the client's text, which the log does not take.
    record.model(&model);
    Ok(answer)
}

/// Holds the caller to what his key may: first the model, which costs nothing, then how much.
async fn admit(
    state: &State,
    record: &Record,
    chat: &ChatRequest,
) -> Result<Option<Ticket>, Failure> {
    let Some(key) = record.caller() else { return Ok(None) };
    if !key.allows(&chat.model) {
        return Err(Failure::model_not_allowed());
    }
    let estimate = (chat.text_bytes() as u64).div_ceil(4);
    let asked = state.client.quotas().admit(&subject(&key.id), &key.allowance, estimate).await;
    let standing = asked.as_ref().map_or_else(|refusal| refusal.standing, |(_, left)| *left);
    record.set_standing(standing);
    match asked {
        Ok((ticket, _)) => Ok(Some(ticket)),
        Err(refusal) => Err(Failure::over_quota(&refusal, Whose::Key)),
    }
}

/// What a key is called where its use is counted.
pub(crate) fn subject(id: &str) -> String {
    format!("key:{id}")
}
