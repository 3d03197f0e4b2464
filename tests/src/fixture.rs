//! Recorded answers of real services.

use std::path::PathBuf;

use serde::Deserialize;

/// A recorded answer: `tests/fixtures/chat-ui/NAME.json`.
///
/// ```
/// let plain = llm2api_tests::Fixture::load("v0.20-plain").unwrap();
/// assert_eq!(plain.status, 200);
/// assert_eq!(plain.content_type, "application/jsonl");
/// ```
#[derive(Clone, Debug, Deserialize)]
pub struct Fixture {
    /// Status code.
    pub status: u16,
    /// Value of `content-type`.
    pub content_type: String,
    /// Pieces as they arrived, each with its time in milliseconds since the request.
    pub chunks: Vec<(u64, String)>,
}

impl Fixture {
    /// Reads the fixture called `name`.
    ///
    /// # Errors
    /// The file's error when there is none of that name or it is malformed.
    pub fn load(name: &str) -> std::io::Result<Self> {
        let path = Self::folder().join(format!("{name}.json"));
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }

    /// The whole body.
    pub fn body(&self) -> String {
        self.chunks.iter().map(|(_, piece)| piece.as_str()).collect()
    }

    fn folder() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/chat-ui"))
    }
}
