//! From a Messages request to a chat.

use std::fmt::Write as _;

use llm2api_core::chat::read_json;
use llm2api_core::{ChatRequest, Message, Stop, Tool};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::content::{Block, Turn, instruct, tell};
use super::tools::{Choice, Form, Offer};
use crate::dialect::{History, TextOr, forget_choice_without_tools};
use crate::openai::error::Failure;

/// OpenAI and its kin take no longer name of a user; it is also the length of a digest in hex.
const LONGEST_USER: usize = 64;

/// A request as it is sent; what this server does not know, or has no use for, is left out.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    model: String,
    messages: Vec<Turn>,
    max_tokens: Option<u64>,
    system: Option<TextOr<Block>>,
    stream: Option<bool>,
    stop_sequences: Option<Vec<String>>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u64>,
    metadata: Option<Metadata>,
    tools: Option<Vec<Offer>>,
    tool_choice: Option<Choice>,
    output_config: Option<OutputConfig>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    user_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct OutputConfig {
    effort: Option<String>,
    format: Option<Form>,
}

/// A chat, and what its answer has to be told with.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The chat.
    pub(crate) chat: ChatRequest,
    /// The sequences that may end the answer.
    pub(crate) stop_sequences: Vec<String>,
}

impl Request {
    /// Parses a body.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, Failure> {
        Ok(read_json(json, "a JSON object with `model`, `max_tokens` and `messages`")?)
    }

    /// Says how many turns there are.
    pub(crate) fn turns(&self) -> usize {
        self.messages.len()
    }

    /// Leaves out the tools that the service itself would run, and says whether there were any.
    pub(crate) fn leave_out_hosted_tools(&mut self) -> bool {
        let Some(tools) = &mut self.tools else { return false };
        let offered = tools.len();
        tools.retain(|tool| !tool.is_hosted());
        tools.len() < offered
    }

    /// Makes the chat; an answer must have a limit.
    pub(crate) fn into_asked(self) -> Result<Asked, Failure> {
        match self.max_tokens {
            None => return Err(missing_limit()),
            Some(0) => {
                let message = "`max_tokens` is 0: allow at least one token";
                return Err(Failure::invalid_value("max_tokens", message));
            }
            Some(_) => {}
        }
        let stop_sequences = self.stop_sequences.clone().unwrap_or_default();
        Ok(Asked { chat: self.into_chat()?, stop_sequences })
    }

    /// Makes the chat.
    pub(crate) fn into_chat(self) -> Result<ChatRequest, Failure> {
        let config = self.output_config.unwrap_or_default();
        let mut chat = ChatRequest::new(self.model);
        chat.stream = self.stream;
        chat.max_tokens = self.max_tokens;
        chat.temperature = self.temperature;
        chat.top_p = self.top_p;
        chat.stop = self.stop_sequences.filter(|stop| !stop.is_empty()).map(Stop::Many);
        chat.user = self.metadata.and_then(|metadata| metadata.user_id).map(short);
        chat.reasoning_effort = config.effort;
        chat.response_format = config.format.map(|format| format.into_format().into());
        chat.extra.extend(self.top_k.map(|top_k| ("top_k".to_owned(), top_k.into())));
        if let Some(offers) = self.tools.filter(|offers| !offers.is_empty()) {
            chat = chat.with_tools(tools(offers)?);
        }
        if let Some(choice) = self.tool_choice {
            choice.apply(&mut chat)?;
        }
        forget_choice_without_tools(&mut chat);
        let chat = chat.with_messages(history(self.system, self.messages)?);
        Ok(if chat.streams() { chat.with_usage() } else { chat })
    }
}

fn history(system: Option<TextOr<Block>>, turns: Vec<Turn>) -> Result<Vec<Message>, Failure> {
    let mut history = History::default();
    if let Some(system) = system {
        instruct(system, &mut history)?;
    }
    for (at, turn) in turns.into_iter().enumerate() {
        tell(turn, &format!("messages[{at}]"), &mut history)?;
    }
    Ok(history.finish())
}

fn tools(offers: Vec<Offer>) -> Result<Vec<Tool>, Failure> {
    let each = offers.into_iter().enumerate();
    each.map(|(at, offer)| offer.into_tool(&format!("tools[{at}]"))).collect()
}

/// Keeps the name of a user within the length that most upstreams take.
///
/// The same user stays the same: only a digest of a longer name goes on.
fn short(user: String) -> String {
    if user.chars().count() <= LONGEST_USER {
        return user;
    }
    Sha256::digest(user).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // A String takes everything.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn missing_limit() -> Failure {
    let message = "`max_tokens` is missing: say how long the answer may be";
    Failure::invalid_value("max_tokens", message)
}
