//! A quick look at answers: does one follow the schema, and what does it say?

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::chat::{FinishReason, Role};

/// A look at a document that allocates nothing; it fails where the document breaks the schema, or
/// carries an error beside its choices.
#[derive(Debug, Deserialize)]
#[serde(bound = "Choices: Deserialize<'de>, Tag: Deserialize<'de>")]
#[expect(dead_code, reason = "the fields are there so that their types are checked")]
struct View<Tag, Choices> {
    id: Filled,
    object: Tag,
    created: u64,
    model: Filled,
    choices: Choices,
    #[serde(default)]
    usage: Option<UsageView>,
    #[serde(default)]
    error: Option<Never>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the fields are there so that their types are checked")]
#[expect(clippy::struct_field_names, reason = "the schema's names")]
struct UsageView {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

/// Looks at a chunk; gives what its choices say, and whether there are token counts.
pub(super) fn look_at_chunk(json: &str) -> Option<(ChoicesView, bool)> {
    let view: View<ChunkTag, ChoicesOf<ChunkChoice>> = serde_json::from_str(json).ok()?;
    Some((view.choices.view, view.usage.is_some()))
}

/// Looks at a whole answer; gives what its choices say.
pub(super) fn look_at_completion(json: &str) -> Option<ChoicesView> {
    let view: View<CompletionTag, ChoicesOf<WholeChoice>> = serde_json::from_str(json).ok()?;
    Some(view.choices.view)
}

/// What all choices of a document say together. A bit a choice; those beyond the 64th share the
/// last.
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

/// A list of choices, taken in as it is read.
#[derive(Debug)]
struct ChoicesOf<Choice> {
    view: ChoicesView,
    choice: PhantomData<Choice>,
}

/// One choice of either kind of document.
trait Look {
    fn add_to(&self, view: &mut ChoicesView);
}

impl<'de, C: Look + Deserialize<'de>> Deserialize<'de> for ChoicesOf<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ChoicesVisitor(PhantomData))
    }
}

struct ChoicesVisitor<C>(PhantomData<C>);

impl<'de, C: Look + Deserialize<'de>> Visitor<'de> for ChoicesVisitor<C> {
    type Value = ChoicesOf<C>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of choices")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut choices: A) -> Result<ChoicesOf<C>, A::Error> {
        let mut view = ChoicesView::default();
        while let Some(choice) = choices.next_element::<C>()? {
            choice.add_to(&mut view);
        }
        Ok(ChoicesOf { view, choice: PhantomData })
    }
}

#[derive(Deserialize)]
struct ChunkChoice {
    index: u32,
    delta: Said<Option<Role>, u32>,
    // Without a default the schema's demand holds: the field must be there, if only as null.
    #[serde(deserialize_with = "Option::deserialize")]
    finish_reason: Option<FinishReason>,
}

impl Look for ChunkChoice {
    fn add_to(&self, view: &mut ChoicesView) {
        view.add(self.index, self.delta.has_content(), self.finish_reason.is_some());
    }
}

#[derive(Deserialize)]
struct WholeChoice {
    index: u32,
    message: Said<Role, Option<u32>>,
    #[serde(deserialize_with = "Option::deserialize")]
    finish_reason: Option<FinishReason>,
}

impl Look for WholeChoice {
    fn add_to(&self, view: &mut ChoicesView) {
        view.add(self.index, self.message.has_content(), self.finish_reason.is_some());
    }
}

/// What a choice says. In a chunk the role may be absent, and calls must be numbered.
#[derive(Deserialize)]
#[serde(bound = "R: Deserialize<'de>, I: Deserialize<'de>")]
#[expect(dead_code, reason = "the role is there so that its type is checked")]
struct Said<R, I> {
    role: R,
    #[serde(default)]
    content: Text,
    #[serde(default)]
    reasoning_content: Text,
    #[serde(default)]
    reasoning: Text,
    #[serde(default)]
    refusal: Text,
    #[serde(default)]
    tool_calls: Option<Calls<I>>,
}

impl<R, I> Said<R, I> {
    fn has_content(&self) -> bool {
        let calls = self.tool_calls.as_ref().is_some_and(|calls| calls.any);
        self.content.0 || self.reasoning_content.0 || self.reasoning.0 || self.refusal.0 || calls
    }
}

/// A string, not null.
#[derive(Debug)]
struct Filled;

impl<'de> Deserialize<'de> for Filled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(|_| Self)
    }
}

/// A field that must not be there.
#[derive(Debug)]
struct Never;

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom("an error beside an answer"))
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

/// Says whether there is a call.
struct Calls<I> {
    any: bool,
    index: PhantomData<I>,
}

impl<'de, I: Deserialize<'de>> Deserialize<'de> for Calls<I> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(CallsVisitor(PhantomData))
    }
}

struct CallsVisitor<I>(PhantomData<I>);

impl<'de, I: Deserialize<'de>> Visitor<'de> for CallsVisitor<I> {
    type Value = Calls<I>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of calls")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut calls: A) -> Result<Calls<I>, A::Error> {
        let mut any = false;
        while calls.next_element::<CallView<I>>()?.is_some() {
            any = true;
        }
        Ok(Calls { any, index: PhantomData })
    }
}

#[derive(Deserialize)]
#[serde(bound = "I: Deserialize<'de>")]
#[expect(dead_code, reason = "the fields are there so that their types are checked")]
struct CallView<I> {
    index: I,
    #[serde(default)]
    id: Text,
    #[serde(default, rename = "type")]
    kind: Text,
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
