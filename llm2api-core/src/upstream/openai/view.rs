//! A quick look at answers: does one follow the schema, and what does it say?

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::fields::{CallKind, Details, Filled, Flag, Never, Placed, ServiceTier, Text};
use crate::chat::{FinishReason, Role, TokenCounts};

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
    service_tier: Option<ServiceTier>,
    #[serde(default)]
    system_fingerprint: Text,
    #[serde(default)]
    error: Option<Never>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the fields are there so that their types are checked")]
struct UsageView {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    /// Set where the upstream is one of us.
    #[serde(default)]
    llm2api_estimated: Flag,
}

impl From<UsageView> for TokenCounts {
    fn from(view: UsageView) -> Self {
        let UsageView { prompt_tokens, completion_tokens, llm2api_estimated, .. } = view;
        Self {
            prompt: prompt_tokens,
            completion: completion_tokens,
            estimated: llm2api_estimated.0,
        }
    }
}

/// What a look at a chunk finds.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkView<'a> {
    /// What its choices say.
    pub(super) choices: ChoicesView,
    /// There are token counts.
    pub(super) usage: bool,
    /// The text of the only choice, as it stands in the document, where nothing in it is escaped.
    text: Option<&'a str>,
}

impl<'a> ChunkView<'a> {
    /// Returns the text where the chunk says nothing beside it: no end, no call, no token counts.
    pub(super) fn text_alone(&self) -> Option<&'a str> {
        let ChoicesView { ended, text, renamed, calls, .. } = self.choices;
        let more = self.usage || renamed || ended != 0 || calls != CallsView::default();
        self.text.filter(|_| text != 0 && !more)
    }
}

/// Looks at a chunk.
pub(super) fn look_at_chunk(json: &str) -> Option<ChunkView<'_>> {
    let view: View<ChunkTag, ChoicesOf<'_, ChunkChoice<'_>>> = serde_json::from_str(json).ok()?;
    let ChoicesOf { view: choices, text, .. } = view.choices;
    Some(ChunkView { choices, usage: view.usage.is_some(), text })
}

/// Looks at a whole answer; gives what its choices say, and the token counts.
pub(super) fn look_at_completion(json: &str) -> Option<(ChoicesView, Option<TokenCounts>)> {
    let view: View<CompletionTag, ChoicesOf<'_, WholeChoice<'_>>> =
        serde_json::from_str(json).ok()?;
    Some((view.choices.view, view.usage.map(TokenCounts::from)))
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
    /// The choices that carry text.
    pub(super) text: u64,
    /// Those whose text may begin with a tag of reasoning.
    pub(super) lead: u64,
    /// Reasoning stands under another name than ours.
    pub(super) renamed: bool,
    /// The calls that go on, by their numbers, and whether any call says more than arguments.
    pub(super) calls: CallsView,
}

/// What the calls of all choices say together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CallsView {
    /// The numbers that were named.
    pub(super) numbers: u64,
    /// A call has an id or a name, as the first piece of each has.
    pub(super) named: bool,
    /// A call has no id.
    pub(super) unnamed: bool,
}

impl ChoicesView {
    /// Adds what one choice says.
    pub(super) fn add(&mut self, index: u32, content: bool, ended: bool) {
        let bit = bit(index);
        self.content |= content;
        self.seen |= bit;
        self.ended |= if ended { bit } else { 0 };
    }

    fn add_said<R, I: Number>(&mut self, index: u32, said: &Said<'_, R, I>, ended: bool) {
        self.add(index, said.has_content(), ended);
        let bit = bit(index);
        self.text |= if said.content.lead.is_filled() { bit } else { 0 };
        self.lead |= if said.content.lead.may_be_tag() { bit } else { 0 };
        self.renamed |= said.is_renamed();
        if let Some(calls) = &said.tool_calls {
            self.calls.numbers |= calls.seen.numbers;
            self.calls.named |= calls.seen.named;
            self.calls.unnamed |= calls.seen.unnamed;
        }
    }
}

/// The bit of a choice.
pub(super) fn bit(index: u32) -> u64 {
    1 << index.min(63)
}

/// A list of choices, taken in as it is read.
#[derive(Debug)]
struct ChoicesOf<'a, Choice> {
    view: ChoicesView,
    /// The text of the only choice, as it stands in the document.
    text: Option<&'a str>,
    choice: PhantomData<Choice>,
}

/// One choice of either kind of document.
trait Look<'a> {
    fn add_to(&self, view: &mut ChoicesView);

    fn text(&self) -> Option<&'a str>;
}

impl<'de: 'a, 'a, C: Look<'a> + Deserialize<'de>> Deserialize<'de> for ChoicesOf<'a, C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ChoicesVisitor(PhantomData))
    }
}

struct ChoicesVisitor<'a, C>(PhantomData<ChoicesOf<'a, C>>);

