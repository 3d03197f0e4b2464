//! `POST /v1/chat/completions` and `POST /web/v1/chat/completions`.

use std::sync::Arc;

use llm2api_core::chat::SearchNote;
use llm2api_core::{ChatRequest, ChatStream};
use poem::{Request, Response};

use super::body::Held;
use super::{ask, body};
use crate::edge::Record;
use crate::live::Terms;
use crate::openai::answer::{self, Remarks};
use crate::openai::chunks::Chunks;
use crate::openai::error::Failure;
use crate::sse::Events;
use crate::state::State;

/// Answers a chat request, whole or as a stream.
pub(super) fn create(
    state: Arc<State>,
    request: Request,
) -> impl Future<Output = Result<Response, Failure>> {
    respond(state, request, By::Client { searched: false })
}

/// Searches the web for a chat request, whatever it says of that, and answers it.
pub(super) async fn create_searched(
    state: Arc<State>,
    request: Request,
) -> Result<Response, Failure> {
    // Once more behind the body, by what holds then; who is refused now need not send it.
    Wish::of(&state.door.live.now(), true)?;
    respond(state, request, By::Client { searched: true }).await
}

/// Answers a chat request of the operator's, who tries the server out: it is counted for no key.
pub(super) fn create_for_operator(
    state: Arc<State>,
    request: Request,
) -> impl Future<Output = Result<Response, Failure>> {
    if let Some(record) = request.data::<Record>() {
        record.keep();
    }
    respond(state, request, By::Operator)
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
enum By {
    /// A client, on the path that searches for each chat or on the other.
    Client { searched: bool },
    /// The operator, whom clients must not keep out by the bodies that they send.
    Operator,
}

/// What its steps take by value is held once, as long as nobody borrows it here before: a future is
/// moved into a box of its own, as large as its largest moment.
async fn respond(state: Arc<State>, request: Request, by: By) -> Result<Response, Failure> {
    let (record, body) = read(&state, request, by).await?;
    let Asked { chat, wish, streams, usage } = Asked::of(&state, &body, by)?;
    let charge = body.into_charge();
    let answer = wish.noted(ask::engine(&state, &record, chat).await?);
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

/// Reads a request. What else it holds is not needed while the answer runs.
async fn read(state: &State, mut request: Request, by: By) -> Result<(Record, Held), Failure> {
    let record = request.data::<Record>().cloned().ok_or_else(Failure::internal)?;
    let body = match by {
        By::Client { .. } => body::read(&mut request, &state.door).await?,
        By::Operator => body::read_for_operator(usize::MAX, &mut request, &state.door).await?,
    };
    Ok((record, body))
}

/// What a body asks for.
struct Asked {
    chat: ChatRequest,
    wish: Wish,
    streams: bool,
    /// The client wants to be told how many tokens it took.
    usage: bool,
}

impl Asked {
    fn of(state: &State, body: &[u8], by: By) -> Result<Self, Failure> {
        let chat = ChatRequest::from_json(body)?;
        ask::check_length(state, chat.messages.len(), "messages")?;
        let searched = matches!(by, By::Client { searched: true });
        let wish = Wish::of(&state.door.live.now(), searched)?;
        let (streams, usage) = (chat.streams(), chat.wants_usage());
        Ok(Self { chat: wish.on(chat), wish, streams, usage })
    }
}

/// Whether a chat is searched for, beside what it says of that itself.
#[derive(Clone, Copy, Debug)]
enum Wish {
    /// As the client says.
    Own,
    Search,
    /// Every chat is to be searched for, and nothing can be.
    InVain,
}

impl Wish {
    /// Decides by one look at the settings; `searched` is what the path says.
    ///
    /// A search is wished for only where there is one: else the client would be told of a field that
    /// it has not sent.
    fn of(terms: &Terms, searched: bool) -> Result<Self, Failure> {
        match (searched || terms.search_every_chat, terms.searches) {
            (false, _) => Ok(Self::Own),
            (true, true) => Ok(Self::Search),
            (true, false) if searched => Err(Failure::no_search()),
            (true, false) => Ok(Self::InVain),
        }
    }

    fn on(self, chat: ChatRequest) -> ChatRequest {
        match self {
            Self::Search => chat.with_web_search(),
            Self::Own | Self::InVain => chat,
        }
    }

    /// Says beside the answer that there was no search; in it stands only what the engine did.
    fn noted(self, answer: ChatStream) -> ChatStream {
        match self {
            Self::Own | Self::Search => answer,
            Self::InVain => answer.with_search_note(SearchNote::Failed {
                code: "search_not_configured",
                message: "TOOL_ALL_IN_ONE is true but there is no SEARXNG_URL".to_owned(),
            }),
        }
    }
}
