//! Sending a message.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

use super::conversations::own;
use super::generation::Generation;
use super::message_form::Form;
use super::recording::Recording;
use super::routes::{Call, conversation_of, dress};
use super::writer::Writer;
use super::{errors, gate, prompt, relay, scripted};
use crate::http::{Exchange, Reply, Request};
use crate::lock::lock;
use crate::log::Running;
use crate::plan::{Plan, Prompt};
use crate::script::Script;
use crate::state::State;
use crate::tree::{Conversation, Message, NEW_CHAT};

/// A turn that was accepted and stored: the user message and an answer to be filled.
#[derive(Debug)]
pub(super) struct Turn {
    /// The conversation as it was stored.
    pub(super) conversation: Conversation,
    /// Id of the answer.
    pub(super) answer: String,
    /// What the answer said before, when it is continued.
    pub(super) before: String,
    /// Whether the conversation has no title yet.
    pub(super) untitled: bool,
    /// Whether to search the web first.
    pub(super) web_search: bool,
    /// The generation.
    pub(super) generation: Arc<Generation>,
    /// What the model is asked.
    pub(super) prompt: Prompt,
}

/// Answers `POST /conversation/ID`.
pub(crate) async fn send(
    state: &Arc<State>,
    request: &Request,
    exchange: &mut Exchange<'_>,
    script: Option<Script>,
) -> io::Result<()> {
    let options = state.options();
    let visitor = match gate::enter(state, request) {
        Ok(visitor) => visitor,
        Err(refused) => return exchange.reply(dress(&options, request, None, refused)).await,
    };
    let call = Call { state, options: &options, request, visitor: &visitor };
    let form = match accept(&call, exchange.peer().ip()) {
        Ok(form) => form,
        Err(refused) => {
            return exchange.reply(dress(&options, request, Some(&visitor), refused)).await;
        }
    };
    let script = script.or_else(|| state.take_script());
    if let Some(script) = script.as_ref().filter(|script| script.refuses()) {
        return scripted::refuse(&call, exchange, script.clone()).await;
    }
    match begin(&call, &form) {
        Ok(turn) => run(&call, exchange, turn, script).await,
        Err(refused) => exchange.reply(dress(&options, request, Some(&visitor), refused)).await,
    }
}

/// Checks conversation, rate and form, in this order.
fn accept(call: &Call<'_>, address: IpAddr) -> Result<Form, Reply> {
    own(call, conversation_id(call), |_| ())?;
    let count = lock(&call.state.memory).count_message(call.visitor.owner(), address);
    if call.options.messages_per_minute.is_some_and(|limit| count > limit as usize) {
        let text = "You are sending too many messages. Try again later.";
        return Err(errors::message(429, text));
    }
    Form::parse(call.request)
}

/// Stores the user message and an empty answer.
fn begin(call: &Call<'_>, form: &Form) -> Result<Turn, Reply> {
    let generation = form.data.generation_id.clone();
    let generation = generation.unwrap_or_else(|| Uuid::new_v4().to_string());
    let id = conversation_id(call);
    let turn = own(call, id, |conversation| {
        let place = Place::find(call, conversation, form)?;
        let (user, answer) = place.store(conversation, &generation);
        let before = conversation.message(&answer).map(|one| one.content.clone());
        Ok(Turn {
            prompt: prompt::prompt(call, conversation, &user),
            untitled: conversation.title == NEW_CHAT,
            web_search: form.data.web_search && !call.is_v2(),
            generation: Arc::new(Generation::new(
                generation,
                id.to_owned(),
                Recording::new(call.options.merge_tokens),
            )),
            conversation: conversation.clone(),
            before: before.unwrap_or_default(),
            answer,
        })
    })??;
    let (id, generation) = (turn.generation.id.clone(), Arc::clone(&turn.generation));
    lock(&call.state.memory).generations.insert(id, generation);
    Ok(turn)
}

/// Runs the turn: by script, or as the model wants.
async fn run(
    call: &Call<'_>,
    exchange: &mut Exchange<'_>,
    turn: Turn,
    script: Option<Script>,
) -> io::Result<()> {
    let running = call.state.log.begin(Running {
        generation: turn.generation.id.clone(),
        conversation: Some(turn.conversation.id.clone()),
        credential: call.visitor.cookie.clone(),
        model: turn.conversation.model.clone(),
    });
    if let Some(script) = script {
        return scripted::play(call, exchange, turn, script, running).await;
    }
    let plan = Plan::of(&turn.prompt);
    let healed = plan.once && !call.is_v2() && !call.state.first_failure(&turn.prompt.text);
    let plan = if healed { plan.after_break() } else { plan };
    let generation = Arc::clone(&turn.generation);
    let writer = Writer::new(call, turn, plan, running);
    call.state.tasks.spawn(writer.run());
    relay::relay(call, exchange, &generation).await
}

fn conversation_id<'c>(call: &Call<'c>) -> &'c str {
    conversation_of(call.request).map_or("", |(id, _)| id)
}

/// Where a message belongs in the tree.
enum Place {
    /// A new user message below this one.
    Below { parent: String, user: Box<Message> },
    /// A new answer to this user message.
    Again { user: String },
    /// More text for this answer to this user message.
    Longer { user: String, answer: String },
}

impl Place {
    fn find(call: &Call<'_>, conversation: &Conversation, form: &Form) -> Result<Self, Reply> {
        let data = &form.data;
        let target = data.id.as_deref().and_then(|id| conversation.message(id));
        let Some(target) = target else {
            let lost = || errors::message(404, "Message not found");
            return Err(if data.is_retry { lost() } else { errors::unexpected() });
        };
        let parent = target.parent().unwrap_or_default().to_owned();
        if data.is_retry && target.from == "assistant" {
            return Ok(Self::Again { user: parent });
        }
        if data.is_continue && !call.is_v2() && target.from == "assistant" {
            return Ok(Self::Longer { user: parent, answer: target.id.clone() });
        }
        let files = form.files(conversation);
        let user = Message::new("user", data.inputs.clone().unwrap_or_default(), files);
        let parent = if data.is_retry { parent } else { target.id.clone() };
        Ok(Self::Below { parent, user: Box::new(user) })
    }

    /// Stores what is new; gives the ids of user message and answer.
    fn store(self, conversation: &mut Conversation, generation: &str) -> (String, String) {
        let (user, answer) = match self {
            Self::Longer { user, answer } => return (user, answer),
            Self::Again { user } => (user, Message::new("assistant", String::new(), vec![])),
            Self::Below { parent, user } => {
                let user = conversation.add(&parent, *user);
                (user, Message::new("assistant", String::new(), vec![]))
            }
        };
        let answer = Message { generation_id: Some(generation.to_owned()), ..answer };
        let answer = conversation.add(&user, answer);
        (user, answer)
    }
}
