//! What becomes of each field of a request: the one table, by field and by kind of upstream.

mod given;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use given::{MORE, given, sort_out};

use Treatment::{Emulated, Honoured, Ignored, Rejected};

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Treatment {
    /// The upstream does what it asks.
    Honoured,
    /// The upstream cannot; we do it for it.
    Emulated,
    /// Nobody does. It only tunes the answer, so the answer is given all the same, and says so.
    Ignored,
    /// Nobody does, and it changes what the answer is: the request is refused.
    Rejected,
}

/// What kind of upstream it is, as far as fields of a request go.
///
/// # Example
/// ```
/// use llm2api_core::adapt::{Profile, Treatment};
///
/// assert_eq!(Profile::Text.treatment("temperature"), Treatment::Ignored);
/// assert_eq!(Profile::OpenAi.treatment("temperature"), Treatment::Honoured);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// It takes text and files, and gives text: chat-ui, and whatever says nothing else.
    #[default]
    Text,
    /// It speaks the OpenAI API: each field reaches it as it came.
    OpenAi,
    /// It is an Open WebUI, which keeps some fields for itself.
    OpenWebUi,
    /// It is the built-in demo.
    Demo,
}

/// Fields outside the published request that an Open WebUI would take for its own chats: they are
/// not sent to it.
pub(crate) const OPEN_WEBUI_OWN: [&str; 4] = ["chat_id", "session_id", "id", "parent_id"];

/// One field: what each kind of upstream makes of it, and why.
struct Row {
    field: &'static str,
    /// In the order in which [`Profile`] declares its kinds.
    treatments: [Treatment; 4],
    note: &'static str,
}

const fn row(field: &'static str, treatments: [Treatment; 4], note: &'static str) -> Row {
    Row { field, treatments, note }
}

/// Every field of the published request (source: `CreateChatCompletionRequest` of the OpenAI API), and
/// behind a dot what stands in one. What changes the form of the answer is rejected where it cannot be
/// had, what only tunes it is ignored.
#[rustfmt::skip]
static TABLE: &[Row] = &[
    //                                          text      openai    open-webui demo
    row("model",                              [Honoured, Honoured, Honoured, Honoured], "it says who answers"),
    row("messages",                           [Honoured, Honoured, Honoured, Honoured], "a history is written out as one text where only that can be sent"),
    row("messages.text",                      [Honoured, Honoured, Honoured, Honoured], "it is what the model reads"),
    row("messages.refusal",                   [Honoured, Honoured, Honoured, Honoured], "it is read as text"),
    row("messages.image_url",                 [Honoured, Honoured, Honoured, Honoured], "images are uploaded for models that see them"),
    row("messages.file",                      [Emulated, Honoured, Honoured, Honoured], "its text stands in the message"),
    row("messages.input_audio",               [Rejected, Honoured, Honoured, Honoured], "it does not listen: send a text in its place"),
    row("stream",                             [Honoured, Honoured, Honoured, Honoured], "it says how the answer comes"),
    row("stream_options",                     [Emulated, Honoured, Honoured, Emulated], "each option has its own row"),
    row("stream_options.include_usage",       [Emulated, Honoured, Honoured, Emulated], "tokens are estimated where nobody counts them"),
    row("stream_options.include_obfuscation", [Ignored,  Honoured, Honoured, Ignored],  "its chunks are not padded"),
    row("tools",                              [Emulated, Honoured, Honoured, Honoured], "the prompt explains them and the answer is read for calls"),
    row("tool_choice",                        [Emulated, Honoured, Honoured, Honoured], "the prompt asks for it and the answer is checked"),
    row("parallel_tool_calls",                [Emulated, Honoured, Honoured, Honoured], "calls beyond the first are cut where one is wanted"),
    row("functions",                          [Rejected, Honoured, Honoured, Rejected], "it has been replaced: send `tools`"),
    row("function_call",                      [Rejected, Honoured, Honoured, Rejected], "it has been replaced: send `tool_choice`"),
    row("response_format",                    [Emulated, Honoured, Honoured, Rejected], "only a model writes JSON: ask one that is no demo"),
    row("stop",                               [Emulated, Honoured, Honoured, Emulated], "the answer is cut there"),
    row("max_tokens",                         [Emulated, Honoured, Honoured, Emulated], "the answer is cut after an estimate of as many"),
    row("max_completion_tokens",              [Emulated, Honoured, Honoured, Emulated], "the answer is cut after an estimate of as many"),
    row("n",                                  [Rejected, Honoured, Honoured, Rejected], "it gives one answer: send 1, and ask again for another"),
    row("logprobs",                           [Rejected, Honoured, Honoured, Rejected], "it tells no probabilities: leave it out"),
    row("top_logprobs",                       [Rejected, Honoured, Honoured, Rejected], "it tells no probabilities: leave it out"),
    row("modalities",                         [Rejected, Honoured, Honoured, Rejected], "it answers in text alone: leave other modalities out"),
    row("audio",                              [Rejected, Honoured, Honoured, Rejected], "it answers in text alone: leave it out"),
    row("web_search_options",                 [Rejected, Honoured, Honoured, Rejected], "nobody searches here: set up a web search (`SEARXNG_URL`), or leave it out"),
    row("moderation",                         [Rejected, Honoured, Honoured, Rejected], "nobody would moderate: leave it out"),
    row("temperature",                        [Ignored,  Honoured, Honoured, Ignored],  "it samples as its operator has set it up"),
    row("top_p",                              [Ignored,  Honoured, Honoured, Ignored],  "it samples as its operator has set it up"),
    row("presence_penalty",                   [Ignored,  Honoured, Honoured, Ignored],  "it samples as its operator has set it up"),
    row("frequency_penalty",                  [Ignored,  Honoured, Honoured, Ignored],  "it samples as its operator has set it up"),
    row("logit_bias",                         [Ignored,  Honoured, Honoured, Ignored],  "it samples as its operator has set it up"),
    row("seed",                               [Ignored,  Honoured, Honoured, Ignored],  "it samples as its operator has set it up"),
    row("reasoning_effort",                   [Ignored,  Honoured, Honoured, Ignored],  "its models think as long as they do"),
    row("verbosity",                          [Ignored,  Honoured, Honoured, Ignored],  "its models write as much as they do"),
    row("prediction",                         [Ignored,  Honoured, Honoured, Ignored],  "it would only be quicker"),
    row("service_tier",                       [Ignored,  Honoured, Honoured, Ignored],  "it has no tiers"),
    row("prompt_cache_key",                   [Ignored,  Honoured, Honoured, Ignored],  "it would only be quicker"),
    row("prompt_cache_options",               [Ignored,  Honoured, Honoured, Ignored],  "it would only be quicker"),
    row("prompt_cache_retention",             [Ignored,  Honoured, Honoured, Ignored],  "it would only be quicker"),
    row("store",                              [Ignored,  Honoured, Honoured, Ignored],  "it keeps no answers to be fetched later"),
    row("metadata",                           [Ignored,  Honoured, Ignored,  Ignored],  "it keeps no notes of others on a call"),
    row("user",                               [Ignored,  Honoured, Honoured, Ignored],  "it knows its accounts only"),
    row("safety_identifier",                  [Ignored,  Honoured, Honoured, Ignored],  "it knows its accounts only"),
];

