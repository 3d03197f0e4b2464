//! What is said, block by block.

use llm2api_core::{Part, Role};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::source::{Source, document, image};
use crate::dialect::{History, TextOr};
use crate::openai::error::Failure;

/// What tools have found that the service itself has run.
const HOSTED_RESULTS: [&str; 6] = [
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
];

/// One turn of the conversation.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a message object")]
pub(super) struct Turn {
    role: Speaker,
    content: TextOr<Block>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    User,
    Assistant,
    System,
}

/// A block of any type; which fields count depends on it. Unknown fields, `cache_control` among
/// them, are left out.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a content block object")]
pub(super) struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    source: Option<Source>,
    title: Option<String>,
    context: Option<String>,
    id: Option<String>,
    name: Option<String>,
    input: Option<Box<RawValue>>,
    tool_use_id: Option<String>,
    content: Option<TextOr<Block>>,
    is_error: Option<bool>,
}

/// Adds instructions.
pub(super) fn instruct(system: TextOr<Block>, history: &mut History) -> Result<(), Failure> {
    history.say(Role::System, said(system, "system")?);
    Ok(())
}

/// Adds a turn.
pub(super) fn tell(turn: Turn, path: &str, history: &mut History) -> Result<(), Failure> {
    let path = format!("{path}.content");
    let role = match turn.role {
        Speaker::User => Role::User,
        Speaker::Assistant => Role::Assistant,
        Speaker::System => Role::System,
    };
    let blocks = match turn.content {
        TextOr::Text(text) => {
            history.say(role, said(TextOr::Text(text), &path)?);
            return Ok(());
        }
        TextOr::List(blocks) => blocks,
    };
    let (mut parts, mut calls) = (Vec::new(), Vec::new());
    for (at, block) in blocks.into_iter().enumerate() {
        let path = format!("{path}[{at}]");
        match block.kind.as_str() {
            "tool_use" => calls.push((block, path)),
            "tool_result" => answer(block, &path, history)?,
            _ => parts.extend(part(block, &path)?),
        }
    }
    history.say(role, parts);
    calls.into_iter().try_for_each(|(block, path)| call(block, &path, history))
}

fn call(block: Block, path: &str, history: &mut History) -> Result<(), Failure> {
    let id = block.id.ok_or_else(|| Failure::missing(path, "id"))?;
    let name = block.name.ok_or_else(|| Failure::missing(path, "name"))?;
    let input = block.input.map_or_else(|| "{}".to_owned(), |input| input.get().to_owned());
    history.call(id, name, input);
    Ok(())
}

/// A chat has no mark for what went wrong in a tool, so the text says it.
fn answer(block: Block, path: &str, history: &mut History) -> Result<(), Failure> {
    let call = block.tool_use_id.ok_or_else(|| Failure::missing(path, "tool_use_id"))?;
    let content = block.content.unwrap_or(TextOr::Text(String::new()));
    let mut parts = said(content, &format!("{path}.content"))?;
    if block.is_error == Some(true) {
        parts.insert(0, Part::text_part("The tool failed:"));
    }
    history.answer(call, parts);
    Ok(())
}

fn said(content: TextOr<Block>, path: &str) -> Result<Vec<Part>, Failure> {
    match content {
        TextOr::Text(text) => Ok(vec![Part::text_part(text)]),
        TextOr::List(blocks) => parts(blocks, path),
    }
}

/// Makes the parts of several blocks.
pub(super) fn parts(blocks: Vec<Block>, path: &str) -> Result<Vec<Part>, Failure> {
    let each = blocks.into_iter().enumerate();
    let parts = each.map(|(at, block)| part(block, &format!("{path}[{at}]")));
    Ok(parts.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn part(block: Block, path: &str) -> Result<Vec<Part>, Failure> {
    match block.kind.as_str() {
        "text" => {
            let text = block.text.ok_or_else(|| Failure::missing(path, "text"))?;
            Ok(vec![Part::text_part(text)])
        }
        "image" => Ok(vec![image(block.source, path)?]),
        "document" => {
            let context = block.context.map(Part::text_part);
            let document = document(block.source, block.title, path)?;
            Ok(context.into_iter().chain(document).collect())
        }
        "search_result" => found(block, path),
        // Only the service that wrote it can read it again.
        // A chat can tell neither what was thought nor what the service itself has run.
        "thinking" | "redacted_thinking" | "server_tool_use" | "mcp_tool_use"
        | "mcp_tool_result" => Ok(Vec::new()),
        kind if HOSTED_RESULTS.contains(&kind) => Ok(Vec::new()),
        _ => {
            let path = format!("{path}.type");
            let message = format!(
                "`{path}`: no block of this type is known here: send `text`, `image`, `document`, \
                 `search_result`, `tool_use` or `tool_result`"
            );
            Err(Failure::unsupported(&path, &message))
        }
    }
}

fn found(block: Block, path: &str) -> Result<Vec<Part>, Failure> {
    let source = match block.source {
        Some(Source::Name(name)) => Some(name),
        _ => None,
    };
    let head = block.title.into_iter().chain(source).map(Part::text_part);
    let content = block.content.ok_or_else(|| Failure::missing(path, "content"))?;
    Ok(head.chain(said(content, &format!("{path}.content"))?).collect())
}
