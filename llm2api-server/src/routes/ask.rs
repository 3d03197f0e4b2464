//! What all dialects do alike: check the limits, ask the engine, count the tokens.

use futures::TryFutureExt;
use llm2api_core::adapt::estimate_request;
use llm2api_core::keys::FoundKey;
use llm2api_core::quota::Allowance;
use llm2api_core::{Call, ChatRequest, ChatStream};

use crate::edge::{Record, Spending, TokenCount};
use crate::openai::error::{Failure, Whose};
use crate::state::State;

/// What the installation is called where its use is counted.
const INSTALLATION: &str = "installation";

/// Refuses a conversation of more pieces than the limit; `param` is where the client put them.
pub(super) fn check_length(state: &State, pieces: usize, param: &str) -> Result<(), Failure> {
    let limit = state.door.limits().messages_limit;
    if pieces > limit { Err(Failure::too_many(param, limit)) } else { Ok(()) }
}

/// Asks the engine, which hands an answer out with its first content; whoever calls is held to his
/// limits until the answer has ended.
pub(super) fn engine(
    state: &State,
    record: &Record,
    chat: ChatRequest,
) -> impl Future<Output = Result<ChatStream, Failure>> {
    record.wish(&chat.model);
    let limits = Limits::of(state, record);
    let mut spending = limits.spending(&chat);
    // A block, and no `async fn`: that would hold the request twice.
    async move {
        let answer = match limits.admit(state, record, &chat, &mut spending).await {
            Ok(()) => limits.ask(state, record, chat, spending.counts()).await,
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(answer) if limits.is_unlimited() => Ok(answer),
            Ok(answer) => Ok(spending.follow(answer)),
            Err(failure) => {
                spending.refund();
                Err(failure)
            }
        }
    }
}

/// What whoever calls may, and what the installation may.
struct Limits {
    key: Option<FoundKey>,
    installation: Option<Allowance>,
}

impl Limits {
    fn of(state: &State, record: &Record) -> Self {
        let installation = state.client.authorisation().map(|status| status.limits);
        Self { key: record.caller().cloned(), installation }
    }

    fn is_unlimited(&self) -> bool {
        self.allowances().all(Allowance::is_unlimited)
    }

    fn allowances(&self) -> impl Iterator<Item = &Allowance> {
        self.key.iter().map(|key| &key.allowance).chain(&self.installation)
    }

    /// Counts the request's tokens only where somebody is held to a number of them.
    fn spending(&self, chat: &ChatRequest) -> Spending {
        let counts = self.allowances().any(|allowance| allowance.tokens_per_day.is_some());
        Spending::new(counts.then(|| estimate_request(chat)))
    }

    /// Asks; where tokens are counted, the upstream is to count them.
    fn ask(
        &self,
        state: &State,
        record: &Record,
        mut chat: ChatRequest,
        counts: bool,
    ) -> impl Future<Output = Result<ChatStream, Failure>> {
        if counts && chat.streams() {
            // What the upstream counts is exact. Nobody sees it who has not asked for it.
            chat.stream_options.get_or_insert_default().include_usage = Some(true);
        }
        let trail = record.ask(&state.client, chat.streams());
        let place = record.place().clone();
        chat.call = Call::new(record.id()).with_trail(trail).with_trace(place);
        if let Some(key) = &self.key {
            chat.call = chat.call.with_caller(key.id.clone());
        }
        let count = TokenCount::new(record.clone(), chat.text_bytes());
        let answered = |answer| {
            // Only now is it a model's name; before, it is the client's text, which the log does not
            // take.
            record.know_model();
            count.follow(answer)
        };
        state.client.chat(chat).map_ok(answered).err_into()
    }

    /// Holds the caller to what his key may, and all of them to what the installation may. The model
    /// comes first, which costs nothing, and the installation last: a key that has used up its own
    /// takes nothing from the others.
    async fn admit(
        &self,
        state: &State,
        record: &Record,
        chat: &ChatRequest,
        spending: &mut Spending,
    ) -> Result<(), Failure> {
        let (quotas, estimate) = (state.client.quotas(), spending.prompt());
        if let Some(key) = &self.key {
            if !key.allows(&chat.model) {
                return Err(Failure::model_not_allowed());
            }
            let asked = quotas.admit(&subject(&key.id), &key.allowance, estimate).await;
            record.set_standing(match &asked {
                Ok((_, standing)) => *standing,
                Err(refusal) => refusal.standing,
            });
            spending.hold(asked.map_err(|refusal| Failure::over_quota(&refusal, Whose::Key))?.0);
        }
        if let Some(allowance) = &self.installation {
            let asked = quotas.admit(INSTALLATION, allowance, estimate).await;
            let refused = |refusal| Failure::over_quota(&refusal, Whose::Installation);
            spending.hold(asked.map_err(refused)?.0);
        }
        Ok(())
    }
}

/// What a key is called where its use is counted.
pub(crate) fn subject(id: &str) -> String {
    format!("key:{id}")
}
