//! What is on the wire: model lists, accounts, and a quick look at chunks.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};

use crate::chat::{FinishReason, Model, Role};

/// `GET /models`: with `object` from OpenAI, without it from Open WebUI.
#[derive(Deserialize)]
pub(super) struct ModelList {
    #[serde(default)]
    data: Vec<ListedModel>,
}

#[derive(Deserialize)]
struct ListedModel {
    id: String,
    #[serde(default)]
    created: Option<f64>,
}

impl ModelList {
    /// Only id and date go on: what else a server says of its models may name files and hosts.
    pub(super) fn into_models(self, owner: &str) -> Vec<Model> {
        let model = |listed: ListedModel| {
            let mut model = Model::new(listed.id, owner);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a date")]
            let created = listed.created.unwrap_or_default().max(0.0) as u64;
            model.created = created;
            model
        };
        self.data.into_iter().map(model).collect()
    }
}

/// `GET /api/v1/auths/` of Open WebUI. OpenAI's model list, used as a check, has none of these.
#[derive(Deserialize)]
pub(super) struct WhoAmI {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) email: Option<String>,
}

/// A look at a chunk that allocates nothing; it fails where the chunk breaks the schema.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the fields are there so that their types are checked")]
pub(super) struct ChunkView {
    id: Text,
    object: ChunkTag,
    created: u64,
    model: Text,
    pub(super) choices: ChoicesView,
    #[serde(default)]
    usage: Option<UsageView>,
}

/// The same look at a whole answer.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the fields are there so that their types are checked")]
pub(super) struct CompletionView {
    id: Text,
    object: CompletionTag,
    created: u64,
    model: Text,
    pub(super) choices: ChoicesView,
    #[serde(default)]
    usage: Option<UsageView>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the fields are there so that their types are checked")]
#[expect(clippy::struct_field_names, reason = "the schema's names")]
struct UsageView {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

/// What all choices of a chunk say together. A bit a choice; those beyond the 64th share the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ChoicesView {
    /// There is text, reasoning, a refusal or a call.
    pub(super) content: bool,
    /// The choices that were named.
    pub(super) seen: u64,
    /// The choices that ended.
    pub(super) ended: u64,
}

impl ChoicesView {
    /// Adds what one choice says.
    pub(super) fn add(&mut self, index: u32, content: bool, ended: bool) {
        let bit = 1u64 << index.min(63);
        self.content |= content;
        self.seen |= bit;
        self.ended |= if ended { bit } else { 0 };
    }
}

impl<'de> Deserialize<'de> for ChoicesView {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ChoicesVisitor)
    }
}

struct ChoicesVisitor;

impl<'de> Visitor<'de> for ChoicesVisitor {
    type Value = ChoicesView;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of choices")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut choices: A) -> Result<ChoicesView, A::Error> {
        let mut view = ChoicesView::default();
        while let Some(choice) = choices.next_element::<ChoiceView>()? {
            view.add(choice.index, choice.delta.has_content(), choice.finish_reason.is_some());
        }
        Ok(view)
    }
}

#[derive(Deserialize)]
struct ChoiceView {
    index: u32,
    #[serde(alias = "message")]
    delta: DeltaView,
    #[serde(default)]
    finish_reason: Option<FinishReason>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the role is there so that its type is checked")]
struct DeltaView {
    #[serde(default)]
    role: Option<Role>,
    #[serde(default)]
    content: Text,
    #[serde(default)]
    reasoning_content: Text,
    #[serde(default)]
    reasoning: Text,
    #[serde(default)]
    refusal: Text,
    #[serde(default)]
    tool_calls: Option<Calls>,
}

impl DeltaView {
    fn has_content(&self) -> bool {
        let calls = self.tool_calls.as_ref().is_some_and(|calls| calls.0);
        self.content.0 || self.reasoning_content.0 || self.reasoning.0 || self.refusal.0 || calls
    }
}

/// Says whether a string has characters; `null` has none.
#[derive(Debug, Default)]
struct Text(bool);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Text)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or null")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<bool, E> {
        Ok(!text.is_empty())
    }

    fn visit_unit<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }
}

/// Says whether there is a call. Calls whose index is missing, as some servers send them, fail.
struct Calls(bool);

impl<'de> Deserialize<'de> for Calls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(CallsVisitor).map(Calls)
    }
}

struct CallsVisitor;

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are there so that their types are checked")]
struct CallView {
    index: u32,
    #[serde(default)]
    id: Text,
    #[serde(default)]
    function: Option<FunctionView>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are there so that their types are checked")]
struct FunctionView {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    arguments: Text,
}

impl<'de> Visitor<'de> for CallsVisitor {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of calls")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut calls: A) -> Result<bool, A::Error> {
        let mut any = false;
        while calls.next_element::<CallView>()?.is_some() {
            any = true;
        }
        Ok(any)
    }
}

/// The tag of a chunk.
#[derive(Debug, Deserialize)]
enum ChunkTag {
    #[serde(rename = "chat.completion.chunk")]
    Chunk,
}

/// The tag of a whole answer.
#[derive(Debug, Deserialize)]
enum CompletionTag {
    #[serde(rename = "chat.completion")]
    Completion,
}

/// The parts of a body that explains a refusal, in the shapes seen in the wild.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) error: Option<ErrorField>,
    pub(super) detail: Option<ErrorField>,
    pub(super) message: Option<ErrorField>,
}

/// An `error` field: an object, or just a text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ErrorField {
    /// OpenAI's form.
    Object {
        /// For people.
        #[serde(default)]
        message: Option<String>,
        /// For programs; a number from some servers.
        #[serde(default)]
        code: Option<serde_json::Value>,
        /// The field at fault.
        #[serde(default)]
        param: Option<String>,
    },
    /// A text.
    Text(String),
    /// Anything else.
    Other(IgnoredAny),
}