const UNKNOWN: &str = "it does not know this field";

impl Profile {
    /// Returns what becomes of a field; of one that the table does not have, too.
    ///
    /// What stands in a field is named behind a dot: `messages.image_url`,
    /// `stream_options.include_usage`. Unknown fields reach an upstream that speaks the OpenAI API,
    /// and are ignored by all others.
    pub fn treatment(self, field: &str) -> Treatment {
        match (find(field), self) {
            (Some(row), _) => row.treatments[self as usize],
            (None, Self::OpenAi) => Honoured,
            (None, Self::OpenWebUi) if !OPEN_WEBUI_OWN.contains(&field) => Honoured,
            (None, _) => Ignored,
        }
    }

    /// Lists the fields of the published request, and behind a dot what stands in one.
    ///
    /// # Example
    /// ```
    /// use llm2api_core::adapt::{Profile, Treatment};
    ///
    /// let mut rejected = Profile::Text.table().filter(|row| row.1 == Treatment::Rejected);
    /// assert!(rejected.any(|(field, _)| field == "n"));
    /// assert!(Profile::OpenAi.table().all(|row| row.1 == Treatment::Honoured));
    /// ```
    pub fn table(self) -> impl Iterator<Item = (&'static str, Treatment)> {
        TABLE.iter().map(move |row| (row.field, row.treatments[self as usize]))
    }
}

impl Treatment {
    /// Returns the word that stands for it in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Honoured => "honoured",
            Emulated => "emulated",
            Ignored => "ignored",
            Rejected => "rejected",
        }
    }
}

impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns why a field is ignored or rejected, as a part of a sentence about the upstream.
fn note(field: &str) -> &'static str {
    find(field).map_or(UNKNOWN, |row| row.note)
}

fn find(field: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.field == field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use crate::chat::ChatRequest;

    #[test]
    fn no_field_has_two_rows() {
        let fields: BTreeSet<_> = TABLE.iter().map(|row| row.field).collect();
        assert_eq!(fields.len(), TABLE.len());
    }

    #[test]
    fn g24_every_typed_field_has_its_row() {
        let mut lists = [(); 2].map(|()| BTreeSet::new());
        for (list, text) in lists.iter_mut().zip(["ChatRequest {", "StreamOptions {"]) {
            let source = include_str!("../chat/request.rs");
            let body = source.split(&format!("pub struct {text}")).nth(1).expect("a struct");
            let fields = body.split("\n}").next().into_iter().flat_map(str::lines);
            let names = fields.filter_map(|line| line.strip_prefix("    pub ")?.split(':').next());
            list.extend(names.filter(|name| !matches!(*name, "extra" | "call")));
        }
        let [request, options] = lists;
        assert!(request.len() > 20 && !options.is_empty(), "{request:?} {options:?}");
        let nested = options.iter().map(|name| format!("stream_options.{name}"));
        for field in request.iter().map(|name| (*name).to_owned()).chain(nested) {
            assert!(find(&field).is_some(), "`{field}` has no row");
        }
        let json = serde_json::to_value(ChatRequest::new("m").with_usage()).expect("has a form");
        assert!(json.as_object().is_some_and(|json| json.keys().all(|key| find(key).is_some())));
    }

    #[test]
    fn each_kind_reads_its_own_column() {
        let of = |field| {
            [Profile::Text, Profile::OpenAi, Profile::OpenWebUi, Profile::Demo]
                .map(|profile| profile.treatment(field))
        };
        assert_eq!(of("metadata"), [Ignored, Honoured, Ignored, Ignored]);
        assert_eq!(of("tools"), [Emulated, Honoured, Honoured, Honoured]);
        assert_eq!(of("n"), [Rejected, Honoured, Honoured, Rejected]);
        assert_eq!(of("top_k"), [Ignored, Honoured, Honoured, Ignored]);
        assert_eq!(of("chat_id"), [Ignored, Honoured, Ignored, Ignored]);
    }

    #[test]
    fn the_json_form_is_the_word() {
        for treatment in [Honoured, Emulated, Ignored, Rejected] {
            let json = serde_json::to_value(treatment).expect("has a form");
            assert_eq!(json, treatment.as_str());
        }
    }
}
