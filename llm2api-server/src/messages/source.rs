//! Where pictures and documents are.

use llm2api_core::Part;
use llm2api_core::chat::{Extra, FilePart};
use serde::Deserialize;

use super::content::Block;
use crate::dialect::TextOr;
use crate::openai::error::Failure;

/// The `source` of a block; that of a search result is a text.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected an object that says where the bytes are")]
pub(super) enum Source {
    /// An address that is only told.
    Name(String),
    /// The bytes, or where they are.
    Bytes(Bytes),
}

/// The bytes, or where they are.
#[derive(Debug, Deserialize)]
pub(super) struct Bytes {
    #[serde(rename = "type")]
    kind: String,
    media_type: Option<String>,
    data: Option<String>,
    url: Option<String>,
    content: Option<TextOr<Block>>,
}

/// Makes the part of a picture.
pub(super) fn image(source: Option<Source>, path: &str) -> Result<Part, Failure> {
    let path = format!("{path}.source");
    let bytes = bytes(source, &path)?;
    match (bytes.kind.as_str(), bytes.url) {
        ("base64", _) => {
            let url = data_url(bytes.media_type, bytes.data, &path)?;
            Ok(Part::image(url))
        }
        ("url", Some(url)) => Ok(Part::image(url)),
        _ => Err(unknown(&path, "`base64` and `url`")),
    }
}

/// Makes the parts of a document: a file, or its text.
pub(super) fn document(
    source: Option<Source>,
    title: Option<String>,
    path: &str,
) -> Result<Vec<Part>, Failure> {
    let path = format!("{path}.source");
    let bytes = bytes(source, &path)?;
    match (bytes.kind.as_str(), bytes.content) {
        ("base64", _) => {
            let file_data = Some(data_url(bytes.media_type, bytes.data, &path)?);
            let filename = Some(title.unwrap_or_else(|| "document.pdf".into()));
            let file = FilePart { file_data, filename, ..FilePart::default() };
            Ok(vec![Part::File { file, extra: Extra::new() }])
        }
        ("text", _) => {
            let text = bytes.data.ok_or_else(|| Failure::missing(&path, "data"))?;
            Ok(title.into_iter().chain([text]).map(Part::text_part).collect())
        }
        ("content", Some(TextOr::Text(text))) => Ok(vec![Part::text_part(text)]),
        ("content", Some(TextOr::List(blocks))) => {
            super::content::parts(blocks, &format!("{path}.content"))
        }
        _ => Err(unknown(&path, "`base64`, `text` and `content`")),
    }
}

fn bytes(source: Option<Source>, path: &str) -> Result<Bytes, Failure> {
    match source {
        Some(Source::Bytes(bytes)) => Ok(bytes),
        _ => Err(Failure::invalid_value(path, &format!("`{path}` must be an object: add it"))),
    }
}

fn data_url(kind: Option<String>, data: Option<String>, path: &str) -> Result<String, Failure> {
    let kind = kind.ok_or_else(|| Failure::missing(path, "media_type"))?;
    let data = data.ok_or_else(|| Failure::missing(path, "data"))?;
    Ok(format!("data:{kind};base64,{data}"))
}

fn unknown(path: &str, known: &str) -> Failure {
    let message = format!("`{path}.type`: this server keeps no files; it takes {known} here");
    Failure::unsupported(&format!("{path}.type"), &message)
}
