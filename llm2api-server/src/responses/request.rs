//! From a Responses request to a chat.

use std::collections::BTreeMap;
use std::sync::Arc;

use llm2api_core::chat::read_json;
use llm2api_core::{ChatRequest, Message, Part, Role, Tool};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::answer::Template;
use super::item::{Item, tell};
use super::tools::{Choice, Form, Offer};
use crate::dialect::{History, TextOr, forget_choice_without_tools};
use crate::openai::error::Failure;

/// A request as it is sent; what this server does not know, or has no use for, is left out.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    pub(super) model: String,
    input: Option<TextOr<Item>>,
    pub(super) instructions: Option<String>,
    stream: Option<bool>,
    pub(super) tools: Option<Vec<Offer>>,
    pub(super) tool_choice: Option<Choice>,
    pub(super) parallel_tool_calls: Option<bool>,
    pub(super) text: Option<TextConfig>,
    pub(super) reasoning: Option<Reasoning>,
    pub(super) max_output_tokens: Option<u64>,
    pub(super) max_tool_calls: Option<u64>,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) top_logprobs: Option<u32>,
    pub(super) metadata: Option<BTreeMap<String, String>>,
    pub(super) user: Option<String>,
    pub(super) safety_identifier: Option<String>,
    pub(super) prompt_cache_key: Option<String>,
    pub(super) truncation: Option<Truncation>,
    previous_response_id: Option<IgnoredAny>,
    conversation: Option<IgnoredAny>,
    prompt: Option<IgnoredAny>,
    background: Option<bool>,
}

/// How the text of an answer is formed.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(expecting = "an object with `format` and `verbosity`")]
pub(super) struct TextConfig {
    pub(super) format: Option<Form>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verbosity: Option<Verbosity>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verbosity {
    Low,
    Medium,
    High,
}

/// How much is reasoned, and whether a summary is wanted.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(expecting = "an object with `effort` and `summary`")]
pub(super) struct Reasoning {
    pub(super) effort: Option<String>,
    pub(super) summary: Option<Summary>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Summary {
    Auto,
    Concise,
    Detailed,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Truncation {
    Auto,
    Disabled,
}

/// A chat, and what its answer tells back.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The chat.
    pub(crate) chat: ChatRequest,
    /// The answer before it is given.
    pub(crate) template: Template,
}

impl Request {
    /// Parses a body.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, Failure> {
        Ok(read_json(json, "a JSON object with `model` and `input`")?)
    }

    /// Says how many items there are.
    pub(crate) fn items(&self) -> usize {
        match &self.input {
            Some(TextOr::List(items)) => items.len(),
            _ => 1,
        }
    }

    /// Leaves out the tools that the service itself would run, and says whether there were any.
    pub(crate) fn leave_out_hosted_tools(&mut self) -> bool {
        let Some(tools) = &mut self.tools else { return false };
        let offered = tools.len();
        tools.retain(|tool| !tool.is_hosted());
        tools.len() < offered
    }

    /// Makes the chat.
    pub(crate) fn into_asked(mut self) -> Result<Asked, Failure> {
        self.check_state()?;
        let template = Template::of(&self)?;
        let text = self.text.take().unwrap_or_default();
        let mut chat = ChatRequest::new(std::mem::take(&mut self.model));
        chat.stream = self.stream;
        chat.temperature = self.temperature;
        chat.top_p = self.top_p;
        chat.max_completion_tokens = self.max_output_tokens;
        chat.parallel_tool_calls = self.parallel_tool_calls;
        chat.user = self.user.take();
        chat.reasoning_effort = self.reasoning.take().and_then(|reasoning| reasoning.effort);
        chat.response_format = text.format.as_ref().and_then(Form::to_format).map(Arc::new);
        let verbosity = text.verbosity.and_then(|verbosity| serde_json::to_value(verbosity).ok());
        chat.extra.extend(verbosity.map(|verbosity| ("verbosity".to_owned(), verbosity)));
        if let Some(offers) = self.tools.take().filter(|offers| !offers.is_empty()) {
            chat = chat.with_tools(tools(&offers)?);
        }
        if let Some(choice) = self.tool_choice.take() {
            choice.apply(&mut chat)?;
        }
        forget_choice_without_tools(&mut chat);
        chat = chat.with_messages(self.history()?);
        let chat = if chat.streams() { chat.with_usage() } else { chat };
        Ok(Asked { chat, template })
    }

    /// Refuses what depends on something that an earlier request has left.
    fn check_state(&self) -> Result<(), Failure> {
        let kept = [
            ("previous_response_id", self.previous_response_id.is_some()),
            ("conversation", self.conversation.is_some()),
            ("prompt", self.prompt.is_some()),
        ];
        if let Some((param, _)) = kept.into_iter().find(|(_, given)| *given) {
            let message = format!(
                "`{param}`: this server keeps no state between requests: send the whole \
                 conversation as `input`"
            );
            return Err(Failure::unsupported(param, &message));
        }
        if self.background == Some(true) {
            let message = "`background`: this server keeps no state, so it answers at once: leave \
                           it out, and stream a long answer";
            return Err(Failure::unsupported("background", message));
        }
        Ok(())
    }

    fn history(self) -> Result<Vec<Message>, Failure> {
        let mut history = History::default();
        history.say(Role::System, self.instructions.map(Part::text_part).into_iter().collect());
        let items = match self.input.ok_or_else(no_input)? {
            TextOr::Text(text) => {
                history.say(Role::User, vec![Part::text_part(text)]);
                Vec::new()
            }
            TextOr::List(items) if items.is_empty() => return Err(no_input()),
            TextOr::List(items) => items,
        };
        for (at, item) in items.into_iter().enumerate() {
            tell(item, &format!("input[{at}]"), &mut history)?;
        }
        Ok(history.finish())
    }
}

fn tools(offers: &[Offer]) -> Result<Vec<Tool>, Failure> {
    let each = offers.iter().enumerate();
    each.map(|(at, offer)| offer.to_tool(&format!("tools[{at}]"))).collect()
}

fn no_input() -> Failure {
    let message = "`input` is empty: send a text or a list of items";
    Failure::invalid_value("input", message)
}
