//! The form that sends a message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::errors;
use crate::http::{Part, Reply, Request, parse_multipart};
use crate::tree::{Conversation, File};

/// Largest attached file.
const FILE_LIMIT: usize = 10 << 20;

/// What is sent.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// The fields of `data`.
    pub(super) data: Data,
    /// The attached files.
    pub(super) attachments: Vec<Attachment>,
}

/// The fields of `data` that are looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Data {
    /// Text.
    pub(super) inputs: Option<String>,
    /// Parent message, or the message to try again.
    pub(super) id: Option<String>,
    /// Whether `id` is to be tried again.
    pub(super) is_retry: bool,
    /// Whether the answer `id` is to be continued (2024).
    pub(super) is_continue: bool,
    /// Whether to search the web (2024).
    pub(super) web_search: bool,
    /// Id of the generation.
    #[serde(rename = "generationId")]
    pub(super) generation_id: Option<String>,
}

/// An attached file, or one that is attached already.
#[derive(Debug)]
pub(super) enum Attachment {
    /// New content.
    New(File),
    /// The hash of known content, and a name and type for it.
    Known { sha: String, name: String, mime: String },
}

impl Form {
    /// Reads the form of `request`.
    pub(super) fn parse(request: &Request) -> Result<Self, Reply> {
        let content_type = request.header("content-type").unwrap_or_default();
        let parts = parse_multipart(content_type, request.body()).ok_or_else(errors::unexpected)?;
        let Some(data) = parts.iter().find(|part| part.name == "data") else {
            return Err(errors::message(400, "Invalid request"));
        };
        let mut data: Data =
            serde_json::from_slice(&data.content).map_err(|_| errors::unexpected())?;
        data.check()?;
        let files = parts.iter().filter(|part| part.name == "files");
        let attachments = files.map(Attachment::parse).collect::<Result<_, _>>()?;
        Ok(Self { data, attachments })
    }

    /// The attached files, those of `conversation` that are named by hash included.
    pub(super) fn files(&self, conversation: &Conversation) -> Vec<File> {
        let files = self.attachments.iter().map(|attachment| match attachment {
            Attachment::New(file) => file.clone(),
            Attachment::Known { sha, name, mime } => {
                let content = conversation.file(sha).map(|file| file.content.clone());
                let (sha, name, mime) = (sha.clone(), name.clone(), mime.clone());
                File { sha, name, mime, content: content.unwrap_or_default() }
            }
        });
        files.collect()
    }
}

impl Data {
    fn check(&mut self) -> Result<(), Reply> {
        if let Some(inputs) = &mut self.inputs {
            *inputs = inputs.replace("\r\n", "\n");
        }
        let is_uuid =
            |id: &Option<String>| id.as_deref().is_none_or(|id| uuid::Uuid::try_parse(id).is_ok());
        let empty = self.inputs.as_deref() == Some("");
        if empty || !is_uuid(&self.id) || !is_uuid(&self.generation_id) {
            return Err(errors::unexpected());
        }
        Ok(())
    }
}

impl Attachment {
    fn parse(part: &Part) -> Result<Self, Reply> {
        let filename = part.filename.as_deref().unwrap_or_default();
        let (kind, name) = filename.split_once(';').ok_or_else(errors::unexpected)?;
        let mime = part.content_type.clone().unwrap_or_default();
        let name = name.to_owned();
        match kind {
            "base64" => {
                let content = STANDARD.decode(&part.content).map_err(|_| errors::unexpected())?;
                if content.len() > FILE_LIMIT {
                    return Err(errors::message(413, "File too large, should be <10MB"));
                }
                Ok(Self::New(File::new(name, mime, content)))
            }
            "hash" => {
                let sha = String::from_utf8_lossy(&part.content).trim().to_owned();
                Ok(Self::Known { sha, name, mime })
            }
            _ => Err(errors::unexpected()),
        }
    }
}
