//! What is on the wire.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::Model;

/// The wrapper of every `/api/v2` answer (superjson; its `meta` is of no use here).
#[derive(Deserialize)]
pub(super) struct Superjson<T> {
    pub(super) json: T,
}

/// `GET /api/v2/feature-flags`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeatureFlags {
    #[serde(default)]
    pub(super) login_enabled: bool,
}

/// `GET /api/v2/user` and `GET /api/user`.
#[derive(Deserialize)]
pub(super) struct User {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) username: Option<String>,
    #[serde(default)]
    pub(super) email: Option<String>,
}

/// An entry of either model list.
#[derive(Deserialize)]
pub(super) struct ListedModel {
    id: String,
    #[serde(default)]
    multimodal: bool,
    #[serde(default)]
    unlisted: bool,
    #[serde(default, rename = "supportsReasoning")]
    reasoning: Option<bool>,
}

impl ListedModel {
    pub(super) fn new(id: &str, multimodal: bool, unlisted: bool) -> Self {
        Self { id: id.to_owned(), multimodal, unlisted, reasoning: None }
    }

    /// An unlisted model refuses new conversations.
    pub(super) fn into_model(self, owner: &str) -> Option<Model> {
        let mut model = Model::new(self.id, owner);
        (model.vision, model.reasoning) = (Some(self.multimodal), self.reasoning);
        (!self.unlisted).then_some(model)
    }
}

/// `POST /conversation`.
#[derive(Serialize)]
pub(super) struct Create<'a> {
    pub(super) model: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) preprompt: &'a str,
}

/// Its answer; `conversation` is a JSON text in a string, since July 2026.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    pub(super) conversation_id: String,
    #[serde(default)]
    pub(super) conversation: Option<String>,
}

/// `PATCH /conversation/:id`.
#[derive(Serialize)]
pub(super) struct Rename<'a> {
    pub(super) title: &'a str,
}

/// `GET /api/v2/conversations`.
#[derive(Deserialize)]
pub(super) struct Listing {
    pub(super) conversations: Vec<Listed>,
    #[serde(default, rename = "hasMore")]
    pub(super) has_more: bool,
}

/// A conversation of a list.
#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) id: String,
    #[serde(default)]
    pub(super) title: String,
}

/// The `data` part of a message.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Send<'a> {
    /// With `/api/v2`.
    V2 {
        inputs: &'a str,
        id: &'a str,
        is_retry: bool,
        is_continue: bool,
        #[serde(rename = "generationId")]
        generation_id: &'a str,
        #[serde(rename = "selectedMcpServerNames")]
        mcp_names: [&'a str; 0],
        #[serde(rename = "selectedMcpServers")]
        mcp_servers: [&'a str; 0],
        timezone: &'a str,
    },
    /// Before.
    Y2024 {
        inputs: &'a str,
        id: &'a str,
        is_retry: bool,
        is_continue: bool,
        web_search: bool,
        tools: [&'a str; 0],
    },
}

/// `POST /conversation/:id/stop-generating`.
#[derive(Serialize)]
pub(super) struct StopGenerating<'a> {
    #[serde(rename = "generationId")]
    pub(super) generation_id: &'a str,
}

/// The shapes of an error's body.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    message: Value,
    error: Value,
}

impl Refusal {
    /// Returns the text of either shape; empty for any other.
    pub(super) fn text(&self) -> &str {
        self.message.as_str().or(self.error.as_str()).unwrap_or_default()
    }
}

/// One line of the stream; which fields matter depends on the type.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) subtype: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) status: Cow<'a, str>,
    #[serde(default)]
    pub(super) token: Token,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) interrupted: bool,
    #[serde(default)]
    pub(super) message: Option<String>,
    #[serde(default, rename = "statusCode")]
    pub(super) status_code: Option<u16>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) sha: Option<String>,
    #[serde(default)]
    pub(super) mime: Option<String>,
}

/// A piece of text without the NUL characters that pad it against traffic analysis.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Token(pub(super) String);

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TokenVisitor).map(Token)
    }
}

struct TokenVisitor;

impl Visitor<'_> for TokenVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token")
    }

    fn visit_str<E: de::Error>(self, token: &str) -> Result<String, E> {
        Ok(token.trim_end_matches('\0').to_owned())
    }
}

/// A page's data, before `/api/v2`: `x-sveltekit-invalidated` selects the nodes.
#[derive(Deserialize)]
pub(super) struct PageData {
    #[serde(default)]
    pub(super) nodes: Vec<Option<PageNode>>,
}

#[derive(Deserialize)]
pub(super) struct PageNode {
    #[serde(default)]
    pub(super) data: Vec<Value>,
}
