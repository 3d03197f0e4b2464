//! Conversations as chat-ui keeps them: trees of messages in one flat list.

use std::fmt::Write as _;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock;

/// Title of a conversation before its first answer.
pub(crate) const NEW_CHAT: &str = "New Chat";

/// A conversation of chat-ui.
#[derive(Clone, Debug, Serialize)]
pub struct Conversation {
    /// Id, 24 hexadecimal digits; the first eight are the second of its making, as in MongoDB.
    pub id: String,
    /// User, or session where nobody is logged in.
    pub owner: String,
    /// Model.
    pub model: String,
    /// Title.
    pub title: String,
    /// System prompt.
    pub preprompt: String,
    /// Messages in the order of their making; the first is the root.
    pub messages: Vec<Message>,
    /// Last change.
    pub updated_at: String,
}

/// A message of a conversation.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// Id, a UUID.
    pub id: String,
    /// `system`, `user` or `assistant`.
    pub from: String,
    /// Text.
    pub content: String,
    /// Ids from the root down to the parent.
    pub ancestors: Vec<String>,
    /// Ids of the answers to it.
    pub children: Vec<String>,
    /// Attached files.
    pub files: Vec<File>,
    /// Generation that wrote it.
    pub generation_id: Option<String>,
    /// Whether it was stopped; unset while it is written.
    pub interrupted: Option<bool>,
    /// Objects of the stream that wrote it.
    pub updates: Vec<Value>,
    /// Making.
    pub created_at: String,
    /// Last change.
    pub updated_at: String,
}

/// A file attached to a message.
#[derive(Clone, Debug, Serialize)]
pub struct File {
    /// SHA-256 of the content, in hexadecimal digits.
    pub sha: String,
    /// MIME type.
    pub mime: String,
    /// File name.
    pub name: String,
    /// Content.
    #[serde(skip)]
    pub content: Bytes,
}

impl Conversation {
    /// A new conversation with its root message.
    pub(crate) fn new(owner: String, model: String, preprompt: String) -> Self {
        let root = Message::new("system", preprompt.clone(), Vec::new());
        let rest = &Uuid::new_v4().simple().to_string()[..16];
        let id = format!("{:08x}{rest}", clock::unix_seconds());
        let title = NEW_CHAT.to_owned();
        let updated_at = clock::iso();
        Self { id, owner, model, title, preprompt, messages: vec![root], updated_at }
    }

    /// The message with this id.
    pub fn message(&self, id: &str) -> Option<&Message> {
        self.messages.iter().find(|message| message.id == id)
    }

    /// Id of the root message.
    pub(crate) fn root(&self) -> &str {
        self.messages.first().map_or("", |root| root.id.as_str())
    }

    /// The message with this id, to be changed.
    pub(crate) fn message_mut(&mut self, id: &str) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.id == id)
    }

    /// Adds `message` below the message `parent` and returns its id.
    pub(crate) fn add(&mut self, parent: &str, mut message: Message) -> String {
        let id = message.id.clone();
        if let Some(above) = self.message_mut(parent) {
            above.children.push(id.clone());
            message.ancestors.clone_from(&above.ancestors);
            message.ancestors.push(above.id.clone());
        }
        self.messages.push(message);
        self.updated_at = clock::iso();
        id
    }

    /// The messages from the root down to `id`, which is included.
    pub(crate) fn chain(&self, id: &str) -> Vec<&Message> {
        let Some(last) = self.message(id) else { return Vec::new() };
        let above = last.ancestors.iter().filter_map(|ancestor| self.message(ancestor));
        above.chain([last]).collect()
    }

    /// The file with this hash, wherever it is attached.
    pub(crate) fn file(&self, sha: &str) -> Option<&File> {
        self.messages.iter().flat_map(|message| &message.files).find(|file| file.sha == sha)
    }
}

impl Message {
    /// A message of `from` without place in a tree.
    pub(crate) fn new(from: &str, content: String, files: Vec<File>) -> Self {
        let now = clock::iso();
        Self {
            id: Uuid::new_v4().to_string(),
            from: from.to_owned(),
            content,
            ancestors: Vec::new(),
            children: Vec::new(),
            files,
            generation_id: None,
            interrupted: None,
            updates: Vec::new(),
            created_at: now.clone(),
            updated_at: now,
        }
    }

    /// Id of the message it answers.
    pub(crate) fn parent(&self) -> Option<&str> {
        self.ancestors.last().map(String::as_str)
    }
}

impl File {
    /// A file with its hash.
    pub(crate) fn new(name: String, mime: String, content: Vec<u8>) -> Self {
        let mut sha = String::with_capacity(64);
        for byte in Sha256::digest(&content) {
            _ = write!(sha, "{byte:02x}");
        }
        Self { sha, mime, name, content: content.into() }
    }

    /// Whether it is an image.
    pub(crate) fn is_image(&self) -> bool {
        self.mime.starts_with("image/")
    }
}
