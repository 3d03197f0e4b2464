//! Messages of a conversation.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Extra, ToolCall};

/// Who speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// Instructions.
    System,
    /// Instructions, in the newer spelling.
    Developer,
    /// The person.
    #[default]
    User,
    /// The model.
    Assistant,
    /// A tool's answer.
    Tool,
    /// A function's answer, in the older spelling.
    Function,
}

impl Role {
    /// Returns the role as the schema spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
            Self::Function => "function",
        }
    }
}

/// One message of a request.
///
/// # Example
/// ```
/// use llm2api_core::{Message, Role};
///
/// let message = Message::user("Hello");
/// assert_eq!(message.role, Role::User);
/// assert_eq!(message.text(), "Hello");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(expecting = "a message object")]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said; an assistant that only calls tools says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// A participant's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Calls that an assistant made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCall>>,
    /// The call that a tool answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Unknown fields.
    #[serde(flatten, deserialize_with = "super::extra::once")]
    pub extra: Extra,
}

impl Message {
    /// Makes a message of `role`.
    pub fn new(role: Role, content: impl Into<Content>) -> Self {
        Self { role, content: Some(content.into()), ..Self::default() }
    }

    /// Makes a message of the person.
    pub fn user(content: impl Into<Content>) -> Self {
        Self::new(Role::User, content)
    }

    /// Makes an instruction.
    pub fn system(content: impl Into<Content>) -> Self {
        Self::new(Role::System, content)
    }

    /// Makes a message of the model.
    pub fn assistant(content: impl Into<Content>) -> Self {
        Self::new(Role::Assistant, content)
    }

    /// Returns all text of the message; the text of several parts is joined by newlines.
    pub fn text(&self) -> String {
        self.content.as_ref().map(Content::text).unwrap_or_default()
    }

    /// Returns the first text of the message, which need not be all of it.
    pub(crate) fn first_text(&self) -> Option<&str> {
        match self.content.as_ref()? {
            Content::Text(text) => Some(text),
            Content::Parts(parts) => parts.iter().find_map(Part::text),
        }
    }

    /// Returns how long all text of the message is, in bytes.
    pub fn text_bytes(&self) -> usize {
        match &self.content {
            None => 0,
            Some(Content::Text(text)) => text.len(),
            Some(Content::Parts(parts)) => parts.iter().filter_map(Part::text).map(str::len).sum(),
        }
    }

    /// Returns the parts that are no text.
    pub fn attachments(&self) -> impl Iterator<Item = &Part> {
        let parts = match &self.content {
            Some(Content::Parts(parts)) => parts.as_slice(),
            _ => &[],
        };
        parts.iter().filter(|part| part.text().is_none())
    }
}

/// What a message says: a text, or a list of parts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Text, images, files and more, in order.
    Parts(Vec<Part>),
}

impl Content {
    /// Returns all text; the text of several parts is joined by newlines.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => {
                parts.iter().filter_map(Part::text).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<Part>> for Content {
    fn from(parts: Vec<Part>) -> Self {
        Self::Parts(parts)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

/// Written by hand so that a wrong part is reported as such and not as "no variant matched".
struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of content parts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Content, E> {
        Ok(Content::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Content, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(parts)).map(Content::Parts)
    }

    fn visit_map<A: MapAccess<'de>>(self, part: A) -> Result<Content, A::Error> {
        // A single part without its list: some clients send it, and it is unambiguous.
        Part::deserialize(MapAccessDeserializer::new(part)).map(|part| Content::Parts(vec![part]))
    }
}

/// One part of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Unknown fields.
        #[serde(flatten, deserialize_with = "super::extra::once")]
        extra: Extra,
    },
    /// A text in which a model refused.
    Refusal {
        /// The text.
        refusal: String,
        /// Unknown fields.
        #[serde(flatten, deserialize_with = "super::extra::once")]
        extra: Extra,
    },
    /// An image, as a `data:` URL or an address.
    ImageUrl {
        /// Where the image is.
        image_url: ImageUrl,
        /// Unknown fields.
        #[serde(flatten, deserialize_with = "super::extra::once")]
        extra: Extra,
    },
    /// A recording.
    InputAudio {
        /// The recording.
        input_audio: InputAudio,
        /// Unknown fields.
        #[serde(flatten, deserialize_with = "super::extra::once")]
        extra: Extra,
    },
    /// A file.
    File {
        /// The file.
        file: FilePart,
        /// Unknown fields.
        #[serde(flatten, deserialize_with = "super::extra::once")]
        extra: Extra,
    },
}

impl Part {
    /// Makes a part of text.
    pub fn text_part(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), extra: Extra::new() }
    }

    /// Makes a part of an image.
    pub fn image(url: impl Into<String>) -> Self {
        let image_url = ImageUrl { url: url.into(), ..ImageUrl::default() };
        Self::ImageUrl { image_url, extra: Extra::new() }
    }

    /// Returns the text of a part of text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } | Self::Refusal { refusal: text, .. } => Some(text),
            _ => None,
        }
    }
}

/// Where an image is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageUrl {
    /// A `data:` URL with the bytes in base64, or an http(s) address.
    pub url: String,
    /// How closely the model should look: `auto`, `low` or `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Unknown fields.
    #[serde(flatten, deserialize_with = "super::extra::once")]
    pub extra: Extra,
}

/// A recording in base64.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InputAudio {
    /// The bytes in base64.
    pub data: String,
    /// `wav` or `mp3`.
    pub format: String,
    /// Unknown fields.
    #[serde(flatten, deserialize_with = "super::extra::once")]
    pub extra: Extra,
}

/// A file, by its bytes or by the id of an upload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FilePart {
    /// A `data:` URL with the bytes in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_data: Option<String>,
    /// The file's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// The id of an earlier upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// Unknown fields.
    #[serde(flatten, deserialize_with = "super::extra::once")]
    pub extra: Extra,
}
