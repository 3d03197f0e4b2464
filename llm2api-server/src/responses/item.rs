//! The items of a request's input.

use llm2api_core::chat::{Extra, FilePart, ImageUrl};
use llm2api_core::{Part, Role};
use serde::Deserialize;

use crate::dialect::{History, TextOr};
use crate::openai::error::Failure;

/// What tools have done that the service itself has run; no chat can tell of it.
const HOSTED: [&str; 11] = [
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "computer_call",
    "local_shell_call",
    "local_shell_call_output",
    "mcp_list_tools",
    "mcp_call",
    "mcp_approval_request",
    "mcp_approval_response",
];

/// An item of any type; which fields count depends on it. Unknown fields are left out.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an input item object")]
pub(super) struct Item {
    #[serde(rename = "type")]
    kind: Option<String>,
    role: Option<Speaker>,
    content: Option<TextOr<Piece>>,
    call_id: Option<String>,
    name: Option<String>,
    arguments: Option<String>,
    output: Option<TextOr<Piece>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    User,
    Assistant,
    System,
    Developer,
}

/// A piece of what is said.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a content object")]
pub(super) struct Piece {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    refusal: Option<String>,
    image_url: Option<String>,
    detail: Option<String>,
    file_data: Option<String>,
    filename: Option<String>,
}

/// Adds an item to the conversation.
pub(super) fn tell(item: Item, path: &str, history: &mut History) -> Result<(), Failure> {
    match (item.kind.as_deref(), item.role) {
        (Some("message") | None, Some(speaker)) => message(speaker, item.content, path, history),
        (Some("message"), None) => Err(Failure::missing(path, "role")),
        (Some("function_call"), _) => call(item, path, history),
        (Some("function_call_output"), _) => answer(item, path, history),
        // Only the service that wrote it can read it again.
        (Some("reasoning"), _) => Ok(()),
        (Some(kind), _) if HOSTED.contains(&kind) => Ok(()),
        (Some("item_reference") | None, _) => Err(not_kept(path)),
        (Some(_), _) => {
            let path = format!("{path}.type");
            let message = format!(
                "`{path}`: no item of this type is known here: send `message`, `function_call`, \
                 `function_call_output` or `reasoning`"
            );
            Err(Failure::unsupported(&path, &message))
        }
    }
}

fn message(
    speaker: Speaker,
    content: Option<TextOr<Piece>>,
    path: &str,
    history: &mut History,
) -> Result<(), Failure> {
    let content = content.ok_or_else(|| Failure::missing(path, "content"))?;
    let role = match speaker {
        Speaker::User => Role::User,
        Speaker::Assistant => Role::Assistant,
        Speaker::System => Role::System,
        Speaker::Developer => Role::Developer,
    };
    history.say(role, parts(content, &format!("{path}.content"))?);
    Ok(())
}

fn call(item: Item, path: &str, history: &mut History) -> Result<(), Failure> {
    let id = item.call_id.ok_or_else(|| Failure::missing(path, "call_id"))?;
    let name = item.name.ok_or_else(|| Failure::missing(path, "name"))?;
    let arguments = item.arguments.ok_or_else(|| Failure::missing(path, "arguments"))?;
    history.call(id, name, arguments);
    Ok(())
}

fn answer(item: Item, path: &str, history: &mut History) -> Result<(), Failure> {
    let call = item.call_id.ok_or_else(|| Failure::missing(path, "call_id"))?;
    let output = item.output.ok_or_else(|| Failure::missing(path, "output"))?;
    history.answer(call, parts(output, &format!("{path}.output"))?);
    Ok(())
}

fn parts(content: TextOr<Piece>, path: &str) -> Result<Vec<Part>, Failure> {
    let pieces = match content {
        TextOr::Text(text) => return Ok(vec![Part::text_part(text)]),
        TextOr::List(pieces) => pieces,
    };
    let each = pieces.into_iter().enumerate();
    each.map(|(at, piece)| part(piece, &format!("{path}[{at}]"))).collect()
}

fn part(piece: Piece, path: &str) -> Result<Part, Failure> {
    match piece.kind.as_str() {
        "input_text" | "output_text" | "text" => {
            Ok(Part::text_part(piece.text.ok_or_else(|| Failure::missing(path, "text"))?))
        }
        "refusal" => {
            Ok(Part::text_part(piece.refusal.ok_or_else(|| Failure::missing(path, "refusal"))?))
        }
        "input_image" => {
            let url = piece.image_url.ok_or_else(|| no_upload(path, "image_url"))?;
            let image_url = ImageUrl { url, detail: piece.detail, extra: Extra::new() };
            Ok(Part::ImageUrl { image_url, extra: Extra::new() })
        }
        "input_file" => {
            let data = piece.file_data.ok_or_else(|| no_upload(path, "file_data"))?;
            let filename = piece.filename;
            let file = FilePart { file_data: Some(data), filename, ..FilePart::default() };
            Ok(Part::File { file, extra: Extra::new() })
        }
        _ => {
            let path = format!("{path}.type");
            let message = format!(
                "`{path}`: no content of this type is known here: send `input_text`, \
                 `input_image`, `input_file` or `output_text`"
            );
            Err(Failure::unsupported(&path, &message))
        }
    }
}

fn no_upload(path: &str, name: &str) -> Failure {
    let path = format!("{path}.{name}");
    let message = format!("`{path}` is missing: this server keeps no files, so send the content");
    Failure::invalid_value(&path, &message)
}

fn not_kept(path: &str) -> Failure {
    let message = format!(
        "`{path}`: this server keeps no items: send the item itself instead of a reference"
    );
    Failure::unsupported(path, &message)
}