impl<'de: 'a, 'a, C: Look<'a> + Deserialize<'de>> Visitor<'de> for ChoicesVisitor<'a, C> {
    type Value = ChoicesOf<'a, C>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of choices")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut choices: A) -> Result<Self::Value, A::Error> {
        let mut view = ChoicesView::default();
        let first = choices.next_element::<C>()?;
        let mut text = first.as_ref().and_then(Look::text);
        if let Some(first) = first {
            first.add_to(&mut view);
        }
        while let Some(choice) = choices.next_element::<C>()? {
            choice.add_to(&mut view);
            text = None;
        }
        Ok(ChoicesOf { view, text, choice: PhantomData })
    }
}

#[derive(Deserialize)]
struct ChunkChoice<'a> {
    index: u32,
    #[serde(borrow)]
    delta: Said<'a, Option<Role>, u32>,
    // Without a default the schema's demand holds: the field must be there, if only as null.
    #[serde(deserialize_with = "Option::deserialize")]
    finish_reason: Option<FinishReason>,
}

impl<'a> Look<'a> for ChunkChoice<'a> {
    fn add_to(&self, view: &mut ChoicesView) {
        view.add_said(self.index, &self.delta, self.finish_reason.is_some());
    }

    fn text(&self) -> Option<&'a str> {
        self.delta.content.text
    }
}

#[derive(Deserialize)]
struct WholeChoice<'a> {
    index: u32,
    #[serde(borrow)]
    message: Said<'a, Role, Option<u32>>,
    #[serde(deserialize_with = "Option::deserialize")]
    finish_reason: Option<FinishReason>,
}

impl<'a> Look<'a> for WholeChoice<'a> {
    fn add_to(&self, view: &mut ChoicesView) {
        view.add_said(self.index, &self.message, self.finish_reason.is_some());
    }

    fn text(&self) -> Option<&'a str> {
        self.message.content.text
    }
}

/// What a choice says. In a chunk the role may be absent, and calls must be numbered.
#[derive(Deserialize)]
#[serde(bound = "R: Deserialize<'de>, I: Number + Deserialize<'de>")]
#[expect(dead_code, reason = "the role is there so that its type is checked")]
struct Said<'a, R, I> {
    role: R,
    #[serde(borrow, default)]
    content: Placed<'a>,
    #[serde(default)]
    reasoning_content: Text,
    #[serde(default)]
    reasoning: Text,
    #[serde(default)]
    reasoning_details: Details,
    #[serde(default)]
    refusal: Text,
    #[serde(default)]
    tool_calls: Option<Calls<I>>,
}

impl<R, I> Said<'_, R, I> {
    fn has_content(&self) -> bool {
        let calls = self.tool_calls.as_ref().is_some_and(|calls| calls.any);
        let reasons = self.reasoning_content.0 || self.reasoning.0;
        self.content.lead.is_filled() || reasons || self.refusal.0 || calls
    }

    /// Says whether there is reasoning, but not under our name.
    fn is_renamed(&self) -> bool {
        !self.reasoning_content.0 && (self.reasoning.0 || self.reasoning_details.0)
    }
}

/// The number of a call: pieces have one, whole calls none.
trait Number {
    fn number(&self) -> Option<u32>;
}

impl Number for u32 {
    fn number(&self) -> Option<u32> {
        Some(*self)
    }
}

impl Number for Option<u32> {
    fn number(&self) -> Option<u32> {
        *self
    }
}

/// Says whether there is a call, and which.
struct Calls<I> {
    any: bool,
    seen: CallsView,
    index: PhantomData<I>,
}

impl<'de, I: Number + Deserialize<'de>> Deserialize<'de> for Calls<I> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(CallsVisitor(PhantomData))
    }
}

struct CallsVisitor<I>(PhantomData<I>);

impl<'de, I: Number + Deserialize<'de>> Visitor<'de> for CallsVisitor<I> {
    type Value = Calls<I>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of calls")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut calls: A) -> Result<Calls<I>, A::Error> {
        let mut any = false;
        let mut seen = CallsView::default();
        while let Some(call) = calls.next_element::<CallView<I>>()? {
            any = true;
            seen.numbers |= call.index.number().map_or(0, bit);
            seen.named |= call.is_named();
            seen.unnamed |= !call.id.0;
        }
        Ok(Calls { any, seen, index: PhantomData })
    }
}

#[derive(Deserialize)]
#[serde(bound = "I: Deserialize<'de>")]
struct CallView<I> {
    index: I,
    #[serde(default)]
    id: Text,
    #[serde(default, rename = "type")]
    kind: Option<CallKind>,
    #[serde(default)]
    function: Option<FunctionView>,
}

impl<I> CallView<I> {
    /// Says whether there is more than a piece of the arguments.
    fn is_named(&self) -> bool {
        let name = self.function.as_ref().is_some_and(|function| function.name.0);
        self.id.0 || self.kind.is_some() || name
    }
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
