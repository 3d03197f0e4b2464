//! From a request with files to one that an upstream without them takes.

use super::extract::Extract;
use super::fetch::Fetch;
use super::intake::{Intake, Taken};
use super::rules::FileRules;
use crate::chat::{ChatRequest, Content, Message, Part};
use crate::error::{Error, Result};

/// Rewrites a request for an upstream that takes text and PNG or JPEG images only.
///
/// - An image in a `data:` URL is checked, and the URL says what the bytes are. One at an address
///   is fetched where `rules` allow it.
/// - A file that is text, or whose text can be taken out of it, stands as a `<document>` before the
///   other text of its message. One that is an image becomes an image.
/// - A request without files is returned as it came, at no cost.
///
/// # Errors
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for what such an upstream cannot take,
/// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) for what cannot be read,
/// [`ErrorKind::RequestTooLarge`](crate::ErrorKind::RequestTooLarge); each names the part.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::adapt::files::{FileRules, NoExtract, NoFetch, inline_files};
/// use llm2api_core::ChatRequest;
///
/// let request = ChatRequest::from_json(br#"{"model": "m", "messages": [{"role": "user",
///     "content": [{"type": "text", "text": "Sum it up."}, {"type": "file",
///     "file": {"filename": "note.md", "file_data": "IyBIZWxsbw=="}}]}]}"#)?;
/// let request = inline_files(request, &FileRules::default(), &NoFetch, &NoExtract).await?;
/// let document = "<document name=\"note.md\" type=\"text/markdown\">\n# Hello\n</document>";
/// assert_eq!(request.messages[0].text(), format!("{document}\nSum it up."));
/// # Ok(()) }
/// ```
pub async fn inline_files(
    mut request: ChatRequest,
    rules: &FileRules,
    fetch: &dyn Fetch,
    extract: &dyn Extract,
) -> Result<ChatRequest> {
    if !request.messages.iter().any(has_files) {
        return Ok(request);
    }
    let mut intake = Intake::new(rules, fetch, extract);
    let mut messages = Vec::with_capacity(request.messages.len());
    for (at, message) in request.messages.iter().enumerate() {
        messages.push(rewrite(&mut intake, at, message).await?);
    }
    request.messages = messages.into();
    Ok(request)
}

fn has_files(message: &Message) -> bool {
    message.attachments().next().is_some()
}

async fn rewrite(intake: &mut Intake<'_>, at: usize, message: &Message) -> Result<Message> {
    let Some(Content::Parts(parts)) = message.content.as_ref().filter(|_| has_files(message))
    else {
        return Ok(message.clone());
    };
    let (mut documents, mut others) = (Vec::new(), Vec::new());
    for (number, part) in parts.iter().enumerate() {
        let taken = intake.part(part).await;
        match taken.map_err(|error| named(error, at, number, part))? {
            Taken::Document(text) => documents.push(Part::text_part(text)),
            Taken::Part(part) => others.push(part),
        }
    }
    documents.append(&mut others);
    Ok(with_parts(message, documents))
}

/// Copies a message without its content, which may be large.
fn with_parts(message: &Message, parts: Vec<Part>) -> Message {
    let Message { role, content: _, name, tool_calls, tool_call_id, extra } = message;
    Message {
        role: *role,
        content: Some(Content::Parts(parts)),
        name: name.clone(),
        tool_calls: tool_calls.clone(),
        tool_call_id: tool_call_id.clone(),
        extra: extra.clone(),
    }
}

fn named(error: Error, message: usize, number: usize, part: &Part) -> Error {
    let field = match part {
        Part::ImageUrl { .. } => "image_url",
        Part::File { .. } => "file",
        Part::InputAudio { .. } => "input_audio",
        Part::Text { .. } | Part::Refusal { .. } => "text",
    };
    error.with_param(format!("messages[{message}].content[{number}].{field}"))
}
