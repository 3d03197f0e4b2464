//! What a request demands of its answer that the upstream does not see to.

use super::format::Format;
use super::parameters::{Profile, Treatment};
use super::tools::{Toolbox, render_history};
use crate::chat::{ChatRequest, Message, Role, Stop};
use crate::error::{Error, ErrorKind, Result};

/// What we see to for an upstream that takes text and gives text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demands {
    pub(super) toolbox: Option<Toolbox>,
    pub(super) format: Option<Format>,
    pub(super) stop: Option<Stop>,
    pub(super) most_tokens: Option<u64>,
}

impl Demands {
    /// Reads what has to be emulated.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] and [`ErrorKind::Unsupported`] for what cannot be done, with
    /// the field at fault.
    pub(crate) fn of(request: &ChatRequest, profile: Profile) -> Result<Self> {
        let emulated = |name| profile.treatment(name) == Treatment::Emulated;
        let mut demands = Self::default();
        if emulated("tools") {
            demands.toolbox = Toolbox::of(request)?;
        }
        if emulated("response_format") {
            demands.format = Format::of(request)?;
        }
        if emulated("stop") {
            demands.stop = request.stop.clone().map(checked).transpose()?;
        }
        if emulated("max_tokens") {
            demands.most_tokens = most_tokens(request)?;
        }
        Ok(demands)
    }

    /// Says whether the answer passes as it is.
    pub(crate) fn is_nothing(&self) -> bool {
        let Self { toolbox, format, stop, most_tokens } = self;
        toolbox.is_none() && format.is_none() && stop.is_none() && most_tokens.is_none()
    }

    /// Returns how many tokens the answer may have.
    pub(crate) fn most_tokens(&self) -> u64 {
        self.most_tokens.unwrap_or(u64::MAX)
    }

    /// Puts into words what the model has to know, and takes out what only we go by.
    pub(crate) fn put_into_words(&self, mut request: ChatRequest) -> ChatRequest {
        let tools = self.toolbox.as_ref().map(Toolbox::instructions);
        let format = self.format.as_ref().map(Format::instructions);
        let instructions: Vec<String> = tools.into_iter().chain(format).collect();
        request.tools = None;
        request.tool_choice = None;
        request.parallel_tool_calls = None;
        request.response_format = None;
        if request.messages.iter().any(speaks_of_tools) {
            request.messages = render_history(&request.messages).into();
        }
        if instructions.is_empty() {
            return request;
        }
        let is_system = |message: &&Message| matches!(message.role, Role::System | Role::Developer);
        let at = request.messages.iter().take_while(is_system).count();
        let mut messages = request.messages.to_vec();
        messages.insert(at, Message::system(instructions.join("\n\n")));
        request.messages = messages.into();
        request
    }
}

/// Sequences that are looked for at most, and their bytes: each piece of the answer is held against
/// all of them.
const MOST_STOPS: usize = 16;
const LONGEST_STOP: usize = 256;

fn checked(stop: Stop) -> Result<Stop> {
    let sequences = match &stop {
        Stop::One(one) => std::slice::from_ref(one),
        Stop::Many(many) => many,
    };
    if sequences.len() > MOST_STOPS || sequences.iter().any(|one| one.len() > LONGEST_STOP) {
        let message = format!(
            "`stop` may have {MOST_STOPS} sequences of {LONGEST_STOP} bytes each: send fewer or \
             shorter ones"
        );
        return Err(Error::new(ErrorKind::InvalidRequest, "chat", message).with_param("stop"));
    }
    Ok(stop)
}

fn speaks_of_tools(message: &Message) -> bool {
    matches!(message.role, Role::Tool | Role::Function)
        || message.tool_calls.is_some()
        || message.extra.contains_key("function_call")
}

/// The tokens that an answer may have; of both spellings the smaller.
fn most_tokens(request: &ChatRequest) -> Result<Option<u64>> {
    let given = [
        ("max_tokens", request.max_tokens),
        ("max_completion_tokens", request.max_completion_tokens),
    ];
    if let Some((name, _)) = given.iter().find(|(_, most)| *most == Some(0)) {
        let message = format!("`{name}` is 0: allow at least one token");
        return Err(Error::new(ErrorKind::InvalidRequest, "chat", message).with_param(*name));
    }
    Ok(given.iter().filter_map(|(_, most)| *most).min())
}
