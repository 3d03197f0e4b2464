//! What all dialects do alike: check the limits, ask the engine, count the tokens.

use llm2api_core::{Call, ChatRequest, ChatStream};

use crate::edge::{Record, TokenCount};
use crate::openai::error::{Failure, Whose};
use crate::state::State;

/// What the installation is called where its use is counted.
const INSTALLATION: &str = "installation";

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
    let mut count = TokenCount::new(record.clone(), chat.text_bytes());
    admit(state, record, &chat, &mut count).await?;
    chat.call = Call::new(record.id());
    let model = chat.model.clone();
    let answer = state.client.chat(chat).await?.with_watch(count);
    // Only now is it a model's name; before, it is the client's text, which the log does not take.
    record.model(&model);
    Ok(answer)
}

/// Holds the caller to what his key may, and all of them to what the installation may. The model
/// comes first, which costs nothing, and the installation last: a key that has used up its own
/// takes nothing from the others.
async fn admit(
    state: &State,
    record: &Record,
    chat: &ChatRequest,
    count: &mut TokenCount,
) -> Result<(), Failure> {
    let (quotas, estimate) = (state.client.quotas(), (chat.text_bytes() as u64).div_ceil(4));
    if let Some(key) = record.caller() {
        if !key.allows(&chat.model) {
            return Err(Failure::model_not_allowed());
        }
        let asked = quotas.admit(&subject(&key.id), &key.allowance, estimate).await;
        record.set_standing(match &asked {
            Ok((_, standing)) => *standing,
            Err(refusal) => refusal.standing,
        });
        count.hold(asked.map_err(|refusal| Failure::over_quota(&refusal, Whose::Key))?.0);
    }
    if let Some(authorisation) = state.client.authorisation() {
        let asked = quotas.admit(INSTALLATION, &authorisation.limits, estimate).await;
        count.hold(asked.map_err(|refusal| Failure::over_quota(&refusal, Whose::Installation))?.0);
    }
    Ok(())
}

/// What a key is called where its use is counted.
pub(crate) fn subject(id: &str) -> String {
    format!("key:{id}")
}
