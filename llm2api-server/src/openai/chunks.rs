//! A stream of chat-completion chunks.

use llm2api_core::Chunk;

use super::error::Failure;
use crate::sse::Encode;

const COMMENT: &[u8] = b": keep-alive\n\n";
const DONE: &[u8] = b"data: [DONE]\n\n";

/// Writes each chunk as one `data:` event: `[DONE]` after the last one, an error event without
/// `[DONE]` after a fault.
#[derive(Debug)]
pub(crate) struct Chunks {
    /// Whether the client asked for token counts: we may have done so for its key's limits.
    usage: bool,
}

impl Chunks {
    /// Passes a chunk of token counts alone on only where the client asked for one.
    pub(crate) fn new(usage: bool) -> Self {
        Self { usage }
    }
}

impl Encode for Chunks {
    const SIGN_OF_LIFE: &'static [u8] = COMMENT;

    fn chunk(&mut self, chunk: Chunk, out: &mut Vec<u8>) -> Result<(), Failure> {
        if !self.usage && chunk.has_usage() && chunk.body().choices.is_empty() {
            return Ok(());
        }
        out.extend_from_slice(b"data: ");
        chunk.write_json(out);
        out.extend_from_slice(b"\n\n");
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        out.extend_from_slice(DONE);
        Ok(())
    }

    fn fail(&mut self, failure: &Failure, request_id: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        failure.write_json(request_id, out);
        out.extend_from_slice(b"\n\n");
    }
}

#[cfg(test)]
mod tests;
